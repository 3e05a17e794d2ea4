/**
 * The connected UDP socket of udp-transport.ts in batches: what is sent in one turn leaves in one sendmmsg, and a wake-up
 * drains the queue by recvmmsg. All sockets of a thread share two batches of memory, because only one of them is being
 * filled or read at a time. node:dgram wakes us and closes the descriptor.
 */
import { createSocket, type Socket } from 'node:dgram';
import { HeaderFlag } from '../../dns/iana.ts';
import { copyOctets, readUint16 } from '../../dns/patch.ts';
import type { Libc } from '../batch/libc.ts';
import { MessageBatch } from '../batch/message-batch.ts';
import type { SocketWatch, WatchedSocket } from '../batch/socket-watch.ts';
import { sockaddrBytes, writeSockaddr } from '../batch/sockaddr.ts';
import { SocketSideRow } from '../../telemetry/counter-labels.ts';
import {
  type DatagramSocket,
  type DatagramSocketHandler,
  isOfEarlier,
  type OpenDatagramSocket,
} from './datagram-socket.ts';

const SLOTS = 64;
/** The largest response that the configuration lets us ask for. */
const SLOT_BYTES = 4_096;
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/** Datagrams taken in one wake-up before other sockets get their turn. */
const DRAIN_MAX = 512;
/** Datagrams of a socket that may wait for room in the kernel's queue, and how long until it is asked again. */
const UNSENT_MAX = 1_024;
const SEND_AGAIN_MS = 1;

/** Opens sockets that share the batches of the calling thread. */
export function openInBatches(libc: Libc, watch?: SocketWatch): OpenDatagramSocket {
  const batches = new SharedBatches(libc, watch);
  return (host, port, handler) => new BatchDatagramSocket(batches, host, port, handler);
}

class SharedBatches {
  readonly libc: Libc;
  readonly watch: SocketWatch | undefined;
  readonly incoming: MessageBatch;
  readonly #outgoing: MessageBatch;
  #sender: BatchDatagramSocket | undefined;
  #isFlushScheduled = false;

  constructor(libc: Libc, watch: SocketWatch | undefined) {
    this.libc = libc;
    this.watch = watch;
    this.incoming = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
    this.#outgoing = new MessageBatch(libc, false, SLOTS, SLOT_BYTES);
  }

