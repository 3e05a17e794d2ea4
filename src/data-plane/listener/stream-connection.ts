/**
 * One connection that carries length-prefixed messages, in the clear (tcp-listener.ts) or inside TLS (dot-listener.ts):
 * pipelined queries, answers in the order they are ready. It is idle from its last complete message on, so a client that
 * dribbles octets is idle too. RFC 7766, RFC 9210, RFC 7858 3.3.
 */
import type { Socket } from 'node:net';
import { monotonicMs } from '../../clock.ts';
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { FamilyRow } from '../../telemetry/counter-labels.ts';
import { FRAME_PREFIX_BYTES, FrameReader, writeFrameLength } from '../tcp-framing.ts';
import { type Arrival, ANSWERED_LATER, type QueryHandler, type ReplyPath } from './arrival.ts';
import type { ConnectionLimits } from './connection-count.ts';
import { HEADER_INCOMPLETE, HEADER_MALFORMED, ProxyHeader, readProxyHeader } from './proxy-header.ts';
import type { StreamSession } from './stream-server.ts';
import { familyOfClient, type TrustedProxies } from './trusted-proxies.ts';

const SLOT_BYTES = FRAME_PREFIX_BYTES + MESSAGE_BYTES_MAX;
/** Responses a client has not read yet; beyond it the connection is cut. */
export const UNREAD_BYTES_MAX = 256 * 1024;
/** Beyond it no more queries are taken from that client until it has read what it was sent. */
const UNREAD_BYTES_PAUSE = 128 * 1024;
/** Responses gathered for one write: one system call and, inside TLS, one record for many of them. */
const GATHERED_BYTES_MAX = 16 * 1024;
/** Responses that one connection may get before others have their turn. */
const TURN_BYTES_MAX = 128 * 1024;

export interface StreamHandlers {
  /** Looked at anew for each message. */
  readonly limits: ConnectionLimits;
  readonly handler: QueryHandler;
  readonly onSendFailed: () => void;
  /** Every query taken at `receivedAtMs` has been handled; returns the time. Units: milliseconds, monotonic. */
  readonly onBatchEnd: (receivedAtMs: number) => number;
  /** Balancers, whose connections begin with a header; undefined: there are none here. */
  readonly proxies?: TrustedProxies | undefined;
}

/** The arrival that all connections of a listener share. */
export class StreamArrival implements Arrival {
  readonly bytes = Buffer.allocUnsafeSlow(SLOT_BYTES);
  start = FRAME_PREFIX_BYTES;
  end = 0;
  readonly transport: number;
  family: number = FamilyRow.ipv4;
  client = new Uint8Array(ADDRESS_BYTES);
  receivedAtMs = 0;
  readonly isLate = false;
  connection: StreamConnection | undefined;

  constructor(transport: number) {
    this.transport = transport;
  }

  keepReplyPath(): ReplyPath {
    return this.connection as StreamConnection;
  }
}

/** FamilyRow of an address as node:net writes it. */
export function familyOf(address: string): number {
  return address.includes(':') && !address.startsWith('::ffff:') ? FamilyRow.ipv6 : FamilyRow.ipv4;
}

export class StreamConnection implements ReplyPath, StreamSession {
  readonly socket: Socket;
  readonly client = new Uint8Array(ADDRESS_BYTES);
  family: number;
  /** What has come of a header that must come first; undefined: none must, or it has come. */
  #headerBytes: Buffer | undefined;
  #pending = 0;
  #lastMessageAtMs = monotonicMs();
  readonly #reader = new FrameReader();
  readonly #arrival: StreamArrival;
  readonly #handlers: StreamHandlers;
  #isHalfClosed = false;
  /** Complete messages may be left for the next turn. */
  #hasMore = false;

