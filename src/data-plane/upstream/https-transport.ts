/**
 * Queries over HTTPS, each a POST, many at a time over a few HTTP/2 connections (HTTP/1.1 where the server has no other).
 * undici keeps the connections; who the server is, is proved as over TLS (tls-stream.ts) before anything is sent. Why
 * POST and not GET: no HTTP cache between us answers it, so no Age has to be taken from TTLs.
 * RFC 8484 4.1, 4.2, 5.1, 6; RFC 7830 and 8467 (padding).
 */
import { connect } from 'node:tls';
import type { Dispatcher, Pool } from 'undici';
import { HEADER_BYTES, MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { Complaint } from './complaint.ts';
import type { Attempt, AttemptPort } from './exchange.ts';
import { matchResponse, ResponseMatch } from './match-response.ts';
import { paddedLength, prepareQuery, writePadding } from './query-message.ts';
import { provesPin, type TlsIdentity, tlsOptions, WRONG_KEY } from './tls-stream.ts';
import type { Transport, TransportEvents } from './transport.ts';

const MEDIA_TYPE = 'application/dns-message';
const CONNECTIONS_MAX = 4;
const STREAMS_PER_CONNECTION = 100;
/** Queries under way at a time, those that wait for a stream included. */
const REQUESTS_MAX = 4096;
const PADDING_BLOCK_BYTES = 128;
const HEADER_BYTES_MAX = 16 * 1024;
/** Longer than the pool waits for an attempt; it releases what it gives up. */
const RESPONSE_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 5_000;

export interface HttpsTransportOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly identity: TlsIdentity;
  readonly ca: string;
  readonly slot: number;
  readonly events: TransportEvents;
  readonly report: (reason: string) => void;
}

interface Request {
  readonly attempt: Attempt;
  readonly abort: AbortController;
}

export class HttpsTransport implements Transport, AttemptPort {
  readonly #options: HttpsTransportOptions;
  readonly #requests = new Map<Attempt, Request>();
  readonly #pool: Promise<Pool>;
  #isRetired = false;
  readonly #complaint: Complaint;

  constructor(options: HttpsTransportOptions) {
    this.#options = options;
    this.#complaint = new Complaint(options.report);
    this.#pool = this.#openPool();
    // Why: what cannot be loaded fails each request, which is reported there.
    this.#pool.catch(() => undefined);
  }

  send(attempt: Attempt): boolean {
    if (this.#isRetired || this.#requests.size >= REQUESTS_MAX) return false;
    const request = { attempt, abort: new AbortController() };
    attempt.port = this;
    // "In order to maximize HTTP cache friendliness, DoH clients ... SHOULD use a DNS ID of 0" (RFC 8484 4.1).
    attempt.id = 0;
    this.#requests.set(attempt, request);
    const { query, questionEnd } = attempt.exchange;
    const bare = prepareQuery(query, questionEnd, 0, attempt.withEdns);
    const body = new Uint8Array(attempt.withEdns ? paddedLength(bare, PADDING_BLOCK_BYTES) : bare);
    body.set(query.subarray(0, bare));
    if (body.length > bare) writePadding(body, questionEnd, bare);
    void this.#exchange(request, body);
    return true;
  }

  release(attempt: Attempt): void {
    const request = this.#requests.get(attempt);
    this.#requests.delete(attempt);
    attempt.port = undefined;
    request?.abort.abort();
    if (this.#isRetired && this.#requests.size === 0) this.#destroy();
  }

  retire(): void {
    this.#isRetired = true;
    if (this.#requests.size === 0) this.#destroy();
  }

  close(): void {
    this.#isRetired = true;
    this.#requests.clear();
    this.#destroy();
  }

  #destroy(): void {
    this.#pool.then(async (pool) => pool.destroy()).catch(() => undefined);
  }

  async #openPool(): Promise<Pool> {
    const { host, port, identity } = this.#options;
    // Why here: it takes 20 MB, which who has no such upstream need not spend.
    const { Pool: UndiciPool } = await import('undici');
    const name = identity.serverName ?? host;
    return new UndiciPool(`https://${name.includes(':') ? `[${name}]` : name}:${port}`, {
      connections: CONNECTIONS_MAX,
      allowH2: true,
      pipelining: STREAMS_PER_CONNECTION,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: RESPONSE_TIMEOUT_MS,
      bodyTimeout: RESPONSE_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connect: (_, callback) => this.#connect(callback),
    });
  }

  #connect(callback: (...result: [null, ReturnType<typeof connect>] | [Error, null]) => void): void {
    const { host, port, identity, ca } = this.#options;
    const socket = connect({ ...tlsOptions(identity, host, ca), port, ALPNProtocols: ['h2', 'http/1.1'] });
    const fail = (error: Error): void => callback(error, null);
    socket.setNoDelay(true);
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.removeListener('error', fail);
      if (provesPin(socket, identity.pins)) return callback(null, socket);
      socket.destroy();
      return fail(new Error(WRONG_KEY));
    });
  }

  async #exchange(request: Request, body: Uint8Array): Promise<void> {
    const { path, events, slot } = this.#options;
    const { attempt, abort } = request;
    try {
      const pool = await this.#pool;
      const response = await pool.request({
        method: 'POST',
        path,
        headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE },
        body,
        signal: abort.signal,
      });
      const message = await this.#read(response);
      if (this.#requests.get(attempt) !== request) return;
      const { query, questionEnd } = attempt.exchange;
      const isAnswer =
        message.length >= HEADER_BYTES &&
        matchResponse(query, questionEnd, message, 0, message.length) !== ResponseMatch.no;
      if (!isAnswer) {
        events.onStranger(slot);
        throw new Error('the response is not of the query');
      }
      this.release(attempt);
      // Why any letter case is a match here: nobody off the path can write into the connection.
      events.onResponse(attempt, ResponseMatch.yes, message, 0, message.length, true);
    } catch (error) {
      if (this.#requests.get(attempt) !== request) return;
      this.#complaint.say(error as NodeJS.ErrnoException);
      this.release(attempt);
      events.onFailure(attempt, (error as NodeJS.ErrnoException).code === 'ECONNREFUSED');
    }
  }

  /** Errors: throws on anything but a DNS message of a size that one may have. */
  async #read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Uint8Array> {
    const type = String(headers['content-type'] ?? '');
    const isMessage = statusCode === 200 && type.split(';', 1)[0]?.trim().toLowerCase() === MEDIA_TYPE;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    if (isMessage) {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > MESSAGE_BYTES_MAX) break;
        chunks.push(chunk);
      }
    }
    if (isMessage && bytes <= MESSAGE_BYTES_MAX) return Buffer.concat(chunks);
    body.on('error', () => undefined);
    body.destroy();
    throw new Error(isMessage ? 'the response is too large' : `status ${statusCode}, ${type || 'no content type'}`);
  }
}
