/**
 * One GET of a list or of a feed: its redirects followed within limits, none of them to plain HTTP or into this network
 * unless that is where the first address is, and what went wrong as a failure for the status. The caller reads the body
 * of a 200 and counts its bytes; of any other answer it gets status and fields. RFC 9110 10.2.3 (Retry-After), 15.4
 * (redirects).
 */
import type { Dispatcher } from 'undici';
import { wallClockMs } from '../../../clock.ts';
import { errorCode } from '../error-code.ts';
import type { SyncFailure } from '../list-status.ts';
import { INTERNAL_TARGET, type RedirectGuard } from './redirect-guard.ts';
import { shownLocation } from './shown-location.ts';
import { UNUSABLE_ACCESS, type OpenedAccess } from './source-access.ts';

export const REDIRECTS_MAX = 5;
export const USER_AGENT = 'weir-dns';

export interface GuardedRequest {
  readonly url: URL;
  readonly access: OpenedAccess;
  readonly guard: RedirectGuard;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Beside those of the access, which go to the list's own origin alone. */
  readonly headers: Readonly<Record<string, string>>;
}

export type GuardedAnswer =
  | {
      readonly kind: 'answer';
      readonly response: Dispatcher.ResponseData;
      readonly url: URL;
      /** Hosts that were redirected to, in turn. */
      readonly redirectHosts: readonly string[];
    }
  | { readonly kind: 'failed'; readonly failure: SyncFailure };

/** Errors: throws what undici throws; requestFailure has the words for it. */
export async function guardedRequest(request: GuardedRequest): Promise<GuardedAnswer> {
  const { access, guard, signal, timeoutMs } = request;
  const { request: send } = await import('undici');
  const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  let { url } = request;
  const redirectHosts: string[] = [];
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const headers = { ...request.headers, ...access.headersFor(url) };
    const dispatcher = await access.dispatcherFor(url);
    const sent = send(url.href, { dispatcher, signal, headers, ...timeouts });
    const response = await sent.catch((error: unknown) => {
      if (errorCode(error) === 'UND_ERR_SOCKET') return undefined;
      throw error;
    });
    if (response === undefined) return closedFailure(url);
    if (response.statusCode === 200) return { kind: 'answer', response, url, redirectHosts };
    discard(response);
    if (!isRedirect(response.statusCode)) return { kind: 'answer', response, url, redirectHosts };
    const location = single(response.headers['location']);
    const next = location === undefined ? null : URL.parse(location, url.href);
    const problem = redirectProblem(url, next, guard);
    if (next === null || problem !== undefined) return redirectFailure(`${shownLocation(url.href)} ${problem ?? ''}`);
    url = next;
    redirectHosts.push(url.hostname);
  }
  return redirectFailure(`${shownLocation(request.url.href)} redirects more than ${REDIRECTS_MAX} times`);
}

/** Ends an answer whose body nobody wants. */
export function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined);
  body.destroy();
}

function redirectProblem(from: URL, to: URL | null, guard: RedirectGuard): string | undefined {
  if (to === null) return 'redirects to nowhere';
  if (!isAllowedUrl(to, from)) return `redirects to ${shownLocation(to.href)}: not https`;
  return guard.allows(to) ? undefined : `redirects to ${to.hostname}, an address in this network; its own is not`;
}

function redirectFailure(message: string): GuardedAnswer {
  return { kind: 'failed', failure: { reason: 'redirect', message } };
}

function closedFailure(url: URL): GuardedAnswer {
  const message = `${shownLocation(url.href)} closed the connection before it answered, as a server does that wants a client certificate`;
  return { kind: 'failed', failure: { reason: 'network', message } };
}

/** What was thrown on the way to `url`, or while its body was read. */
export function requestFailure(error: unknown, url: string, timeoutMs: number): SyncFailure {
  const shown = shownLocation(url);
  const code = errorCode(error);
  if ((error instanceof Error && error.name === 'TimeoutError') || code.endsWith('TIMEOUT')) {
    return { reason: 'timeout', message: `${shown} did not answer whole within ${timeoutMs} ms` };
  }
  const text = error instanceof Error ? error.message : String(error);
  if (code === UNUSABLE_ACCESS) return { reason: 'credentials', message: `${shown} cannot be asked: ${text}` };
  if (code === INTERNAL_TARGET) return { reason: 'redirect', message: `${shown} redirects: ${text}` };
  if (/content-length|terminated|other side closed/i.test(text)) {
    return { reason: 'truncated', message: `${shown} sent less than it announced (${text})` };
  }
  return { reason: 'network', message: `${shown} cannot be fetched: ${text || code}` };
}

/** https anywhere; http only from loopback to loopback (a local mirror, and tests). */
export function isAllowedUrl(url: URL, from: URL | undefined): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopback(url.hostname) && (from === undefined || from.protocol === 'http:');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** How long the server asks to be left alone: a number of seconds or a date; 0 where it does not. */
export function retryAfterMs({ headers }: Dispatcher.ResponseData): number {
  const value = single(headers['retry-after']);
  if (value === undefined) return 0;
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - wallClockMs()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

/** The first of a field that may be there several times. */
export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}