  constructor(socket: Socket, arrival: StreamArrival, handlers: StreamHandlers) {
    this.socket = socket;
    this.#arrival = arrival;
    this.#handlers = handlers;
    const address = socket.remoteAddress ?? '';
    this.family = familyOf(address);
    writeAddress(address, this.client);
    if (handlers.proxies?.includes(this.client) === true) this.#headerBytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      const messages = this.#headerBytes === undefined ? chunk : this.#takeHeader(this.#headerBytes, chunk);
      if (messages === undefined) return;
      this.#reader.push(messages);
      this.#serve();
    });
    socket.on('end', () => {
      this.#isHalfClosed = true;
      this.#endWhenAnswered();
    });
    socket.on('drain', () => {
      if (socket.isPaused()) this.#resume();
    });
    socket.on('error', () => socket.destroy());
  }

  /** Reads the balancer's header; returns what follows it, or undefined as long as it is not complete. */
  #takeHeader(before: Buffer, chunk: Buffer): Buffer | undefined {
    const bytes = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
    const header = new ProxyHeader();
    const length = readProxyHeader(header, bytes, 0, bytes.length);
    if (length === HEADER_INCOMPLETE) {
      this.#headerBytes = bytes;
      return undefined;
    }
    if (length === HEADER_MALFORMED) {
      this.#handlers.proxies?.onMalformed();
      this.socket.destroy();
      return undefined;
    }
    this.#headerBytes = undefined;
    if (!header.isLocal) {
      this.client.set(header.client);
      this.family = familyOfClient(header.client);
    }
    return bytes.subarray(length);
  }

  /** Hands complete messages to the query path while the pipeline has room; reads no more from the client while not. */
  #serve(): void {
    const { handler, onBatchEnd, limits } = this.#handlers;
    const arrival = this.#arrival;
    const receivedAtMs = monotonicMs();
    let gatheredBytes = 0;
    let turnBytes = 0;
    let messages = 0;
    this.#hasMore = false;
    this.socket.cork();
    while (!this.socket.destroyed) {
      const isTurnOver = turnBytes > TURN_BYTES_MAX;
      const isUnread = this.socket.writableLength > UNREAD_BYTES_PAUSE;
      if (this.#pending >= limits.pipelineMax || isTurnOver || isUnread) {
        this.socket.pause();
        this.#hasMore = isTurnOver || isUnread;
        break;
      }
      const length = this.#reader.take(arrival.bytes, FRAME_PREFIX_BYTES);
      if (length < 0) break;
      messages++;
      arrival.end = FRAME_PREFIX_BYTES + length;
      arrival.family = this.family;
      arrival.client = this.client;
      arrival.connection = this;
      arrival.receivedAtMs = receivedAtMs;
      const answered = handler(arrival);
      if (answered === ANSWERED_LATER) this.#pending++;
      else if (answered > 0) {
        writeFrameLength(arrival.bytes, 0, answered);
        this.#write(Buffer.from(arrival.bytes.subarray(0, FRAME_PREFIX_BYTES + answered)));
        turnBytes += answered;
        gatheredBytes += answered;
        if (gatheredBytes > GATHERED_BYTES_MAX) {
          gatheredBytes = 0;
          this.socket.uncork();
          this.socket.cork();
        }
      }
    }
    if (messages > 0) {
      this.#lastMessageAtMs = receivedAtMs;
      onBatchEnd(receivedAtMs);
    }
    this.socket.uncork();
    if (this.#hasMore) setImmediate(() => this.#resume());
  }

  #resume(): void {
    if (this.socket.destroyed || this.#pending >= this.#handlers.limits.pipelineMax) return;
    // Why nothing else: the event that all is written brings us back here.
    if (this.socket.writableLength > UNREAD_BYTES_PAUSE) return;
    this.socket.resume();
    this.#serve();
    this.#endWhenAnswered();
  }

  send(bytes: Uint8Array, length: number): void {
    if (this.socket.destroyed) this.#handlers.onSendFailed();
    else {
      const frame = Buffer.allocUnsafe(FRAME_PREFIX_BYTES + length);
      writeFrameLength(frame, 0, length);
      frame.set(bytes.subarray(0, length), FRAME_PREFIX_BYTES);
      this.#write(frame);
    }
    this.abandon();
  }

  abandon(): void {
    this.#pending--;
    this.#lastMessageAtMs = monotonicMs();
    if (this.socket.destroyed) return;
    if (this.socket.isPaused()) this.#resume();
    else this.#endWhenAnswered();
  }

  #write(frame: Buffer): void {
    if (this.socket.writableLength > UNREAD_BYTES_MAX) {
      this.#handlers.onSendFailed();
      this.socket.destroy();
      return;
    }
    this.socket.write(frame);
  }

  /** A client that closed its sending side still gets every answer (RFC 7766 6.2.4). */
  #endWhenAnswered(): void {
    if (this.#isHalfClosed && this.#pending === 0 && !this.#hasMore && !this.socket.destroyed) this.socket.end();
  }

  sweep(nowMs: number, idleTimeoutMs: number): void {
    if (this.#pending > 0 || this.#lastMessageAtMs >= nowMs - idleTimeoutMs) return;
    if (this.socket.writableLength === 0) return this.end();
    this.#handlers.onSendFailed();
    this.socket.destroy();
  }

  /** Nothing in the protocol says it; a client finds out when the connection ends. */
  retire(): void {}

  end(): void {
    if (this.socket.writableLength === 0 && !('encrypted' in this.socket)) this.socket.destroy();
    // Why also without anything unsent: inside TLS the end is said too (close_notify).
    else this.socket.end(() => this.socket.destroy());
  }
}
