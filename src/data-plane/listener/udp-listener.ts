/**
 * UDP on node:dgram: one datagram an event. In the flow: the first and the last station of a query; only it touches the
 * socket. It must not look into messages. Where a batching socket can be had it stands in for this file behind the same
 * Listener interface.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { monotonicMs } from '../../clock.ts';
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { FamilyRow, TransportRow } from '../../telemetry/counter-labels.ts';
import type { SocketWatch } from '../batch/socket-watch.ts';
import { type Arrival, type Listener, type QueryHandler, type ReplyPath } from './arrival.ts';
import { takeProxyHeader, type TrustedProxies } from './trusted-proxies.ts';

/** Larger than any UDP payload, so that a response never needs a second buffer. */
const SLOT_BYTES = 65_536;
/** Kernel queue for bursts; the kernel may grant less (net.core.rmem_max). */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Responses that may wait in the process for the kernel to take them, per socket. */
const SEND_QUEUE_MAX = 4_096;

export interface UdpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly handler: QueryHandler;
  /** A response could not be handed to the kernel. */
  readonly onSendFailed: () => void;
  /** Every query taken at `receivedAtMs` has been handled; returns the time. Units: milliseconds, monotonic. */
  readonly onBatchEnd: (receivedAtMs: number) => number;
  readonly onError: (error: Error) => void;
  /** Counts what the kernel drops; batch sockets only. */
  readonly watch?: SocketWatch | undefined;
  /** Balancers; undefined: there are none. */
  readonly proxies?: TrustedProxies | undefined;
}

class UdpArrival implements Arrival {
  readonly bytes = Buffer.allocUnsafeSlow(SLOT_BYTES);
  start = 0;
  end = 0;
  readonly transport = TransportRow.udp;
  family: number;
  readonly client = new Uint8Array(ADDRESS_BYTES);
  receivedAtMs = 0;
  readonly isLate = false;
  peer: RemoteInfo | undefined;
  readonly #listener: UdpListener;

  constructor(listener: UdpListener, family: number) {
    this.#listener = listener;
    this.family = family;
  }

  keepReplyPath(): ReplyPath {
    const listener = this.#listener;
    const { port, address } = this.peer as RemoteInfo;
    return { send: (bytes, length) => listener.send(bytes, length, port, address), abandon: () => undefined };
  }
}

class UdpListener implements Listener {
  readonly #socket: Socket;
  readonly #arrival: UdpArrival;
  readonly #options: UdpListenerOptions;
  readonly #family: number;
  #closed = false;

  constructor(socket: Socket, options: UdpListenerOptions, family: number) {
    this.#socket = socket;
    this.#options = options;
    this.#family = family;
    this.#arrival = new UdpArrival(this, family);
    socket.on('message', (message, peer) => this.#receive(message, peer));
    socket.on('error', options.onError);
  }

  get address(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  #receive(message: Buffer, peer: RemoteInfo): void {
    // Why: a response to port 0 cannot be sent, and node:dgram throws on it; only a forged datagram carries it.
    if (peer.port === 0) return;
    const arrival = this.#arrival;
    message.copy(arrival.bytes);
    arrival.start = 0;
    arrival.end = message.length;
    arrival.peer = peer;
    arrival.receivedAtMs = monotonicMs();
    if (!writeAddress(peer.address, arrival.client)) return;
    arrival.family = this.#family;
    if (this.#options.proxies?.includes(arrival.client) === true && !takeProxyHeader(arrival)) {
      this.#options.proxies.onMalformed();
      return;
    }
    const length = this.#options.handler(arrival);
    if (length > 0) this.send(arrival.bytes, length, peer.port, peer.address);
    this.#options.onBatchEnd(arrival.receivedAtMs);
  }

  send(bytes: Uint8Array, length: number, port: number, address: string): void {
    if (this.#closed || this.#socket.getSendQueueCount() >= SEND_QUEUE_MAX) return this.#options.onSendFailed();
    // Why copied: dgram.send defers to a later tick.
    this.#socket.send(Buffer.from(bytes.subarray(0, length)), port, address, this.#onSent);
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#options.onSendFailed();
  };

  leave(): void {
    // Why nothing: node:dgram sends no answer but to the peer that a socket is connected to.
  }

  stay(): void {}

  stop(): void {
    // A bound UDP socket cannot refuse datagrams without losing them: it goes on until close().
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export function bindUdp(options: UdpListenerOptions): Promise<Listener> {
  const isV6 = options.host.includes(':');
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      reusePort: true,
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    });
    socket.once('error', reject);
    socket.bind({ address: options.host, port: options.port }, () => {
      socket.removeListener('error', reject);
      resolve(new UdpListener(socket, options, isV6 ? FamilyRow.ipv6 : FamilyRow.ipv4));
    });
  });
}
