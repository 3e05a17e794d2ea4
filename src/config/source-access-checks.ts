/**
 * What the configuration says of how lists are fetched, checked: token, authorities, client certificate and proxy belong
 * to a list behind https://, their files hold what they should, and the key is that of the certificate. Runs on the raw
 * value, as cross-checks.ts does, which calls it.
 */
import { resolve } from 'node:path';
import { readCertificate } from './certificate.ts';
import type { Config } from './config.ts';
import type { Path, Report } from './cross-checks.ts';
import { ACCESS_KEYS, readAccessFiles } from './source-access.ts';

export interface SourceAccessCheckInput {
  readonly valueAt: (path: Path) => unknown;
  readonly folder: string;
  readonly report: Report;
}

export function checkSourceAccess(input: SourceAccessCheckInput): void {
  const lists: unknown = input.valueAt(['lists']);
  for (const index of Array.isArray(lists) ? lists.keys() : []) checkList(input, index);
}

function checkList({ valueAt, folder, report }: SourceAccessCheckInput, index: number): void {
  const textAt = (key: string): string => {
    const text = valueAt(['lists', index, key]);
    return typeof text === 'string' ? text : '';
  };
  const set = ACCESS_KEYS.filter((key) => textAt(key) !== '');
  const source = textAt('source');
  if (set.length === 0 || source === '') return;
  if (!/^(feed\+)?https?:/i.test(source)) {
    for (const key of set) report(['lists', index, key], 'is for a list behind https:// or feed+https://');
    return;
  }
  const file = (key: string): string => (textAt(key) === '' ? '' : resolve(folder, textAt(key)));
  const outcome = readAccessFiles({
    tokenFile: file('tokenFile'),
    ca: file('ca'),
    clientCertificate: file('clientCertificate'),
    clientKey: file('clientKey'),
    proxy: '',
  });
  if (outcome.kind === 'bad') report(['lists', index, outcome.key], outcome.message);
  const proxyProblem = textAt('proxy') === '' ? undefined : problemOfProxy(textAt('proxy'), source);
  if (proxyProblem !== undefined) report(['lists', index, 'proxy'], proxyProblem);
}

/** Why no word of the URL: where a user name and a password are, they would be in it. */
function problemOfProxy(proxy: string, source: string): string | undefined {
  const url = URL.parse(proxy);
  if (url === null || url.protocol !== 'http:') return 'is no proxy; write http://HOST:PORT';
  if (url.username !== '' || url.password !== '') return 'a URL with a user name or password in it is not accepted';
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return 'nothing may stand behind the port';
  return /^(feed\+)?https:/i.test(source) ? undefined : 'is for https alone; this source is on loopback';
}

/** What is legal and yet hardly meant. */
export function warningsAboutSourceAccess({ lists }: Config, nowSeconds: number): string[] {
  return lists.flatMap(({ clientCertificate, clientKey }, index) => {
    if (clientCertificate === '') return [];
    const outcome = readCertificate(clientCertificate, clientKey);
    if (outcome.kind === 'bad' || nowSeconds < outcome.value.expiresAtSeconds) return [];
    return [`lists[${index}].clientCertificate: it has expired; the source will refuse it`];
  });
}
