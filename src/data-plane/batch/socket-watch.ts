/**
 * Counts the datagrams that the kernel dropped because a socket's queue was full: they never reach the query path, so
 * nothing else can know of them. Asks each open socket of the thread once a second (one getsockopt) and once more before
 * it is closed. Control path: must not be called for each query.
 */
import { SOCKET_SIDES } from '../../telemetry/counter-labels.ts';
import { Counter } from '../../telemetry/counters.ts';
import type { Libc } from './libc.ts';

export interface WatchedSocket {
  readonly fd: number;
  /** Row of SOCKET_SIDES. */
  readonly side: number;
  drops: number;
}

/** Looks between two looks at every socket. */
const TICKS_A_LOOK = 10;

export class SocketWatch {
  readonly #libc: Libc;
  readonly #cells: Float64Array;
  readonly #sockets = new Set<WatchedSocket>();
  readonly #smallest = new Float64Array(SOCKET_SIDES.length);
  #ticks = 0;

  constructor(libc: Libc, cells: Float64Array) {
    this.#libc = libc;
    this.#cells = cells;
  }

  /** Call it when the socket is open, `unwatch` while it still is. */
  watch(fd: number, side: number): WatchedSocket {
    const socket = { fd, side, drops: 0 };
    this.#sockets.add(socket);
    this.#look(socket);
    return socket;
  }

  unwatch(socket: WatchedSocket): void {
    if (this.#sockets.delete(socket)) this.#look(socket);
  }

  /** Ten times a second. */
  tick(): void {
    if (this.#ticks++ % TICKS_A_LOOK === 0) this.look();
  }

  /** Cost: a system call for each socket. */
  look(): void {
    this.#smallest.fill(0);
    for (const socket of this.#sockets) this.#look(socket);
    for (const side of SOCKET_SIDES.keys()) this.#cells[Counter.receiveBufferBytes + side] = this.#smallest[side]!;
  }

  #look(socket: WatchedSocket): void {
    const memory = this.#libc.socketMemory(socket.fd);
    if (memory === undefined) return;
    // The kernel's counter wraps.
    this.#cells[Counter.kernelDrops + socket.side]! += (memory.drops - socket.drops) >>> 0;
    socket.drops = memory.drops;
    // The smallest of each side: the one that overflows first.
    const smallest = this.#smallest[socket.side]!;
    if (smallest === 0 || memory.receiveBufferBytes < smallest) this.#smallest[socket.side] = memory.receiveBufferBytes;
  }
}
