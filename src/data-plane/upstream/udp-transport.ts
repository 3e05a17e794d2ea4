/**
 * Queries over UDP: a set of connected sockets on random ports, one drawn at random for each turn of the event loop,
 * each renewed after so many queries or so long. An old socket stays until nothing waits on it. A socket that sees many
 * messages nobody waits for is given up at once, for someone may be guessing ids on it. RFC 5452 9.2, 10.
 */
import { monotonicMs } from '../../clock.ts';
import type { OpenDatagramSocket } from './datagram-socket.ts';
import type { Attempt, AttemptPort } from './exchange.ts';
import { pickBelow, type RandomWords } from './random-words.ts';
import type { Transport, TransportEvents } from './transport.ts';
import { UdpPort, type UdpPortOwner } from './udp-port.ts';

/** Old sockets that may still be open, as a multiple of the sockets in use. */
const RETIRED_FACTOR = 2;
/** Queries that may wait for the first socket to open. */
const WAITING_MAX = 1024;
/** After sockets could not be opened, how long until the next try. */
const REOPEN_INTERVAL_MS = 200;

export interface UdpTransportOptions {
  readonly host: string;
  readonly port: number;
  readonly slot: number;
  readonly sourcePorts: number;
  readonly openSocket: OpenDatagramSocket;
  readonly random: RandomWords;
  readonly events: TransportEvents;
}

export class UdpTransport implements Transport, AttemptPort, UdpPortOwner {
  readonly host: string;
  readonly port: number;
  readonly slot: number;
  readonly openSocket: OpenDatagramSocket;
  readonly random: RandomWords;
  readonly events: TransportEvents;
  readonly #sourcePorts: number;
  /** Sockets in use: open, and drawn from. */
  readonly #ports: UdpPort[] = [];
  readonly #opening = new Set<UdpPort>();
  readonly #retired = new Set<UdpPort>();
  /** Attempts that wait for the first socket. */
  readonly #waiting = new Set<Attempt>();
  #turnPort: UdpPort | undefined;
  #nextOpenMs = Number.NEGATIVE_INFINITY;
  #nextRenewMs = Number.NEGATIVE_INFINITY;
  #isRetired = false;

  constructor(options: UdpTransportOptions, nowMs: number) {
    this.host = options.host;
    this.port = options.port;
    this.slot = options.slot;
    this.openSocket = options.openSocket;
    this.random = options.random;
    this.events = options.events;
    this.#sourcePorts = options.sourcePorts;
    this.#openMissing(nowMs);
  }

  send(attempt: Attempt, nowMs: number): boolean {
    const ports = this.#ports;
    if (ports.length < this.#sourcePorts) {
      this.#openMissing(nowMs);
      if (ports.length === 0) return this.#wait(attempt);
    }
    const word = this.random.next();
    const port = this.#portOfTurn(word, ports);
    if (port.isWorn(nowMs)) this.#renew(port, nowMs);
    return port.send(attempt, word & 0xffff);
  }

  /**
   * The socket for queries sent now: drawn at random for each turn of the event loop. Why not for each query: queries
   * that come together then leave together, in one system call, and are answered together. Nobody outside can tell which
   * socket a turn drew; the id is random for each query.
   */
  #portOfTurn(word: number, ports: readonly UdpPort[]): UdpPort {
    if (this.#turnPort !== undefined && ports.includes(this.#turnPort)) return this.#turnPort;
    if (this.#turnPort === undefined) queueMicrotask(this.#endTurn);
    this.#turnPort = ports[pickBelow(word, ports.length)]!;
    return this.#turnPort;
  }

  readonly #endTurn = (): void => {
    this.#turnPort = undefined;
  };

  /** An attempt no longer waits for a socket. */
  release(attempt: Attempt): void {
    this.#waiting.delete(attempt);
    attempt.port = undefined;
  }

  retire(): void {
    this.#isRetired = true;
    for (const port of this.#ports.splice(0)) this.#retirePort(port);
    this.#failWaiting();
  }

  close(): void {
    this.#isRetired = true;
    this.#waiting.clear();
    for (const port of [...this.#ports.splice(0), ...this.#opening, ...this.#retired]) port.close();
    this.#opening.clear();
    this.#retired.clear();
  }

  opened(port: UdpPort): void {
    this.#opening.delete(port);
    if (this.#isRetired) {
      this.#retirePort(port);
      return;
    }
    const index = port.replaces === undefined ? -1 : this.#ports.indexOf(port.replaces);
    if (index === -1) {
      this.#ports.push(port);
    } else {
      this.#retirePort(this.#ports[index]!);
      this.#ports[index] = port;
    }
    for (const attempt of this.#waiting) {
      this.release(attempt);
      if (!port.send(attempt, this.random.next() & 0xffff)) this.events.onFailure(attempt, false);
    }
  }

  failedToOpen(port: UdpPort): void {
    this.#opening.delete(port);
    if (port.replaces !== undefined) {
      port.replaces.isBeingReplaced = false;
      // Why: every query on a worn socket would try again, and each try costs system calls.
      this.#nextRenewMs = port.openedAtMs + REOPEN_INTERVAL_MS;
    }
    if (this.#opening.size === 0 && this.#ports.length === 0) this.#failWaiting();
  }

  suspected(port: UdpPort): void {
    this.#renew(port, monotonicMs());
    for (const attempt of port.waiting()) {
      port.release(attempt);
      this.events.onUnderAttack(attempt);
    }
  }

  drained(port: UdpPort): void {
    this.#retired.delete(port);
  }

  #wait(attempt: Attempt): boolean {
    if (this.#isRetired || this.#opening.size === 0 || this.#waiting.size >= WAITING_MAX) return false;
    attempt.port = this;
    this.#waiting.add(attempt);
    return true;
  }

  #failWaiting(): void {
    for (const attempt of this.#waiting) {
      this.release(attempt);
      this.events.onFailure(attempt, false);
    }
  }

  #openMissing(nowMs: number): void {
    if (this.#isRetired || this.#opening.size > 0 || nowMs < this.#nextOpenMs) return;
    this.#nextOpenMs = nowMs + REOPEN_INTERVAL_MS;
    const missing = this.#sourcePorts - this.#ports.length;
    for (let count = 0; count < missing; count++) this.#opening.add(new UdpPort(this, undefined, nowMs));
  }

  #renew(port: UdpPort, nowMs: number): void {
    if (port.isBeingReplaced || this.#isRetired || nowMs < this.#nextRenewMs) return;
    if (this.#retired.size >= this.#sourcePorts * RETIRED_FACTOR) return;
    port.isBeingReplaced = true;
    this.#opening.add(new UdpPort(this, port, nowMs));
  }

  #retirePort(port: UdpPort): void {
    this.#retired.add(port);
    port.retire();
  }
}
