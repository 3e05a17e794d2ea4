/**
 * What several keys of a configuration say together, and what the file system says about them: duplicate lists, two
 * listeners on one address, a resolver that forwards to itself, files that cannot be read. Runs on the raw value, for
 * a wrong type somewhere must not hide the problems elsewhere.
 */
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { isLoopback, isWildcard, parseSocketAddress, parseUpstream, RECURSIVE } from './address.ts';
import type { SocketAddress } from './config.ts';
import { readCookieSecrets } from './cookie-secrets.ts';
import { checkFeeds, feedSourceProblem } from './feed-checks.ts';
import { checkGroups } from './group-checks.ts';
import { findRecursor } from './find-recursor.ts';
import { readProblem } from './file-access.ts';
import { LISTEN_DEFAULTS } from './schema.ts';
import { checkSourceAccess } from './source-access-checks.ts';
import { checkTls } from './tls-checks.ts';
import { checkWarningPage } from './warning-page-checks.ts';

export type Path = readonly (string | number)[];
export type Report = (path: Path, message: string) => void;

/** Sinkhole addresses of one family: all of them go into every blocked answer. */
const SINKHOLE_ADDRESSES_MAX = 4;
/** Keys of listen whose listeners answer queries. */
const RESOLVER_KEYS: ReadonlySet<unknown> = new Set(['do53', 'dot', 'doh']);
const FILE_KEYS = ['allow', 'protected', 'popular', 'sharedHosts'] as const;

/** The value that a path leads to, or undefined. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

function arrayAt(value: unknown, ...path: (string | number)[]): readonly unknown[] {
  const found: unknown = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

/** Runs every check on the value as it came out of the YAML. */
export function crossCheck(raw: unknown, folder: string, report: Report): void {
  checkListNames(raw, report);
  checkRollouts(raw, report);
  checkGroups({ valueAt: (path) => valueAt(raw, path), report });
  checkListeners(raw, report);
  checkUpstreams(raw, folder, report);
  const ca = valueAt(raw, ['upstreamQueries', 'ca']);
  if (typeof ca === 'string' && ca !== '') checkFile(resolve(folder, ca), ['upstreamQueries', 'ca'], report);
  checkCookieSecrets(raw, folder, report);
  checkBalancers(raw, report);
  checkSinkhole(raw, report);
  checkSources(raw, report);
  checkFeeds({ valueAt: (path) => valueAt(raw, path), folder, report });
  checkSourceAccess({ valueAt: (path) => valueAt(raw, path), folder, report });
  checkTls({ valueAt: (path) => valueAt(raw, path), folder, report });
  const textAt = (...path: readonly string[]): string | undefined => {
    const text = valueAt(raw, path);
    return typeof text === 'string' && text !== '' ? text : undefined;
  };
  checkWarningPage(textAt, folder, report);
  for (const key of FILE_KEYS) {
    for (const [index, file] of arrayAt(raw, key).entries()) {
      if (typeof file === 'string') checkFile(resolve(folder, file), [key, index], report);
    }
  }
}

/** Who may name any client is trusted with everything that depends on clients: never everybody. */
function checkBalancers(raw: unknown, report: Report): void {
  for (const [index, prefix] of arrayAt(raw, 'listen', 'proxyProtocol').entries()) {
    if (typeof prefix === 'string' && /\/0+$/.test(prefix))
      report(['listen', 'proxyProtocol', index], 'anybody could then name any client as his own: name the balancers');
  }
}

function checkListNames(raw: unknown, report: Report): void {
  const seen = new Map<unknown, number>();
  for (const index of arrayAt(raw, 'lists').keys()) {
    const name = valueAt(raw, ['lists', index, 'name']);
    if (typeof name !== 'string') continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    else report(['lists', index, 'name'], `"${name}" is the name of lists[${first}] already`);
  }
}

/** A client that is in stays in, so that no stage may be smaller than the one before it. */
function checkRollouts(raw: unknown, report: Report): void {
  for (const list of arrayAt(raw, 'lists').keys()) {
    let before = -1;
    for (const stage of arrayAt(raw, 'lists', list, 'rollout').keys()) {
      const path = ['lists', list, 'rollout', stage, 'percent'];
      const percent = valueAt(raw, path);
      if (typeof percent !== 'number') continue;
      if (percent <= before) report(path, `has to be more than the ${before} of the stage before it`);
      before = percent;
    }
  }
}

function addressAt(value: unknown): SocketAddress | undefined {
  const address = typeof value === 'string' ? parseSocketAddress(value) : undefined;
  return address?.kind === 'ok' ? address.value : undefined;
}

function sameSocket(a: SocketAddress, b: SocketAddress): boolean {
  if (a.port !== b.port || a.port === 0 || isIPv4(a.host) !== isIPv4(b.host)) return false;
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host);
}

interface Bound {
  readonly path: Path;
  readonly address: SocketAddress;
}

/** The addresses that will be bound, defaults included; what is no address is someone else's problem. */
function boundAddresses(raw: unknown): Bound[] {
  const do53: unknown = valueAt(raw, ['listen', 'do53']) ?? LISTEN_DEFAULTS.do53;
  const written: [Path, unknown][] = [];
  for (const [key, addresses] of [
    ['do53', do53],
    ['dot', valueAt(raw, ['listen', 'dot'])],
    ['doh', valueAt(raw, ['listen', 'doh'])],
  ] as const) {
    if (!Array.isArray(addresses)) continue;
    written.push(...addresses.map((address: unknown, index): [Path, unknown] => [['listen', key, index], address]));
  }
  for (const key of ['admin', 'warningPageHttp'] as const) {
    written.push([['listen', key], valueAt(raw, ['listen', key]) ?? LISTEN_DEFAULTS[key]]);
  }
  written.push([['listen', 'warningPageHttps'], valueAt(raw, ['listen', 'warningPageHttps'])]);
  return written.flatMap(([path, text]) => {
    const address = addressAt(text);
    return address === undefined ? [] : [{ path, address }];
  });
}

