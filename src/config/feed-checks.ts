/**
 * What the configuration says of signed feeds, checked: the address and the keys of those that are followed, the lists and
 * the secret key of those that are published. Runs on the raw value, as cross-checks.ts does, which calls it.
 */
import { resolve } from 'node:path';
import { isLoopback } from './address.ts';
import type { Path, Report } from './cross-checks.ts';
import { readProblem } from './file-access.ts';

/** 42 octets in base64, the first two of them "Ed". */
const PUBLIC_KEY = /^RW[QRST][A-Za-z0-9+/]{53}$/;

export interface FeedCheckInput {
  readonly valueAt: (path: Path) => unknown;
  readonly folder: string;
  readonly report: Report;
}

export function checkFeeds(input: FeedCheckInput): void {
  const lists = arrayOf(input.valueAt(['lists']));
  for (const index of lists.keys()) checkKeys(input, index);
  checkPublished(input, lists.length);
}

/** Why a source that begins with feed+ is none, or undefined. */
export function feedSourceProblem(source: string): string | undefined {
  const url = URL.parse(source.slice('feed+'.length));
  if (url === null) return `"${source}" is no URL`;
  if (url.username !== '' || url.password !== '') return 'a URL with a user name or password in it is not accepted';
  if (url.search !== '' || url.hash !== '') return 'the address of a feed is a folder: nothing with ? or # behind it';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `"feed+${url.protocol}" is no feed; write feed+https://`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isLoopback(host) ? undefined : 'feed+http:// is accepted from a loopback address only; write feed+https://';
}

function checkKeys({ valueAt, report }: FeedCheckInput, index: number): void {
  const source = valueAt(['lists', index, 'source']);
  const keys = arrayOf(valueAt(['lists', index, 'feedKeys']));
  for (const [at, key] of keys.entries()) {
    if (typeof key === 'string' && !PUBLIC_KEY.test(key)) {
      report(
        ['lists', index, 'feedKeys', at],
        'is no minisign public key: the line of 56 characters that begins with RW',
      );
    }
  }
  const isFeed = typeof source === 'string' && /^feed\+/i.test(source);
  if (isFeed && keys.length === 0) {
    report(
      ['lists', index, 'feedKeys'],
      'a feed needs the public key that signs it (weir feed keygen, or minisign -G)',
    );
  }
}

function checkPublished({ valueAt, folder, report }: FeedCheckInput, lists: number): void {
  const published = arrayOf(valueAt(['feeds', 'publish']));
  for (const [index, name] of published.entries()) {
    const list = Array.from({ length: lists }, (_, at) => at).find((at) => valueAt(['lists', at, 'name']) === name);
    if (list === undefined) report(['feeds', 'publish', index], `there is no list "${String(name)}"`);
    else if (valueAt(['lists', list, 'source']) !== 'push') {
      report(['feeds', 'publish', index], `"${String(name)}" is no list with source: push`);
    } else if (published.indexOf(name) !== index) report(['feeds', 'publish', index], 'is there twice');
  }
  if (published.length === 0) return;
  if (valueAt(['listen', 'admin']) === '') {
    report(['feeds', 'publish'], 'needs listen.admin, which serves the feeds');
  }
  const secretKey = textOf(valueAt(['feeds', 'secretKey']));
  const passwordFile = textOf(valueAt(['feeds', 'passwordFile']));
  if (secretKey === '') report(['feeds', 'secretKey'], 'is needed to sign what feeds.publish names (weir feed keygen)');
  for (const [key, file] of [
    ['secretKey', secretKey],
    ['passwordFile', passwordFile],
  ] as const) {
    const problem = file === '' ? undefined : readProblem(resolve(folder, file));
    if (problem !== undefined) report(['feeds', key], problem);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
