/**
 * Talks to the admin API of one Weir with node:http. An answer, a problem document (RFC 9457) and a failed connection are
 * values. A request that may be repeated safely is, a few times: when the connection fails, when Weir says "later".
 */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';

/** Units: milliseconds without a sign of life. Weir answers a change when it is in force: after 30 s at most, or 5 min. */
export const IDLE_TIMEOUT_MS = 60_000;
export const BULK_IDLE_TIMEOUT_MS = 900_000;
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
export const RETRIES_MAX = 4;
const RETRY_FIRST_MS = 500;
const RETRY_AFTER_MAX_MS = 30_000;

/** Codes of OpenSSL and of Node for a server that is not who it should be. */
const CERTIFICATE_ERROR = /CERT|SIGNATURE/;

export interface ApiTarget {
  readonly url: URL;
  readonly token: string;
  readonly ca?: string | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  /** Below the address, with its query, without a slash in front. */
  readonly path: string;
  /** Sent as JSON; or as NDJSON, made anew for every attempt. */
  readonly body?: { readonly json: unknown } | { readonly lines: () => Readable };
  readonly headers?: Readonly<Record<string, string>>;
  readonly idleTimeoutMs?: number;
  /** never: once. unsent: where it cannot have arrived. safe: a second time changes nothing. */
  readonly repeat: 'never' | 'unsent' | 'safe';
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

export type ApiOutcome =
  | { readonly kind: 'ok'; readonly body: unknown }
  | { readonly kind: 'problem'; readonly problem: Problem; readonly retryAfterMs: number | undefined }
  /** isFinal: something else answers there, and will again. */
  | {
      readonly kind: 'unreachable';
      readonly message: string;
      readonly mayHaveArrived: boolean;
      readonly isFinal?: boolean;
    }
  /** The body could not be made; whoever makes it knows why. */
  | { readonly kind: 'aborted' };

export interface ApiClientOptions {
  readonly sleep?: (ms: number) => Promise<void>;
  readonly onRetry?: (why: string, waitMs: number) => void;
}

export class ApiClient {
  readonly #target: ApiTarget;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #onRetry: (why: string, waitMs: number) => void;

  constructor(target: ApiTarget, options: ApiClientOptions = {}) {
    this.#target = target;
    this.#sleep = options.sleep ?? (async (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#onRetry = options.onRetry ?? tellOfRetry;
  }

  async send(request: ApiRequest): Promise<ApiOutcome> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#sendOnce(request);
      const why = attempt < RETRIES_MAX ? reasonToRepeat(outcome, request.repeat) : undefined;
      if (why === undefined) return outcome;
      const asked = outcome.kind === 'problem' ? (outcome.retryAfterMs ?? 0) : 0;
      const waitMs = Math.min(RETRY_AFTER_MAX_MS, Math.max(asked, RETRY_FIRST_MS * 2 ** attempt));
      this.#onRetry(why, waitMs);
      await this.#sleep(waitMs);
    }
  }

  async #sendOnce({ method, path, body, headers, idleTimeoutMs = IDLE_TIMEOUT_MS }: ApiRequest): Promise<ApiOutcome> {
    const { url: base, token, ca } = this.#target;
    const url = new URL(path, base.href.endsWith('/') ? base : `${base.href}/`);
    const isTls = url.protocol === 'https:';
    // Why kept alive: a server that closes at once after an early answer resets the connection, and the answer is lost.
    const agent = isTls
      ? new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
      : new HttpAgent({ keepAlive: true });
    const options = {
      method,
      agent,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...contentType(body), ...headers },
    };
    const request = isTls ? httpsRequest(url, options) : httpRequest(url, options);
    request.setTimeout(idleTimeoutMs, () => request.destroy(new Error(`nothing for ${idleTimeoutMs / 1000} s`)));
    try {
      return await exchange(request, body, base.host);
    } finally {
      request.destroy();
      agent.destroy();
    }
  }
}

function contentType(body: ApiRequest['body']): Record<string, string> {
  if (body === undefined) return {};
  return { 'content-type': 'json' in body ? 'application/json' : 'application/x-ndjson' };
}

