/**
 * Fetches the documents and files of a signed feed over HTTPS (plain HTTP only from loopback to loopback), with the same
 * limits and the same guard against redirects into this network as a list behind a URL. Knows nothing of manifests:
 * nothing that it gives has been verified. The token goes to the feed's own origin and nowhere else.
 * RFC 9110, RFC 6750 section 2.1 (bearer tokens).
 */
import type { Dispatcher } from 'undici';
import type { ListConfig } from '../../../config/config.ts';
import type { AccessSettings } from '../../../config/source-access.ts';
import type { SyncFailure } from '../list-status.ts';
import {
  discard,
  guardedRequest,
  isAllowedUrl,
  requestFailure,
  retryAfterMs,
  single,
  USER_AGENT,
} from './guarded-request.ts';
import { RedirectGuard, type NetworkView } from './redirect-guard.ts';
import { shownLocation } from './shown-location.ts';
import { SourceAccess } from './source-access.ts';

export type FeedFetchSettings = Pick<ListConfig, 'source' | 'fetchTimeoutMs'> & AccessSettings;

/** The response field in which a server says how long a request may wait for a new version. Units: seconds. */
export const WAIT_HEADER = 'weir-feed-wait';
/** A server may ask to be left alone for so long. */
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

/** Hosts that were redirected to, in turn. */
export type OnRedirects = (hosts: readonly string[]) => void;

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
  readonly #access: SourceAccess;
  readonly #onRedirects: OnRedirects;

  /** `onRedirects`: told what a fetch that was good led through. `network`: for tests. Errors: throws for an address that the configuration would have refused. */
  constructor(
    settings: FeedFetchSettings,
    { onRedirects = () => undefined, network }: { onRedirects?: OnRedirects; network?: NetworkView | undefined } = {},
  ) {
    const address = feedAddress(settings.source);
    if (address === undefined) throw new Error(`${shownLocation(settings.source)} is no address of a feed`);
    this.#settings = settings;
    this.#address = address;
    this.#guard = new RedirectGuard(address.href, network);
    this.#access = new SourceAccess(settings, address, this.#guard);
    this.#onRedirects = onRedirects;
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
      return { kind: 'failed', failure: requestFailure(error, url.href, timeoutMs), retryAfterMs: 0 };
    }
  }

  /** Ends what is on its way. */
  close(): void {
    this.#closing.abort();
    this.#access.close();
  }

  async #follow(url: URL, request: FetchRequest, signal: AbortSignal, timeoutMs: number): Promise<Fetched> {
    const answer = await guardedRequest({
      url,
      access: this.#access.open(),
      guard: this.#guard,
      signal,
      timeoutMs,
      headers: { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' },
    });
    if (answer.kind === 'failed') return { ...answer, retryAfterMs: 0 };
    const { response, redirectHosts } = answer;
    if (response.statusCode !== 200) return refusedStatus(response, answer.url);
    const fetched = await body(response, answer.url, request);
    if (fetched.kind === 'fetched' && redirectHosts.length > 0) this.#onRedirects(redirectHosts);
    return fetched;
  }
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
    discard(response);
    return failed('tooLarge', `${shownLocation(url.href)} is over ${bytesMax} bytes`);
  }
  return { kind: 'fetched', bytes, waitSecondsMax: waitSecondsOf(response) };
}

function waitSecondsOf({ headers }: Dispatcher.ResponseData): number {
  const wait = single(headers[WAIT_HEADER]) ?? '';
  return /^\d{1,4}$/.test(wait) ? Number(wait) : 0;
}

function refusedStatus(response: Dispatcher.ResponseData, url: URL): Fetched {
  const status = response.statusCode;
  const failure: SyncFailure = {
    reason: 'httpStatus',
    message: `${shownLocation(url.href)} answered with status ${status}`,
  };
  if (status === 404 || status === 410) return { kind: 'missing', failure, waitSecondsMax: waitSecondsOf(response) };
  return { kind: 'failed', failure, retryAfterMs: Math.min(retryAfterMs(response), RETRY_AFTER_MS_MAX) };
}

function failed(reason: SyncFailure['reason'], message: string): Fetched {
  return { kind: 'failed', failure: { reason, message }, retryAfterMs: 0 };
}
