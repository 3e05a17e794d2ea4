/**
 * UDP in batches: node:dgram only wakes us and carries the first datagram; the rest of the queue is drained by recvmmsg,
 * answered in place and sent by one sendmmsg. Same Listener interface and contract suite as udp-listener.ts, which
 * stands in where the system calls cannot be had. Why: the system call and the event, not the logic, are what a query
 * costs (docs/performance.md).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { monotonicMs } from '../../clock.ts';
import type { Libc } from '../batch/libc.ts';
import { MessageBatch } from '../batch/message-batch.ts';
import type { WatchedSocket } from '../batch/socket-watch.ts';
import { readSockaddrAddress, sockaddrBytes, sockaddrHost, sockaddrPort, writeSockaddr } from '../batch/sockaddr.ts';
import { copyOctets } from '../../dns/patch.ts';
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { FamilyRow, SocketSideRow, TransportRow } from '../../telemetry/counter-labels.ts';
import { type Arrival, type Listener, type ReplyPath } from './arrival.ts';
import { takeProxyHeader, type TrustedProxies } from './trusted-proxies.ts';
import type { UdpListenerOptions } from './udp-listener.ts';

/** Datagrams a system call. */
const SLOTS = 64;
/** Room for a query and for the response over it: the configuration allows no larger UDP response. */
const SLOT_BYTES = 4_096;
/** Kernel queue for bursts; the kernel may grant less (net.core.rmem_max). */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Datagrams taken in one turn of the event loop before other sockets get theirs. */
const DRAIN_MAX = 1_024;
/** What stands before an IPv4 address in 16 octets. */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
/** Responses that may wait in the process for the kernel to take them, per socket. */
const SEND_QUEUE_MAX = 4_096;
/** Ways back that are kept for the next clients. */
const FREE_REPLIES_MAX = 2_048;

class BatchArrival implements Arrival {
  readonly bytes: Buffer;
  start = 0;
  end = 0;
  readonly transport = TransportRow.udp;
  family: number;
  readonly client = new Uint8Array(ADDRESS_BYTES);
  receivedAtMs = 0;
  readonly isLate = false;
  slot = 0;
  readonly #listener: BatchUdpListener;

  constructor(listener: BatchUdpListener, bytes: Buffer, isV6: boolean) {
    this.#listener = listener;
    this.bytes = bytes;
    this.family = isV6 ? FamilyRow.ipv6 : FamilyRow.ipv4;
    writeAddress(isV6 ? '::' : '0.0.0.0', this.client);
  }

  keepReplyPath(): ReplyPath {
    return this.#listener.replyPathOf(this.slot);
  }
}

/** Used again for another client when it has been used once, so that the way back costs no object. */
class BatchReply implements ReplyPath {
  readonly sockaddr: Uint8Array;
  readonly #listener: BatchUdpListener;

  constructor(listener: BatchUdpListener, sockaddr: Uint8Array) {
    this.#listener = listener;
    this.sockaddr = sockaddr;
  }

  send(bytes: Uint8Array, length: number): void {
    this.#listener.sendLater(bytes, length, this.sockaddr);
    this.#listener.freeReply(this);
  }

  abandon(): void {
    this.#listener.freeReply(this);
  }
}

class BatchUdpListener implements Listener {
  readonly #libc: Libc;
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #isV6: boolean;
  readonly #options: UdpListenerOptions;
  /** Queries, and their answers in place. */
  readonly #batch: MessageBatch;
  /** Answers that come later. */
  readonly #late: MessageBatch;
  readonly #arrival: BatchArrival;
  readonly #freeReplies: BatchReply[] = [];
  readonly #watched: WatchedSocket | undefined;
  /** Responses that node:dgram has. Why not its own count: what it defers to the next tick is not in it. */
  #waiting = 0;
  #isFlushScheduled = false;
  #drained = 0;
  #isTurnScheduled = false;
  #closed = false;

