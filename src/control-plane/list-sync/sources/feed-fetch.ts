/**
 * Fetches the documents and files of a signed feed over HTTPS (plain HTTP only from loopback to loopback), with the same
 * limits and the same guard against redirects into this network as a list behind a URL. Knows nothing of manifests:
 * nothing that it gives has been verified. The token goes to the feed's own origin and nowhere else.
 * RFC 9110, RFC 6750 section 2.1 (bearer tokens).
 */
import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import type { ListConfig } from '../../../config/config.ts';
import { errorCode } from '../error-code.ts';
import type { SyncFailure } from '../list-status.ts';
import { isAllowedUrl, REDIRECTS_MAX } from './https-source.ts';
import { INTERNAL_TARGET, RedirectGuard, type NetworkView } from './redirect-guard.ts';
import { shownLocation } from './shown-location.ts';

export type FeedFetchSettings = Pick<
  ListConfig,
  'source' | 'fetchTimeoutMs' | 'tokenFile' | 'ca' | 'clientCertificate' | 'clientKey' | 'proxy'
>;

/** The response field in which a server says how long a request may wait for a new version. Units: seconds. */
export const WAIT_HEADER = 'weir-feed-wait';
const CONNECT_TIMEOUT_MS = 10_000;
const HEADER_BYTES_MAX = 32 * 1024;
const USER_AGENT = 'weir-dns';
const TOKEN_BYTES_MAX = 4096;
/** What a server may send before the connection is given up. */
const RETRY_AFTER_MS_MAX = 3_600_000;

export interface FetchRequest {
  /** Relative to the feed's own address. */
  readonly path: string;
  readonly bytesMax: number;
  /** Beside the time limit of the list, for an answer that waits. */
  readonly waitMs?: number;
  readonly query?: Readonly<Record<string, string>>;
  /** Gets the body; may throw to end it. */
  readonly onChunk: (chunk: Uint8Array) => Promise<void> | void;
}

export type Fetched =
  | { readonly kind: 'fetched'; readonly bytes: number; readonly waitSecondsMax: number }
  /** Status 404 or 410; from a server that waits, that there is nothing yet. */
  | { readonly kind: 'missing'; readonly failure: SyncFailure; readonly waitSecondsMax: number }
  | { readonly kind: 'failed'; readonly failure: SyncFailure; readonly retryAfterMs: number };

/** Where a feed is: `feed+https://host/path/` without its prefix, ending in a slash. */
export function feedAddress(source: string): URL | undefined {
  const url = URL.parse(source.replace(/^feed\+/i, ''));
  if (url === null || !isAllowedUrl(url, undefined)) return undefined;
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

export class FeedFetch {
  readonly #settings: FeedFetchSettings;
  readonly #address: URL;
  readonly #guard: RedirectGuard;
  readonly #closing = new AbortController();
  #agent: Promise<Dispatcher> | undefined;

  /** `network`: for tests. Errors: throws for an address that the configuration would have refused. */
  constructor(settings: FeedFetchSettings, network?: NetworkView) {
    const address = feedAddress(settings.source);
    if (address === undefined) throw new Error(`${shownLocation(settings.source)} is no address of a feed`);
    this.#settings = settings;
    this.#address = address;
    this.#guard = new RedirectGuard(address.href, network);
  }

  async fetch(request: FetchRequest): Promise<Fetched> {
    const url = new URL(request.path, this.#address);
    if (url.origin !== this.#address.origin || !url.pathname.startsWith(this.#address.pathname)) {
      return failed('redirect', `${request.path} leads out of the feed`);
    }
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    const timeoutMs = this.#settings.fetchTimeoutMs + (request.waitMs ?? 0);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      return await this.#follow(url, request, signal, timeoutMs);
    } catch (error) {
      return this.#failureOf(error, url, timeoutMs);
    }
  }

  /** Ends what is on its way. */
  close(): void {
    this.#closing.abort();
    void this.#agent?.then((agent) => agent.destroy()).catch(() => undefined);
  }

  async #follow(first: URL, request: FetchRequest, signal: AbortSignal, timeoutMs: number): Promise<Fetched> {
    const { request: send } = await import('undici');
    this.#agent ??= openAgent(this.#settings, this.#guard);
    const dispatcher = await this.#agent;
    const token = await this.#token();
    let url = first;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      const headers: Record<string, string> = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' };
      if (token !== undefined && url.origin === this.#address.origin) headers['authorization'] = `Bearer ${token}`;
      const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
      const response = await send(url.href, { dispatcher, signal, headers, ...timeouts });
      if (response.statusCode === 200) return await body(response, url, request);
      response.body.on('error', () => undefined);
      response.body.destroy();
      const shown = shownLocation(url.href);
      if (!isRedirect(response.statusCode)) return refusedStatus(response, shown);
      const next = URL.parse(single(response.headers['location']) ?? '', url.href);
      if (next === null || next.href === url.href) return failed('redirect', `${shown} redirects to nowhere`);
      if (!isAllowedUrl(next, url)) {
        return failed('redirect', `${shown} redirects to ${shownLocation(next.href)}: not https`);
      }
      if (!this.#guard.allows(next)) {
        return failed('redirect', `${shown} redirects to ${next.hostname}, an address in this network; its own is not`);
      }
      url = next;
    }
    return failed('redirect', `${shownLocation(first.href)} redirects more than ${REDIRECTS_MAX} times`);
  }

  async #token(): Promise<string | undefined> {
    const { tokenFile } = this.#settings;
    if (tokenFile === '') return undefined;
    const text = (await readFile(tokenFile, 'utf8')).slice(0, TOKEN_BYTES_MAX).trim();
    // Why: undici would refuse it with a message that shows it.
    if (!/^[\x21-\x7e]+$/.test(text)) throw new Error(`${tokenFile} has no token in it`);
    return text;
  }

  #failureOf(error: unknown, url: URL, timeoutMs: number): Fetched {
    const shown = shownLocation(url.href);
    const code = errorCode(error);
    if ((error instanceof Error && error.name === 'TimeoutError') || code.endsWith('TIMEOUT')) {
      return failed('timeout', `${shown} did not answer whole within ${timeoutMs} ms`);
    }
    const text = error instanceof Error ? error.message : String(error);
    if (code === INTERNAL_TARGET) return failed('redirect', `${shown} redirects: ${text}`);
    if (/content-length|terminated|other side closed/i.test(text)) {
      return failed('truncated', `${shown} sent less than it announced (${text})`);
    }
    return failed('network', `${shown} cannot be fetched: ${text || code}`);
  }
}