function checkListeners(raw: unknown, report: Report): void {
  const bound = boundAddresses(raw);
  for (const [index, { path, address }] of bound.entries()) {
    const other = bound.slice(0, index).find((earlier) => sameSocket(earlier.address, address));
    if (other !== undefined) report(path, `the address is taken by ${other.path.slice(0, 2).join('.')}`);
  }
}

function checkUpstreams(raw: unknown, folder: string, report: Report): void {
  const own = boundAddresses(raw);
  const seen = new Map<string, number>();
  for (const [index, written] of arrayAt(raw, 'upstreams').entries()) {
    const upstream = typeof written === 'string' ? parseUpstream(written) : undefined;
    if (upstream?.kind !== 'ok') continue;
    const { protocol, host, port } = upstream.value;
    const key = `${protocol} ${host} ${port}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else report(['upstreams', index], `the same as upstreams[${first}]`);
    if (written === RECURSIVE) {
      checkRecursor(raw, folder, index, report);
      continue;
    }
    const circle = own.find(({ path, address }) => RESOLVER_KEYS.has(path[1]) && isOwnAddress(address, { host, port }));
    if (circle !== undefined) {
      report(
        ['upstreams', index],
        `this is an address of listen.${circle.path[1]}: queries would go round in a circle`,
      );
    }
  }
}

function checkRecursor(raw: unknown, folder: string, index: number, report: Report): void {
  const program = valueAt(raw, ['recursion', 'program']);
  const include = valueAt(raw, ['recursion', 'include']);
  const path = typeof program === 'string' && program !== '' ? resolve(folder, program) : '';
  if (findRecursor(path) === undefined) {
    const where = path === '' ? 'which is not installed' : `and ${path} is no program`;
    report(
      ['upstreams', index],
      `"${RECURSIVE}" needs Unbound, ${where}; apt-get install unbound, or set recursion.program`,
    );
  }
  // Why: Unbound's configuration knows no escape within quotes.
  for (const key of [['stateDirectory'], ['recursion', 'include']]) {
    const written = valueAt(raw, key);
    if (/["\r\n]/.test(resolve(folder, typeof written === 'string' ? written : '')))
      report(key, 'Unbound takes no path with a double quote or a line break in it');
  }
  if (typeof include === 'string' && include !== '')
    checkFile(resolve(folder, include), ['recursion', 'include'], report);
}

/** Whether what is sent to `target` arrives at the listener bound to `own`. */
export function isOwnAddress(own: SocketAddress, target: SocketAddress): boolean {
  if (own.port !== target.port || isIPv4(own.host) !== isIPv4(target.host)) return false;
  if (own.host === target.host) return true;
  return isWildcard(own.host) && (isLoopback(target.host) || isOfThisMachine(target.host));
}

/** Whether an interface has the address, however it is written. */
function isOfThisMachine(host: string): boolean {
  const own = new BlockList();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family } of addresses ?? []) own.addAddress(address, family === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  return own.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
}

function checkCookieSecrets(raw: unknown, folder: string, report: Report): void {
  const path = ['limits', 'cookieSecretFile'];
  const file = valueAt(raw, path);
  if (typeof file !== 'string' || file === '') return;
  const read = readCookieSecrets(resolve(folder, file));
  if (read.kind === 'bad') report(path, read.message);
}

function checkSinkhole(raw: unknown, report: Report): void {
  const addresses = arrayAt(raw, 'sinkhole', 'addresses').filter((address) => typeof address === 'string');
  for (const [family, count] of [
    ['IPv4', addresses.filter((address) => isIPv4(address)).length],
    ['IPv6', addresses.filter((address) => address.includes(':')).length],
  ] as const) {
    if (count > SINKHOLE_ADDRESSES_MAX) {
      report(['sinkhole', 'addresses'], `${count} ${family} addresses; at most ${SINKHOLE_ADDRESSES_MAX} a family`);
    }
  }
}

function checkSources(raw: unknown, report: Report): void {
  for (const index of arrayAt(raw, 'lists').keys()) {
    const source = valueAt(raw, ['lists', index, 'source']);
    if (typeof source !== 'string' || source === '') continue;
    const problem = sourceProblem(source);
    if (problem !== undefined) report(['lists', index, 'source'], problem);
  }
}

/** Whether a source is an address to fetch rather than a path. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(source);
}

function sourceProblem(source: string): string | undefined {
  if (source === 'push' || !isUrl(source)) return undefined;
  if (/^feed\+/i.test(source)) return feedSourceProblem(source);
  const url = URL.parse(source);
  if (url === null) return `"${source}" is no URL`;
  if (url.username !== '' || url.password !== '') return 'a URL with a user name or password in it is not accepted';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `"${url.protocol}" is no source; a path, https://..., feed+https://..., or push`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isLoopback(host) ? undefined : 'plain http:// is accepted from a loopback address only; write https://';
}

function checkFile(file: string, path: Path, report: Report): void {
  const problem = readProblem(file);
  if (problem !== undefined) report(path, problem);
}