async function exchange(request: ClientRequest, body: ApiRequest['body'], host: string): Promise<ApiOutcome> {
  const { promise, resolve } = Promise.withResolvers<ApiOutcome>();
  let lines: Readable | undefined;
  let isConnected = false;
  let isAnswered = false;
  // Why not `connect` for both: before the server has proved who it is, nothing is sent.
  const connected = request.protocol === 'https:' ? 'secureConnect' : 'connect';
  request.on('socket', (socket) => socket.once(connected, () => (isConnected = true)));
  request.on('error', (error) => {
    if (isAnswered) return;
    const isFinal = 'code' in error && CERTIFICATE_ERROR.test(String(error.code));
    resolve({ kind: 'unreachable', message: connectionText(error, host), mayHaveArrived: isConnected, isFinal });
  });
  request.on('response', (response) => {
    isAnswered = true;
    // Why not the request too: Weir has read all that it wants to, and its answer is still to be read.
    lines?.destroy();
    void readAnswer(response, host).then(resolve);
  });
  if (body === undefined) request.end();
  else if ('json' in body) request.end(JSON.stringify(body.json));
  else {
    lines = body.lines();
    lines.once('error', () => {
      if (isAnswered) return;
      // Why destroyed and not ended: what Weir has so far must not count.
      resolve({ kind: 'aborted' });
      request.destroy();
    });
    lines.pipe(request);
    request.once('close', () => lines?.destroy());
  }
  return promise;
}

async function readAnswer(response: IncomingMessage, host: string): Promise<ApiOutcome> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) return unreadable(`${host} answers with more than ${ANSWER_BYTES_MAX} octets`);
      chunks.push(chunk);
    }
  } catch (error) {
    return unreadable(connectionText(error as Error, host));
  }
  const status = response.statusCode ?? 0;
  const value = parsed(Buffer.concat(chunks).toString('utf8'));
  if (status === 200 && value !== undefined) return { kind: 'ok', body: value };
  const problem = problemOf(status, value);
  if (problem === undefined) {
    const message = `what answers at ${host} (status ${status}) is not Weir's API`;
    return { kind: 'unreachable', message, mayHaveArrived: status >= 500, isFinal: status < 500 };
  }
  const seconds = Number(response.headers['retry-after']);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
  return { kind: 'problem', problem, retryAfterMs };
}

function unreadable(message: string): ApiOutcome {
  return { kind: 'unreachable', message, mayHaveArrived: true };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(status: number, value: Record<string, unknown> | undefined): Problem | undefined {
  if (value === undefined || typeof value['code'] !== 'string') return undefined;
  const text = (key: string): string => (typeof value[key] === 'string' ? value[key] : '');
  const errors = Array.isArray(value['errors']) ? (value['errors'] as Record<string, unknown>[]) : [];
  return {
    status,
    code: value['code'],
    title: text('title'),
    detail: text('detail'),
    errors: errors.map(({ path, message }) => ({ path: String(path), message: String(message) })),
  };
}

/** Codes of "later". */
const LATER: ReadonlySet<string> = new Set(['storeUnavailable', 'notInForceYet', 'tooManyRequests', 'changeRunning']);

function reasonToRepeat(outcome: ApiOutcome, repeat: ApiRequest['repeat']): string | undefined {
  if (repeat === 'never') return undefined;
  if (outcome.kind === 'unreachable') {
    const isOver = outcome.isFinal === true || (outcome.mayHaveArrived && repeat === 'unsent');
    return isOver ? undefined : outcome.message;
  }
  if (outcome.kind !== 'problem' || !LATER.has(outcome.problem.code)) return undefined;
  // Why: what is durable and not in force yet would be done a second time.
  if (outcome.problem.code === 'notInForceYet' && repeat === 'unsent') return undefined;
  return `${outcome.problem.title} [${outcome.problem.code}]`;
}

function connectionText(error: Error, host: string): string {
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${host}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} has no address`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${host} closed the connection`;
    default:
      return `${host}: ${error.message === '' ? code : error.message}`;
  }
}

function tellOfRetry(why: string, waitMs: number): void {
  process.stderr.write(`weir: ${why}; trying again in ${waitMs / 1000} s\n`);
}
