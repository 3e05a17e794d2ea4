/**
 * What a DoH connection does whichever HTTP it speaks: hands messages to the query path, keeps count of what is under way
 * and unread, and knows when it is idle. http1-session.ts and http2-session.ts bring the requests and write the
 * responses. RFC 8484.
 */
import type { TLSSocket } from 'node:tls';
import { monotonicMs } from '../../clock.ts';
import { freshnessSeconds } from '../../dns/freshness.ts';
import { HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { readUint16 } from '../../dns/patch.ts';
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { DohCutRow, type DohStatus, FamilyRow, TransportRow } from '../../telemetry/counter-labels.ts';
import { ANSWERED_LATER, type Arrival, type ReplyPath } from './arrival.ts';
import { BAD_MESSAGE, type DohFault } from './doh-request.ts';
import { familyOf, type StreamHandlers, UNREAD_BYTES_MAX } from './stream-connection.ts';
import type { StreamSession } from './stream-server.ts';

/** For a whole request to arrive once its head has: a body of 65,535 octets over a slow phone. */
export const REQUEST_TIMEOUT_MS = 10_000;

export interface DohHandlers extends StreamHandlers {
  readonly onResponse: (status: DohStatus) => void;
  /** DohCutRow. */
  readonly onCut: (row: number) => void;
}

/** One request that can be answered: a stream of HTTP/2, a response of HTTP/1.1. */
export interface DohReply {
  /** False when the client has gone. */
  readonly isOpen: boolean;
  /** `body` is the reply's own from now on. */
  respond(body: Buffer, freshSeconds: number): void;
  refuse(fault: DohFault): void;
  /** No answer at all: the stream is reset. */
  reset(): void;
}

/** The arrival that all connections of a listener share. */
export class DohArrival implements Arrival {
  readonly bytes = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  start = 0;
  end = 0;
  readonly transport = TransportRow.doh;
  family: number = FamilyRow.ipv4;
  client = new Uint8Array(ADDRESS_BYTES);
  receivedAtMs = 0;
  readonly isLate = false;
  replyPath: (() => ReplyPath) | undefined;

  keepReplyPath(): ReplyPath {
    return this.replyPath!();
  }
}

export abstract class DohSession implements StreamSession {
  protected readonly socket: TLSSocket;
  protected readonly handlers: DohHandlers;
  /** Requests whose answer the query path still owes. */
  protected pending = 0;
  readonly #arrival: DohArrival;
  readonly #client = new Uint8Array(ADDRESS_BYTES);
  readonly #family: number;
  #lastRequestAtMs = monotonicMs();
  /** Responses written and not known to be gone. */
  #unreadBytes = 0;
  #isCut = false;

  constructor(socket: TLSSocket, arrival: DohArrival, handlers: DohHandlers) {
    this.socket = socket;
    this.handlers = handlers;
    this.#arrival = arrival;
    const address = socket.remoteAddress ?? '';
    this.#family = familyOf(address);
    writeAddress(address, this.#client);
  }

  /** Hands one message to the query path. */
  protected serve(message: Uint8Array, reply: DohReply): void {
    const arrival = this.#arrival;
    const { handler, onBatchEnd } = this.handlers;
    if (message.length < HEADER_BYTES) return this.refuse(reply, BAD_MESSAGE);
    arrival.bytes.set(message);
    arrival.end = message.length;
    arrival.family = this.#family;
    arrival.client = this.#client;
    arrival.receivedAtMs = monotonicMs();
    arrival.replyPath = () => new LateReply(this, reply);
    this.#lastRequestAtMs = arrival.receivedAtMs;
    // Why before: the query is written over.
    const isResponse = (readUint16(message, 2) & HeaderFlag.QR) !== 0;
    const answered = handler(arrival);
    onBatchEnd(arrival.receivedAtMs);
    if (answered === ANSWERED_LATER) this.pending++;
    else if (answered > 0) this.answer(reply, arrival.bytes, answered);
    else if (isResponse) this.refuse(reply, BAD_MESSAGE);
    else reply.reset();
  }

  /** Sends a response that lies at the start of `bytes`. */
  answer(reply: DohReply, bytes: Uint8Array, length: number): void {
    if (!reply.isOpen) return this.handlers.onSendFailed();
    if (this.#unreadBytes > UNREAD_BYTES_MAX) {
      this.handlers.onSendFailed();
      return this.cut(DohCutRow.unread);
    }
    const body = Buffer.allocUnsafe(length);
    body.set(bytes.subarray(0, length));
    this.handlers.onResponse(200);
    this.#unreadBytes += length;
    reply.respond(body, freshnessSeconds(body, 0, length));
  }

  /** A response of `bytes` octets has left, or will never. */
  protected gone(bytes: number): void {
    this.#unreadBytes -= bytes;
  }

  /** One that came late has been dealt with. */
  settle(): void {
    this.pending--;
    this.#lastRequestAtMs = monotonicMs();
  }

  refuse(reply: DohReply, fault: DohFault): void {
    this.handlers.onResponse(fault.status);
    if (reply.isOpen) reply.refuse(fault);
  }

  /** Ends the connection for what its client did. */
  cut(row: number): void {
    // Why once: what was read already still comes.
    if (this.#isCut) return;
    this.#isCut = true;
    this.handlers.onCut(row);
    this.destroy();
  }

  sweep(nowMs: number, idleTimeoutMs: number): void {
    this.refuseSlow(nowMs - REQUEST_TIMEOUT_MS);
    // Why not by octets or frames: a client that dribbles them, or pings, asks for nothing.
    if (this.pending > 0 || this.#lastRequestAtMs >= nowMs - idleTimeoutMs) return;
    if (this.hasUnfinished) this.cut(DohCutRow.slow);
    else this.end();
  }

  /** Whether a request has begun and not ended, or a response is still to be taken. */
  protected abstract get hasUnfinished(): boolean;
  /** Refuses requests whose head came at `beforeMs` or earlier and whose body has not ended. */
  protected abstract refuseSlow(beforeMs: number): void;
  protected abstract destroy(): void;
  abstract retire(): void;
  abstract end(): void;
}

class LateReply implements ReplyPath {
  readonly #session: DohSession;
  readonly #reply: DohReply;

  constructor(session: DohSession, reply: DohReply) {
    this.#session = session;
    this.#reply = reply;
  }

  send(bytes: Uint8Array, length: number): void {
    this.#session.answer(this.#reply, bytes, length);
    this.#session.settle();
  }

  abandon(): void {
    this.#reply.reset();
    this.#session.settle();
  }
}
