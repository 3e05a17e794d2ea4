/**
 * Queries over TCP, or over what is laid on it (tls-stream.ts): one connection for each upstream, opened when needed,
 * shared by every query that waits (pipelining, responses in any order), closed when idle. Attempts on a connection that
 * breaks are failed, and the pool asks again. Nothing is sent before the connection is known to be the upstream's.
 * RFC 7766 6.2.1 ("SHOULD ... pipeline", one connection), 6.2.3 (idle), 6.2.4 (broken), 7 (any order), 8 (one write).
 */
import { connect, type Socket } from 'node:net';
import { monotonicMs } from '../../clock.ts';
import { HEADER_BYTES, MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { readUint16 } from '../../dns/patch.ts';
import { FRAME_PREFIX_BYTES, FrameReader, writeFrameLength } from '../tcp-framing.ts';
import type { Attempt, AttemptPort } from './exchange.ts';
import { matchResponse, ResponseMatch } from './match-response.ts';
import { PendingTable } from './pending-table.ts';
import { paddedLength, prepareQuery, writePadding } from './query-message.ts';
import type { RandomWords } from './random-words.ts';
import type { Transport, TransportEvents } from './transport.ts';

/** Why shorter than what servers allow (10 s and more): the side that closes first loses no query. */
const IDLE_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 2000;
/** Queries that may wait on one connection. */
const PIPELINE_MAX = 4096;
/** Octets that may wait for the upstream to take them. */
const UNSENT_BYTES_MAX = 1 << 20;
/** Messages nobody waits for on one connection before it is closed: a server that sends so many is broken. */
const STRANGERS_MAX = 64;
/** Without any message for so long though queries wait, the connection is taken for dead and another is opened. */
const SILENCE_MAX_MS = 2000;

export interface TcpTransportOptions {
  readonly host: string;
  readonly port: number;
  readonly slot: number;
  readonly random: RandomWords;
  readonly events: TransportEvents;
  /** Default: plain TCP. */
  readonly openStream?: OpenStream;
  /** Octets that the length of a query is rounded up to with a padding option; 0: none. */
  readonly paddingBlockBytes?: number;
}

/** Opens a connection and calls once when queries may go out on it. It fails by destroying the socket. */
export type OpenStream = (host: string, port: number, onReady: () => void) => Socket;

const openPlain: OpenStream = (host, port, onReady) => connect({ host, port, noDelay: true }, onReady);

export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;
  #connection: TcpConnection | undefined = undefined;
  /** Connections whose last answers are awaited though no query is added. */
  readonly #old = new Set<TcpConnection>();
  #isRetired = false;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
  }

  send(attempt: Attempt, nowMs: number): boolean {
    if (this.#isRetired) return false;
    let connection = this.#connection;
    if (connection === undefined || !connection.takesMore(nowMs)) {
      if (connection !== undefined) {
        this.#old.add(connection);
        // Why not left to its own idle time: an upstream that sends an octet now and then would keep it open for good.
        connection.closeWhenIdle();
      }
      connection = new TcpConnection(this.#options, (closed) => this.#forget(closed));
      this.#connection = connection;
    }
    return connection.send(attempt, nowMs);
  }

  retire(): void {
    this.#isRetired = true;
    this.#connection?.closeWhenIdle();
  }

  close(): void {
    this.#isRetired = true;
    this.#connection?.abandon();
    for (const connection of this.#old) connection.abandon();
    this.#old.clear();
    this.#connection = undefined;
  }

  #forget(connection: TcpConnection): void {
    this.#old.delete(connection);
    if (this.#connection === connection) this.#connection = undefined;
  }
}

/** The message that is being read, whichever connection it came by. */
const incoming = new Uint8Array(MESSAGE_BYTES_MAX);

class TcpConnection implements AttemptPort {
  readonly #options: TcpTransportOptions;
  readonly #socket: Socket;
  readonly #onClosed: (connection: TcpConnection) => void;
  readonly #pending = new PendingTable<Attempt>();
  readonly #reader = new FrameReader();
  #isUsable = true;
  #strangers = 0;
  /** Since when a message is due that has not come. */
  #silentSinceMs = 0;
  #isRefused = false;
  #isRetired = false;
  #isReady = false;
  /** What waits for the connection to be ready. */
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;

  constructor(options: TcpTransportOptions, onClosed: (connection: TcpConnection) => void) {
    this.#options = options;
    this.#onClosed = onClosed;
    const { openStream = openPlain, host, port } = options;
    const socket = openStream(host, port, () => this.#ready());
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    socket.on('timeout', () => this.#timedOut());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#isRefused = error.code === 'ECONNREFUSED';
    });
    socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      for (;;) {
        const length = this.#reader.take(incoming, 0);
        if (length < 0) return;
        this.#onMessage(incoming, 0, length);
      }
    });
    // Why 'end' ends it: a server that closes its half answers nothing more that we would ask.
    socket.on('end', () => {
      this.#isUsable = false;
    });
    socket.on('close', () => this.#closed());
  }

  takesMore(nowMs: number): boolean {
    return this.#isUsable && (this.#pending.size === 0 || nowMs - this.#silentSinceMs < SILENCE_MAX_MS);
  }

  send(attempt: Attempt, nowMs: number): boolean {
    if (this.#pending.size >= PIPELINE_MAX) return false;
    if (this.#unsentBytes + this.#socket.writableLength > UNSENT_BYTES_MAX) return false;
    const { random } = this.#options;
    let id = random.next() & 0xffff;
    while (this.#pending.get(id) !== undefined) id = random.next() & 0xffff;
    attempt.id = id;
    attempt.port = this;
    if (this.#pending.size === 0) this.#silentSinceMs = nowMs;
    this.#pending.add(id, attempt);
    const { query, questionEnd } = attempt.exchange;
    const bare = prepareQuery(query, questionEnd, id, attempt.withEdns);
    const block = this.#options.paddingBlockBytes ?? 0;
    const length = attempt.withEdns && block > 0 ? paddedLength(bare, block) : bare;
    const framed = new Uint8Array(FRAME_PREFIX_BYTES + length);
    writeFrameLength(framed, 0, length);
    framed.set(query.subarray(0, bare), FRAME_PREFIX_BYTES);
    if (length > bare) writePadding(framed, FRAME_PREFIX_BYTES + questionEnd, FRAME_PREFIX_BYTES + bare);
    this.#write(framed);
    return true;
  }

  #write(framed: Uint8Array): void {
    if (this.#isReady) {
      this.#socket.write(framed);
      return;
    }
    this.#unsent.push(framed);
    this.#unsentBytes += framed.length;
  }

  #ready(): void {
    this.#isReady = true;
    this.#socket.setTimeout(IDLE_TIMEOUT_MS);
    const unsent = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    for (const framed of unsent) this.#socket.write(framed);
  }

  release(attempt: Attempt): void {
    this.#pending.remove(attempt.id);
    attempt.port = undefined;
    if (this.#isRetired && this.#pending.size === 0) this.#socket.destroy();
  }

  closeWhenIdle(): void {
    this.#isRetired = true;
    if (this.#pending.size === 0) this.#socket.destroy();
  }

  /** Closes without telling anyone. */
  abandon(): void {
    this.#isUsable = false;
    for (const attempt of this.#pending.list()) this.#pending.remove(attempt.id);
    this.#socket.destroy();
  }

  #onMessage(bytes: Uint8Array, start: number, end: number): void {
    const attempt = end - start < HEADER_BYTES ? undefined : this.#pending.get(readUint16(bytes, start));
    const match =
      attempt === undefined
        ? ResponseMatch.no
        : matchResponse(attempt.exchange.query, attempt.exchange.questionEnd, bytes, start, end);
    if (attempt === undefined || match === ResponseMatch.no) {
      this.#options.events.onStranger(this.#options.slot);
      if (++this.#strangers >= STRANGERS_MAX) this.#socket.destroy();
      return;
    }
    this.release(attempt);
    this.#silentSinceMs = monotonicMs();
    // Why any letter case is a match here: nobody off the path can write into a TCP connection.
    this.#options.events.onResponse(attempt, ResponseMatch.yes, bytes, start, end, false);
  }

  #timedOut(): void {
    if (!this.#isReady || this.#pending.size === 0) {
      this.#isUsable = false;
      this.#socket.destroy();
      return;
    }
    // Why again: node:net says it once, and what waits now gives up later without a word on the wire.
    this.#socket.setTimeout(IDLE_TIMEOUT_MS);
  }

  #closed(): void {
    this.#isUsable = false;
    this.#onClosed(this);
    for (const attempt of this.#pending.list()) {
      // Why: the failure before may have ended this one's question, and this one with it.
      if (attempt.port !== this) continue;
      this.release(attempt);
      this.#options.events.onFailure(attempt, this.#isRefused);
    }
  }
}