  constructor(socket: Socket, fd: number, libc: Libc, options: UdpListenerOptions) {
    this.#libc = libc;
    this.#socket = socket;
    this.#fd = fd;
    this.#isV6 = options.host.includes(':');
    this.#options = options;
    this.#batch = new MessageBatch(libc, this.#isV6, SLOTS, SLOT_BYTES);
    this.#late = new MessageBatch(libc, this.#isV6, SLOTS, SLOT_BYTES);
    this.#arrival = new BatchArrival(this, this.#batch.bytes, this.#isV6);
    this.#watched = options.watch?.watch(fd, SocketSideRow.client, this.#isV6);
    socket.on('message', (message, peer) => this.#wake(message, peer));
    socket.on('error', options.onError);
  }

  get address(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** The first datagram joins the batch; the rest is drained, as long as this turn of the event loop allows. */
  #wake(message: Buffer, peer: RemoteInfo): void {
    const batch = this.#batch;
    if (!writeSockaddr(batch.names, 0, this.#isV6, peer.address, peer.port)) return;
    message.copy(batch.bytes, 0, 0, SLOT_BYTES);
    this.#arrival.receivedAtMs = monotonicMs();
    this.#answer(0, Math.min(message.length, SLOT_BYTES));
    this.#drain();
  }

  #drain(): void {
    const batch = this.#batch;
    let from: 0 | 1 = 1;
    while (this.#drained < DRAIN_MAX && !this.#closed) {
      const received = batch.receive(this.#fd, from);
      if (received <= 0) break;
      for (let slot = from; slot < from + received; slot++) this.#answer(slot, batch.receivedBytes(slot));
      this.#drained += received;
      // Why also after a batch that was not full: meanwhile more have come, and taking them here is cheaper than being
      // woken for them.
      this.#endBatch();
      from = 0;
    }
    // The datagram that woke us came alone.
    if (from === 1) this.#endBatch();
    if (this.#drained > 0 && !this.#isTurnScheduled) {
      this.#isTurnScheduled = true;
      setImmediate(() => {
        this.#isTurnScheduled = false;
        this.#drained = 0;
      });
    }
  }

  #answer(slot: number, length: number): void {
    const arrival = this.#arrival;
    const batch = this.#batch;
    const start = slot * SLOT_BYTES;
    // Why: a response to port 0 cannot be sent; only a forged datagram carries it.
    if (sockaddrPort(batch.names, slot * batch.nameBytes) === 0) return;
    arrival.slot = slot;
    arrival.start = start;
    arrival.end = start + length;
    readSockaddrAddress(batch.names, slot * batch.nameBytes, this.#isV6, arrival.client);
    const { proxies, handler } = this.#options;
    if (proxies?.includes(arrival.client) === true) return this.#answerProxied(slot, proxies);
    const answered = handler(arrival);
    if (answered > 0) batch.queue(slot, answered);
  }

  /** A balancer's query: the response goes back to the balancer, for the slot keeps its address. */
  #answerProxied(slot: number, proxies: TrustedProxies): void {
    const arrival = this.#arrival;
    const { family } = arrival;
    if (takeProxyHeader(arrival)) {
      const answered = this.#options.handler(arrival);
      if (answered > 0) this.#batch.queue(slot, answered);
    } else proxies.onMalformed();
    arrival.family = family;
    // Why: of the next IPv4 peer only the last four octets are written.
    if (!this.#isV6) arrival.client.set(MAPPED_PREFIX);
  }

  #endBatch(): void {
    this.#batch.flush(this.#fd, this.#onUnsent);
    const arrival = this.#arrival;
    // Why so: one look at the clock a batch. What the next call takes has come since, or while this batch was answered.
    arrival.receivedAtMs = this.#options.onBatchEnd(arrival.receivedAtMs);
  }

  readonly #onUnsent = (error: number, message: Uint8Array, nameOffset: number): void => {
    this.#unsent(error, message, this.#batch.names, nameOffset);
  };

  replyPathOf(slot: number): ReplyPath {
    const { names, nameBytes } = this.#batch;
    const reply = this.#freeReplies.pop() ?? new BatchReply(this, new Uint8Array(sockaddrBytes(this.#isV6)));
    copyOctets(names, slot * nameBytes, reply.sockaddr.length, reply.sockaddr, 0);
    return reply;
  }

  freeReply(reply: BatchReply): void {
    if (this.#freeReplies.length < FREE_REPLIES_MAX) this.#freeReplies.push(reply);
  }

  /** Answers that come in one turn (an upstream's batch) leave together. */
  sendLater(bytes: Uint8Array, length: number, sockaddr: Uint8Array): void {
    if (this.#closed) return this.#options.onSendFailed();
    const late = this.#late;
    const slot = late.queued;
    copyOctets(sockaddr, 0, sockaddr.length, late.names, slot * late.nameBytes);
    copyOctets(bytes, 0, length, late.bytes, slot * SLOT_BYTES);
    late.queue(slot, length);
    if (late.queued === SLOTS) this.#flushLate();
    else if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      queueMicrotask(() => {
        this.#isFlushScheduled = false;
        this.#flushLate();
      });
    }
  }

  #flushLate(): void {
    if (this.#closed) {
      for (let i = 0; i < this.#late.queued; i++) this.#options.onSendFailed();
      return;
    }
    this.#late.flush(this.#fd, (error, message, nameOffset) =>
      this.#unsent(error, message, this.#late.names, nameOffset),
    );
  }

  /** The kernel's queue is full: node:dgram waits for room. Anything else is counted. */
  #unsent(error: number, message: Uint8Array, names: Uint8Array, nameOffset: number): void {
    const isBusy = error === this.#libc.EAGAIN || error === this.#libc.ENOBUFS;
    if (!isBusy || this.#waiting === SEND_QUEUE_MAX) return this.#options.onSendFailed();
    const host = sockaddrHost(names, nameOffset, this.#isV6);
    this.#socket.send(Buffer.from(message), sockaddrPort(names, nameOffset), host, this.#onSent);
    this.#waiting++;
  }

  readonly #onSent = (error: Error | null): void => {
    // Why nothing after the close: what waited then has been counted.
    if (this.#closed) return;
    this.#waiting--;
    if (error !== null) this.#options.onSendFailed();
  };

  /**
   * Connects the socket to itself. Why: the kernel then gives it nothing from others, which goes to the sockets that share
   * its port; what it has queued stays, and is answered as ever. Closed later, it takes no datagram with it.
   */
  leave(): void {
    const sockaddr = new Uint8Array(sockaddrBytes(this.#isV6));
    writeSockaddr(sockaddr, 0, this.#isV6, this.address, this.port);
    this.#libc.connect(this.#fd, sockaddr);
  }

  stay(): void {}

  stop(): void {
    // A bound UDP socket cannot refuse datagrams without losing them: it goes on until close().
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#flushLate();
    this.#closed = true;
    // Why: node:dgram lets go what waits, some of it without a word.
    for (let i = 0; i < this.#waiting; i++) this.#options.onSendFailed();
    if (this.#watched !== undefined) this.#options.watch?.unwatch(this.#watched);
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export async function bindUdpInBatches(libc: Libc, options: UdpListenerOptions): Promise<Listener> {
  const isV6 = options.host.includes(':');
  const sockaddr = new Uint8Array(sockaddrBytes(isV6));
  if (!writeSockaddr(sockaddr, 0, isV6, options.host, options.port)) {
    throw Object.assign(new Error(`not an address: ${options.host}`), { code: 'EADDRNOTAVAIL' });
  }
  const fd = libc.openUdp({ sockaddr, isV6, shared: true, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
  const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4' });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    try {
      socket.bind({ fd }, () => {
        socket.removeListener('error', reject);
        resolve(new BatchUdpListener(socket, fd, libc, options));
      });
    } catch (error) {
      // Why here: the socket has not taken the descriptor over, so it would not close it.
      libc.close(fd);
      socket.close();
      throw error;
    }
  });
}
