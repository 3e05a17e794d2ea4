/**
 * Counts the datagrams that the kernel dropped because a socket's queue was full: they never reach the query path, so
 * nothing else can know of them. Asks each open socket of the thread five times a second (one getsockopt) and once more before
 * it is closed. Control path: must not be called for each query.
 */
import { SOCKET_SIDES } from '../../telemetry/counter-labels.ts';
import { Counter } from '../../telemetry/counters.ts';
import type { Libc } from './libc.ts';

export interface WatchedSocket {
  readonly fd: number;
  /** Row of SOCKET_SIDES. */
  readonly side: number;
  readonly isV6: boolean;
  drops: number;
}

/** Looks between two looks at every socket. */
const TICKS_A_LOOK = 2;

export class SocketWatch {
  readonly #libc: Libc;
  readonly #cells: Float64Array;
  readonly #sockets = new Set<WatchedSocket>();
  readonly #smallest = new Float64Array(SOCKET_SIDES.length);
  readonly #dropped = new Float64Array(SOCKET_SIDES.length);
  #ticks = 0;

  constructor(libc: Libc, cells: Float64Array) {
    this.#libc = libc;
    this.#cells = cells;
  }

  /** Call it when the socket is open, `unwatch` while it still is. */
  watch(fd: number, side: number, isV6: boolean): WatchedSocket {
    const socket = { fd, side, isV6, drops: 0 };
    this.#sockets.add(socket);
    this.#look(socket);
    return socket;
  }

  unwatch(socket: WatchedSocket): void {
    if (this.#sockets.delete(socket)) this.#look(socket);
  }

  /** Ten times a second. Returns whether it was the time for a look. */
  tick(): boolean {
    const isDue = this.#ticks++ % TICKS_A_LOOK === 0;
    if (isDue) this.look();
    return isDue;
  }

  /** The open sockets of a side. */
  sockets(side: number): WatchedSocket[] {
    return [...this.#sockets].filter((socket) => socket.side === side);
  }

  /** Datagrams of a side that the kernel dropped between the last look and the one before. */
  droppedBefore(side: number): number {
    return this.#dropped[side]!;
  }

  /** Cost: a system call for each socket. */
  look(): void {
    this.#smallest.fill(0);
    this.#dropped.fill(0);
    for (const socket of this.#sockets) this.#look(socket);
    for (const side of SOCKET_SIDES.keys()) this.#cells[Counter.receiveBufferBytes + side] = this.#smallest[side]!;
  }

  #look(socket: WatchedSocket): void {
    const memory = this.#libc.socketMemory(socket.fd);
    if (memory === undefined) return;
    // The kernel's counter wraps.
    const dropped = (memory.drops - socket.drops) >>> 0;
    this.#cells[Counter.kernelDrops + socket.side]! += dropped;
    this.#dropped[socket.side]! += dropped;
    socket.drops = memory.drops;
    // The smallest of each side: the one that overflows first.
    const smallest = this.#smallest[socket.side]!;
    if (smallest === 0 || memory.receiveBufferBytes < smallest) this.#smallest[socket.side] = memory.receiveBufferBytes;
  }
}
