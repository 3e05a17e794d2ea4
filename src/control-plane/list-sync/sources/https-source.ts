/**
 * A list behind https:// (http:// only to loopback), fetched by undici: conditional GET, an interval with jitter,
 * exponential back-off after failures, and a limit on everything a server can stretch: bytes, time, redirects. The body
 * is kept in memory, so that a read-only or full state directory does not stop synchronisation. Must not parse.
 * RFC 9110 13.1 (conditional requests), RFC 9110 10.2.3 (Retry-After).
 */
import type { Agent, Dispatcher } from 'undici';
import { wallClockMs } from '../../../clock.ts';
import { errorCode } from '../error-code.ts';
import type { SyncFailure } from '../list-status.ts';
import type { ListSource, ReadOutcome, ReadRequest, SourceKind, SourceSettings, Validators } from './list-source.ts';
import { INTERNAL_TARGET, RedirectGuard, type NetworkView } from './redirect-guard.ts';
import { shownLocation } from './shown-location.ts';

export const REDIRECTS_MAX = 5;
/** Wait after the first failure; doubles with each further one up to the list's refresh interval. */
export const BACKOFF_FIRST_MS = 5000;
/** Share of an interval by which it is drawn shorter or longer, so that a fleet does not ask in step. */
export const JITTER_SHARE = 0.1;
/** Longest header value we send back to the server that gave it. */
export const VALIDATOR_CHARS_MAX = 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const HEADER_BYTES_MAX = 32 * 1024;
/** setTimeout's limit. */
const TIMER_MS_MAX = 2_147_000_000;
const USER_AGENT = 'weir-dns';

export const httpsSource: SourceKind = {
  kind: 'https',
  description: 'an https:// URL, fetched with conditional GET',
  create: (settings) => createHttpsSource(settings),
};

/** `network`: for tests. */
export function createHttpsSource(settings: SourceSettings, network?: NetworkView): ListSource {
  return new HttpsSource(settings, network);
}

class HttpsSource implements ListSource {
  readonly #settings: SourceSettings;
  #agent: Agent | undefined;
  readonly #abort = new AbortController();
  #onChange: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #retryAfterMs = 0;
  readonly #guard: RedirectGuard;

  constructor(settings: SourceSettings, network: NetworkView | undefined) {
    this.#settings = settings;
    this.#guard = new RedirectGuard(settings.location, network);
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange;
    this.#schedule();
  }