async function openAgent(settings: FeedFetchSettings, guard: RedirectGuard): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici');
  const { ca, clientCertificate, clientKey, proxy } = settings;
  const tls = {
    ...(ca === '' ? {} : { ca: await readFile(ca) }),
    ...(clientCertificate === '' ? {} : { cert: await readFile(clientCertificate) }),
    ...(clientKey === '' ? {} : { key: await readFile(clientKey) }),
  };
  const limits = { connections: 1, maxHeaderSize: HEADER_BYTES_MAX };
  if (proxy !== '') return new ProxyAgent({ ...limits, uri: proxy, requestTls: tls });
  return new Agent({ ...limits, connect: { ...tls, timeout: CONNECT_TIMEOUT_MS, lookup: guard.lookup } });
}

async function body(response: Dispatcher.ResponseData, url: URL, request: FetchRequest): Promise<Fetched> {
  const { bytesMax, onChunk } = request;
  const announced = Number(single(response.headers['content-length']) ?? 0);
  let bytes = 0;
  let isOver = announced > bytesMax;
  if (!isOver) {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      isOver = bytes > bytesMax;
      if (isOver) break;
      await onChunk(chunk);
    }
  }
  if (isOver) {
    response.body.on('error', () => undefined);
    response.body.destroy();
    return failed('tooLarge', `${shownLocation(url.href)} is over ${bytesMax} bytes`);
  }
  return { kind: 'fetched', bytes, waitSecondsMax: waitSecondsOf(response) };
}

function waitSecondsOf({ headers }: Dispatcher.ResponseData): number {
  const wait = single(headers[WAIT_HEADER]) ?? '';
  return /^\d{1,4}$/.test(wait) ? Number(wait) : 0;
}

function refusedStatus(response: Dispatcher.ResponseData, shown: string): Fetched {
  const status = response.statusCode;
  const failure: SyncFailure = { reason: 'httpStatus', message: `${shown} answered with status ${status}` };
  if (status === 404 || status === 410) return { kind: 'missing', failure, waitSecondsMax: waitSecondsOf(response) };
  const retryAfter = single(response.headers['retry-after']) ?? '';
  const retryAfterMs = /^\d{1,9}$/.test(retryAfter) ? Math.min(Number(retryAfter) * 1000, RETRY_AFTER_MS_MAX) : 0;
  return { kind: 'failed', failure, retryAfterMs };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function failed(reason: SyncFailure['reason'], message: string): Fetched {
  return { kind: 'failed', failure: { reason, message }, retryAfterMs: 0 };
}
