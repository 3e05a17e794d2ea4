/**
 * A list behind https:// (http:// only to loopback), fetched by undici: conditional GET, an interval with jitter,
 * exponential back-off after failures, and a limit on everything a server can stretch: bytes, time, redirects. The body
 * is kept in memory, so that a read-only or full state directory does not stop synchronisation. Must not parse.
 * RFC 9110 13.1 (conditional requests).
 */
import type { Dispatcher } from 'undici';
import { NO_ACCESS } from '../../../config/source-access.ts';
import type { SyncFailure } from '../list-status.ts';
import { discard, guardedRequest, requestFailure, retryAfterMs, single, USER_AGENT } from './guarded-request.ts';
import type { ListSource, ReadOutcome, ReadRequest, SourceKind, SourceSettings, Validators } from './list-source.ts';
import { RedirectGuard, type NetworkView } from './redirect-guard.ts';
import { shownLocation } from './shown-location.ts';
import { SourceAccess } from './source-access.ts';

/** Wait after the first failure; doubles with each further one up to the list's refresh interval. */
export const BACKOFF_FIRST_MS = 5000;
/** Share of an interval by which it is drawn shorter or longer, so that a fleet does not ask in step. */
export const JITTER_SHARE = 0.1;
/** Longest header value we send back to the server that gave it. */
const VALIDATOR_CHARS_MAX = 1024;
/** setTimeout's limit. */
const TIMER_MS_MAX = 2_147_000_000;

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
  readonly #abort = new AbortController();
  #onChange: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #retryAfterMs = 0;
  readonly #guard: RedirectGuard;
  readonly #access: SourceAccess;

  constructor(settings: SourceSettings, network: NetworkView | undefined) {
    this.#settings = settings;
    this.#guard = new RedirectGuard(settings.location, network);
    this.#access = new SourceAccess(settings.access ?? NO_ACCESS, new URL(settings.location), this.#guard);
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
      const { location, fetchTimeoutMs } = this.#settings;
      return { kind: 'failed', failure: requestFailure(error, location, fetchTimeoutMs) };
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
    this.#access.close();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#onChange === undefined) return;
    const waitMs = nextWaitMs(this.#settings.refreshSeconds * 1000, this.#failures, this.#retryAfterMs, Math.random());
    this.#timer = setTimeout(() => this.#onChange?.(), waitMs);
  }

  async #fetch(validators: Validators | undefined, signal: AbortSignal): Promise<ReadOutcome> {
    const { location, fetchTimeoutMs: timeoutMs } = this.#settings;
    const answer = await guardedRequest({
      url: new URL(location),
      access: this.#access.open(),
      guard: this.#guard,
      signal,
      timeoutMs,
      headers: requestHeaders(location, validators),
    });
    if (answer.kind === 'failed') return answer;
    const { response, url, redirectHosts } = answer;
    const status = response.statusCode;
    if (status === 200) return await this.#body(response, redirectHosts);
    if (status === 304 && validators !== undefined) return { kind: 'unchanged', confirmed: true, redirectHosts };
    this.#retryAfterMs = retryAfterMs(response);
    return failed('httpStatus', `${shownLocation(url.href)} answered with status ${status}`);
  }

  async #body(response: Dispatcher.ResponseData, redirectHosts: readonly string[]): Promise<ReadOutcome> {
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
      discard(response);
      return refusal ?? failed('tooLarge', `${location} sent more than ${bytesMax} bytes (bytesMax)`);
    }
    return {
      kind: 'content',
      input: { kind: 'bytes', bytes: joined(chunks, bytes) },
      validators: validatorsOf(single(response.headers['etag']), single(response.headers['last-modified'])),
      redirectHosts,
      isStillSame: () => Promise.resolve(true),
    };
  }
}

/** Until the next fetch. Units: milliseconds; `random` is 0..1. Source: RFC 9110 10.2.3 for `retryAfterMs`. */
export function nextWaitMs(refreshMs: number, failures: number, retryAfter: number, random: number): number {
  const backoffMs =
    failures === 0 ? refreshMs : Math.min(refreshMs, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 30));
  const jittered = Math.max(backoffMs, Math.min(retryAfter, refreshMs)) * (1 + JITTER_SHARE * (2 * random - 1));
  return Math.min(Math.round(jittered), TIMER_MS_MAX);
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