  async read(readRequest: ReadRequest): Promise<ReadOutcome> {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(this.#settings.fetchTimeoutMs)]);
    this.#retryAfterMs = 0;
    try {
      return await this.#fetch(readRequest.force ? undefined : readRequest.validators, signal);
    } catch (error) {
      return { kind: 'failed', failure: this.#failureOf(error) };
    }
  }

  settle(outcome: 'good' | 'failed'): void {
    this.#failures = outcome === 'good' ? 0 : this.#failures + 1;
    this.#schedule();
  }

  close(): void {
    this.#onChange = undefined;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#agent?.destroy().catch(() => undefined);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#onChange === undefined) return;
    const waitMs = nextWaitMs(this.#settings.refreshSeconds * 1000, this.#failures, this.#retryAfterMs, Math.random());
    this.#timer = setTimeout(() => this.#onChange?.(), waitMs);
  }

  async #fetch(validators: Validators | undefined, signal: AbortSignal): Promise<ReadOutcome> {
    const headers = requestHeaders(this.#settings.location, validators);
    // Why here: it takes 20 MB, which who has no list behind a URL need not spend.
    const { Agent, request } = await import('undici');
    const { fetchTimeoutMs } = this.#settings;
    this.#agent ??= new Agent({
      connections: 1,
      maxHeaderSize: HEADER_BYTES_MAX,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: this.#guard.lookup },
      headersTimeout: fetchTimeoutMs,
      bodyTimeout: fetchTimeoutMs,
    });
    let url = new URL(this.#settings.location);
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      const response = await request(url.href, { dispatcher: this.#agent, signal, headers });
      const status = response.statusCode;
      if (status === 200) return await this.#body(response);
      response.body.on('error', () => undefined);
      response.body.destroy();
      if (status === 304 && validators !== undefined) return { kind: 'unchanged', confirmed: true };
      if (!isRedirect(status)) {
        this.#retryAfterMs = retryAfterMs(single(response.headers['retry-after']));
        return failed('httpStatus', `${shownLocation(url.href)} answered with status ${status}`);
      }
      const location = single(response.headers['location']);
      const next = location === undefined ? undefined : URL.parse(location, url.href);
      if (next === null || next === undefined)
        return failed('redirect', `${shownLocation(url.href)} redirects to nowhere`);
      if (!isAllowedUrl(next, url))
        return failed('redirect', `${shownLocation(url.href)} redirects to ${shownLocation(next.href)}: not https`);
      if (!this.#guard.allows(next)) {
        const target = `${next.hostname}, an address in this network`;
        return failed('redirect', `${shownLocation(url.href)} redirects to ${target}; its own is not`);
      }
      url = next;
    }
    return failed('redirect', `${shownLocation(this.#settings.location)} redirects more than ${REDIRECTS_MAX} times`);
  }

  async #body(response: Dispatcher.ResponseData): Promise<ReadOutcome> {
    const { bytesMax } = this.#settings;
    const location = shownLocation(this.#settings.location);
    const type = single(response.headers['content-type']) ?? '';
    const announced = Number(single(response.headers['content-length']) ?? 0);
    const refusal = /^\s*(text\/html|application\/xhtml)/i.test(type)
      ? failed('html', `${location} answered with ${type}: a page, not a list`)
      : announced > bytesMax
        ? failed('tooLarge', `${location} announces ${announced} bytes; bytesMax is ${bytesMax}`)
        : undefined;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    if (refusal === undefined) {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > bytesMax) break;
        chunks.push(chunk);
      }
    }
    if (refusal !== undefined || bytes > bytesMax) {
      response.body.on('error', () => undefined);
      response.body.destroy();
      return refusal ?? failed('tooLarge', `${location} sent more than ${bytesMax} bytes (bytesMax)`);
    }
    return {
      kind: 'content',
      input: { kind: 'bytes', bytes: joined(chunks, bytes) },
      validators: validatorsOf(single(response.headers['etag']), single(response.headers['last-modified'])),
      isStillSame: () => Promise.resolve(true),
    };
  }

  #failureOf(error: unknown): SyncFailure {
    const { fetchTimeoutMs } = this.#settings;
    const location = shownLocation(this.#settings.location);
    const name = error instanceof Error ? error.name : '';
    const code = errorCode(error);
    if (name === 'TimeoutError' || code.endsWith('TIMEOUT')) {
      return { reason: 'timeout', message: `${location} did not answer whole within ${fetchTimeoutMs} ms` };
    }
    const text = error instanceof Error ? error.message : String(error);
    if (code === INTERNAL_TARGET) return { reason: 'redirect', message: `${location} redirects: ${text}` };
    if (/content-length|terminated|other side closed/i.test(text)) {
      return { reason: 'truncated', message: `${location} sent less than it announced (${text})` };
    }
    return { reason: 'network', message: `${location} cannot be fetched: ${text || code}` };
  }
}

/** Until the next fetch. Units: milliseconds; `random` is 0..1. Source: RFC 9110 10.2.3 for `retryAfterMs`. */
export function nextWaitMs(refreshMs: number, failures: number, retryAfter: number, random: number): number {
  const backoffMs =
    failures === 0 ? refreshMs : Math.min(refreshMs, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 30));
  const jittered = Math.max(backoffMs, Math.min(retryAfter, refreshMs)) * (1 + JITTER_SHARE * (2 * random - 1));
  return Math.min(Math.round(jittered), TIMER_MS_MAX);
}

/** https anywhere; http only from loopback to loopback (a local mirror, and tests). */
export function isAllowedUrl(url: URL, from: URL | undefined): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopback(url.hostname) && (from === undefined || from.protocol === 'http:');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function requestHeaders(location: string, validators: Validators | undefined): Record<string, string> {
  // Why: the reader knows one layer of compression by its magic bytes; a .gz that is compressed again would be two.
  const encoding = /\.(gz|zst|zip)$/i.test(new URL(location).pathname) ? 'identity' : 'gzip';
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, accept: '*/*', 'accept-encoding': encoding };
  if (validators?.etag !== undefined) headers['if-none-match'] = validators.etag;
  if (validators?.lastModified !== undefined) headers['if-modified-since'] = validators.lastModified;
  return headers;
}

function validatorsOf(etag: string | undefined, lastModified: string | undefined): Validators | undefined {
  if (!fits(etag) && !fits(lastModified)) return undefined;
  return {
    ...(fits(etag) && { etag }),
    ...(fits(lastModified) && { lastModified }),
  };
}

function fits(value: string | undefined): value is string {
  return value !== undefined && value.length <= VALIDATOR_CHARS_MAX;
}

function retryAfterMs(value: string | undefined): number {
  if (value === undefined) return 0;
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - wallClockMs()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function failed(reason: SyncFailure['reason'], message: string): ReadOutcome {
  return { kind: 'failed', failure: { reason, message } };
}
