/**
 * One UDP socket of udp-transport.ts and the attempts that wait on it. It draws ids that are free on this socket,
 * matches what comes back, and counts what nobody waits for. RFC 5452 9.
 */
import type { DatagramSocket, DatagramSocketHandler, OpenDatagramSocket } from './datagram-socket.ts';
import type { Attempt, AttemptPort } from './exchange.ts';
import { matchResponse, ResponseMatch } from './match-response.ts';
import { PENDING_PER_SOCKET_MAX, PendingTable } from './pending-table.ts';
import { prepareQuery } from './query-message.ts';
import type { RandomWords } from './random-words.ts';
import type { TransportEvents } from './transport.ts';
import { HEADER_BYTES } from '../../dns/iana.ts';
import { readUint16 } from '../../dns/patch.ts';

/** Queries after which a socket is renewed: this many and up to as many again, so that sockets do not renew together. */
const QUERIES_PER_SOCKET_MIN = 10_000;
const SOCKET_AGE_MAX_MS = 60_000;
/** Messages nobody waits for, on one socket, that look like guessing. Late responses look the same, hence not 1. */
const STRANGERS_MAX = 32;

export interface UdpPortOwner {
  readonly host: string;
  readonly port: number;
  /** Row of the upstream's counters. */
  readonly slot: number;
  readonly openSocket: OpenDatagramSocket;
  readonly random: RandomWords;
  readonly events: TransportEvents;
  opened(port: UdpPort): void;
  failedToOpen(port: UdpPort): void;
  suspected(port: UdpPort): void;
  drained(port: UdpPort): void;
}

export class UdpPort implements AttemptPort, DatagramSocketHandler {
  /** The socket whose place this one takes when it is open. */
  readonly replaces: UdpPort | undefined;
  readonly openedAtMs: number;
  isBeingReplaced = false;
  readonly #owner: UdpPortOwner;
  readonly #socket: DatagramSocket;
  readonly #pending = new PendingTable<Attempt>();
  #queriesLeft: number;
  #strangers = 0;
  #isOpen = false;
  #isRetired = false;

  constructor(owner: UdpPortOwner, replaces: UdpPort | undefined, nowMs: number) {
    this.#owner = owner;
    this.replaces = replaces;
    this.openedAtMs = nowMs;
    this.#queriesLeft = QUERIES_PER_SOCKET_MIN + (owner.random.next() % QUERIES_PER_SOCKET_MIN);
    this.#socket = owner.openSocket(owner.host, owner.port, this);
  }

  isWorn(nowMs: number): boolean {
    return this.#queriesLeft <= 0 || nowMs - this.openedAtMs > SOCKET_AGE_MAX_MS;
  }

  /** Sends under `id`, or another random one if that is taken. */
  send(attempt: Attempt, id: number): boolean {
    if (this.#pending.size >= PENDING_PER_SOCKET_MAX) return false;
    let freeId = id;
    while (this.#pending.get(freeId) !== undefined) freeId = this.#owner.random.next() & 0xffff;
    attempt.id = freeId;
    attempt.port = this;
    this.#pending.add(freeId, attempt);
    this.#queriesLeft--;
    const { query, questionEnd } = attempt.exchange;
    this.#socket.send(query, prepareQuery(query, questionEnd, freeId, attempt.withEdns));
    return true;
  }

  release(attempt: Attempt): void {
    this.#pending.remove(attempt.id);
    attempt.port = undefined;
    if (this.#isRetired && this.#pending.size === 0) this.#drain();
  }

  /** Closes when nothing waits any more. */
  retire(): void {
    this.#isRetired = true;
    if (this.#pending.size === 0) this.#drain();
  }

  close(): void {
    this.#socket.close();
  }

  waiting(): Attempt[] {
    return this.#pending.list();
  }

  onOpen(): void {
    this.#isOpen = true;
    this.#owner.opened(this);
  }

  onDatagram(bytes: Uint8Array, start: number, end: number, isOwned: boolean): void {
    const attempt = end - start < HEADER_BYTES ? undefined : this.#pending.get(readUint16(bytes, start));
    if (attempt === undefined) {
      this.#countStranger();
      return;
    }
    const { query, questionEnd } = attempt.exchange;
    const match = matchResponse(query, questionEnd, bytes, start, end);
    if (match === ResponseMatch.no) {
      this.#countStranger();
      return;
    }
    this.release(attempt);
    this.#owner.events.onResponse(attempt, match, bytes, start, end, isOwned);
  }

  onUnsent(id: number): void {
    const attempt = this.#pending.get(id);
    if (attempt === undefined) return;
    this.release(attempt);
    this.#owner.events.onFailure(attempt, false);
  }

  onError(code: string): void {
    if (!this.#isOpen) {
      this.#socket.close();
      this.#owner.failedToOpen(this);
      return;
    }
    // Why all of them: the kernel does not say which query was refused, and the port they all went to is the same.
    for (const attempt of this.#pending.list()) {
      // Why: the failure before may have ended this one's question, and this one with it.
      if (attempt.port !== this) continue;
      this.release(attempt);
      this.#owner.events.onFailure(attempt, code === 'ECONNREFUSED');
    }
  }

  #countStranger(): void {
    this.#owner.events.onStranger(this.#owner.slot);
    this.#strangers++;
    if (this.#strangers < STRANGERS_MAX) return;
    // Why from the start: where it cannot be replaced yet, what is sent on it meanwhile is guarded too.
    this.#strangers = 0;
    this.#owner.suspected(this);
  }

  #drain(): void {
    this.#socket.close();
    this.#owner.drained(this);
  }
}