  queue(sender: BatchDatagramSocket, bytes: Uint8Array, end: number): void {
    const outgoing = this.#outgoing;
    if (outgoing.queued === SLOTS || (this.#sender !== sender && outgoing.queued > 0)) this.flush();
    this.#sender = sender;
    const slot = outgoing.queued;
    copyOctets(bytes, 0, end, outgoing.bytes, slot * SLOT_BYTES);
    outgoing.queueConnected(slot, end);
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(() => {
      this.#isFlushScheduled = false;
      this.flush();
    });
  }

  /** A socket that closes takes its queue along first. */
  flush(): void {
    const sender = this.#sender;
    this.#sender = undefined;
    if (sender !== undefined) this.#outgoing.flush(sender.fd, (error, message) => sender.unsent(error, message));
  }

  isSender(socket: BatchDatagramSocket): boolean {
    return this.#sender === socket;
  }
}

class BatchDatagramSocket implements DatagramSocket {
  readonly fd: number;
  readonly #batches: SharedBatches;
  readonly #handler: DatagramSocketHandler;
  readonly #socket: Socket;
  /** Datagrams that wait for room in the kernel. */
  readonly #unsent: Uint8Array[] = [];
  #watched: WatchedSocket | undefined;
  #isClosed = false;

  constructor(batches: SharedBatches, host: string, port: number, handler: DatagramSocketHandler) {
    this.#batches = batches;
    this.#handler = handler;
    const isV6 = host.includes(':');
    this.#socket = createSocket(isV6 ? 'udp6' : 'udp4');
    this.#socket.on('message', (message) => this.#wake(message));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#report(error.code ?? 'unknown'));
    this.fd = this.#connect(host, port, isV6);
  }

  /** -1, and a report in the next turn, where the socket cannot be had. */
  #connect(host: string, port: number, isV6: boolean): number {
    const { libc } = this.#batches;
    const own = new Uint8Array(sockaddrBytes(isV6));
    const peer = new Uint8Array(sockaddrBytes(isV6));
    writeSockaddr(own, 0, isV6, isV6 ? '::' : '0.0.0.0', 0);
    let fd = -1;
    try {
      if (!writeSockaddr(peer, 0, isV6, host, port)) throw Object.assign(new Error('no address'), { code: 'EINVAL' });
      fd = libc.openUdp({ sockaddr: own, isV6, shared: false, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
      libc.connect(fd, peer);
      this.#socket.bind({ fd });
      this.#watched = this.#batches.watch?.watch(fd, SocketSideRow.upstream, isV6);
    } catch (error) {
      if (fd >= 0) libc.close(fd);
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      setImmediate(() => this.#report(code));
      return -1;
    }
    // Why later: bind calls back before it returns, and the handler's owner has no socket to close or to send on yet.
    setImmediate(() => {
      if (!this.#isClosed) this.#handler.onOpen();
    });
    return fd;
  }

  send(bytes: Uint8Array, end: number): void {
    this.#batches.queue(this, bytes, end);
  }

  #wake(message: Buffer): void {
    this.#handler.onDatagram(message, 0, message.length, true);
    const { incoming, libc } = this.#batches;
    for (let drained = 0; drained < DRAIN_MAX && !this.#isClosed; drained += SLOTS) {
      const received = incoming.receive(this.fd, 0);
      if (received < 0 && received !== -libc.EAGAIN) this.#report(libc.errorName(-received));
      for (let slot = 0; slot < received && !this.#isClosed; slot++) {
        const start = slot * SLOT_BYTES;
        const length = incoming.receivedBytes(slot);
        // Why: the kernel cuts what does not fit. Whoever sends more than we ask for is asked for the whole over TCP.
        if (length === SLOT_BYTES) incoming.bytes[start + 2]! |= HeaderFlag.TC >>> 8;
        this.#handler.onDatagram(incoming.bytes, start, start + length, false);
      }
      if (received < SLOTS) return;
    }
  }

  /**
   * The kernel did not take a datagram: it waits for room, or has failed, alone. Why not node:dgram, which would
   * wait by itself: it takes no address for a socket that it finds connected, and none without one that it did not connect.
   * What still waits when the socket closes is let go: whoever asked has given it up, or asks elsewhere.
   */
  unsent(error: number, message: Uint8Array): void {
    const { libc } = this.#batches;
    const isBusy = error === libc.EAGAIN || error === libc.ENOBUFS;
    if (!isBusy || this.#unsent.length === UNSENT_MAX) return this.#failLater(libc.errorName(error), message);
    if (this.#unsent.length === 0) setTimeout(this.#sendAgain, SEND_AGAIN_MS);
    this.#unsent.push(Uint8Array.from(message));
  }

  readonly #sendAgain = (): void => {
    if (this.#isClosed) return;
    for (const message of this.#unsent.splice(0)) this.send(message, message.length);
  };

  /** Why later: the handler must not be called from within send. */
  #failLater(code: string, message: Uint8Array): void {
    const id = readUint16(message, 0);
    setImmediate(() => {
      if (isOfEarlier(code)) this.#report(code);
      else if (!this.#isClosed) this.#handler.onUnsent(id);
    });
  }

  #report(code: string): void {
    if (!this.#isClosed) this.#handler.onError(code);
  }

  close(): void {
    if (this.#isClosed) return;
    if (this.#batches.isSender(this)) this.#batches.flush();
    this.#isClosed = true;
    if (this.#watched !== undefined) this.#batches.watch?.unwatch(this.#watched);
    this.#socket.close();
  }
}
