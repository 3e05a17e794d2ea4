/**
 * DNS over TCP (RFC 7766, RFC 9210): one net.Server, bounded connections, pipelined queries, answers in the order they
 * are ready. A connection is idle from its last complete message on, so a client that dribbles octets is idle too.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { monotonicMs } from '../../clock.ts';
import { MESSAGE_BYTES_MAX } from '../../dns/iana.ts';
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { FamilyRow, TransportRow } from '../../telemetry/counter-labels.ts';
import { type Arrival, ANSWERED_LATER, type Listener, type QueryHandler, type ReplyPath } from './arrival.ts';
import { FRAME_PREFIX_BYTES, FrameReader, writeFrameLength } from '../tcp-framing.ts';

const SLOT_BYTES = FRAME_PREFIX_BYTES + MESSAGE_BYTES_MAX;
/** Responses a client has not read yet; beyond it the connection is cut. */
const UNREAD_BYTES_MAX = 256 * 1024;
const SWEEP_INTERVAL_MS = 500;
const BACKLOG = 511;
/** Of an IPv6 address: a /64. */
const CLIENT_PREFIX_BYTES = 8;
const scratchAddress = new Uint8Array(ADDRESS_BYTES);
/** For clients to take what was just answered, at close. */
const CLOSE_FLUSH_MS_MAX = 1_000;

export interface TcpLimits {
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  readonly idleTimeoutMs: number;
  readonly pipelineMax: number;
}

/** The connections of a thread, over all its addresses. */
export class ConnectionCount {
  #open = 0;
  readonly #perClient = new Map<string, number>();

  /** Counts one more; false: the limits do not allow it. */
  take(address: string, { connectionsMax, connectionsPerClientMax }: TcpLimits): boolean {
    const client = clientOf(address);
    const ofClient = this.#perClient.get(client) ?? 0;
    if (this.#open >= connectionsMax || ofClient >= connectionsPerClientMax) return false;
    this.#open++;
    this.#perClient.set(client, ofClient + 1);
    return true;
  }

  giveBack(address: string): void {
    const client = clientOf(address);
    this.#open--;
    const left = (this.#perClient.get(client) ?? 1) - 1;
    if (left > 0) this.#perClient.set(client, left);
    else this.#perClient.delete(client);
  }
}

/**
 * Whom the limit for one client counts: in IPv6 the /64, for a subscriber has at least that and every address in it.
 * Link-local addresses share one prefix and are counted each.
 */
function clientOf(address: string): string {
  const isWhole = !address.includes(':') || address.startsWith('::ffff:') || address.startsWith('fe80:');
  if (isWhole || !writeAddress(address, scratchAddress)) return address;
  return Buffer.from(scratchAddress.subarray(0, CLIENT_PREFIX_BYTES)).toString('hex');
}

export interface TcpListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Looked at anew for each connection and message. */
  readonly limits: TcpLimits;
  readonly connectionCount: ConnectionCount;
  readonly handler: QueryHandler;
  /** +1 for one that opened, -1 for one that closed. */
  readonly onConnections: (change: number) => void;
  readonly onRejected: () => void;
  readonly onSendFailed: () => void;
  /** Every query taken at `receivedAtMs` has been handled. */
  readonly onBatchEnd: (receivedAtMs: number) => void;
  readonly onError: (error: Error) => void;
}

class TcpArrival implements Arrival {
  readonly bytes = Buffer.allocUnsafeSlow(SLOT_BYTES);
  start = FRAME_PREFIX_BYTES;
  end = 0;
  readonly transport = TransportRow.tcp;
  family: number = FamilyRow.ipv4;
  client = new Uint8Array(ADDRESS_BYTES);
  receivedAtMs = 0;
  readonly isLate = false;
  connection: Connection | undefined;

  keepReplyPath(): ReplyPath {
    return this.connection as Connection;
  }
}

class Connection implements ReplyPath {
  readonly socket: Socket;
  readonly clientKey: string;
  readonly client = new Uint8Array(ADDRESS_BYTES);
  readonly family: number;
  lastMessageAtMs = monotonicMs();
  pending = 0;
  readonly #reader = new FrameReader();
  readonly #listener: TcpListener;
  #halfClosed = false;

  constructor(socket: Socket, clientKey: string, listener: TcpListener) {
    this.socket = socket;
    this.clientKey = clientKey;
    this.#listener = listener;
    this.family = clientKey.includes(':') && !clientKey.startsWith('::ffff:') ? FamilyRow.ipv6 : FamilyRow.ipv4;
    writeAddress(clientKey, this.client);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => {
      this.#halfClosed = true;
      this.#endWhenAnswered();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => listener.forget(this));
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#serve();
  }

  /** Hands complete messages to the query path while the pipeline has room; reads no more from the client while not. */
  #serve(): void {
    const { arrival, options } = this.#listener;
    while (!this.socket.destroyed) {
      if (this.pending >= options.limits.pipelineMax) {
        this.socket.pause();
        return;
      }
      const length = this.#reader.take(arrival.bytes, FRAME_PREFIX_BYTES);
      if (length < 0) return;
      this.lastMessageAtMs = monotonicMs();
      arrival.end = FRAME_PREFIX_BYTES + length;
      arrival.family = this.family;
      arrival.client = this.client;
      arrival.connection = this;
      arrival.receivedAtMs = this.lastMessageAtMs;
      const answered = options.handler(arrival);
      options.onBatchEnd(arrival.receivedAtMs);
      if (answered === ANSWERED_LATER) this.pending++;
      else if (answered > 0) {
        writeFrameLength(arrival.bytes, 0, answered);
        this.#write(Buffer.from(arrival.bytes.subarray(0, FRAME_PREFIX_BYTES + answered)));
      }
    }
  }

  send(bytes: Uint8Array, length: number): void {
    if (this.socket.destroyed) this.#listener.options.onSendFailed();
    else {
      const frame = Buffer.allocUnsafe(FRAME_PREFIX_BYTES + length);
      writeFrameLength(frame, 0, length);
      frame.set(bytes.subarray(0, length), FRAME_PREFIX_BYTES);
      this.#write(frame);
    }
    this.abandon();
  }

  abandon(): void {
    this.pending--;
    this.lastMessageAtMs = monotonicMs();
    if (this.socket.destroyed) return;
    if (this.socket.isPaused()) {
      this.socket.resume();
      this.#serve();
    }
    this.#endWhenAnswered();
  }

  #write(frame: Buffer): void {
    if (this.socket.writableLength > UNREAD_BYTES_MAX) {
      this.#listener.options.onSendFailed();
      this.socket.destroy();
      return;
    }
    this.socket.write(frame);
  }

  /** A client that closed its sending side still gets every answer (RFC 7766 6.2.4). */
  #endWhenAnswered(): void {
    if (this.#halfClosed && this.pending === 0 && !this.socket.destroyed) this.socket.end();
  }
}

class TcpListener implements Listener {
  readonly options: TcpListenerOptions;
  readonly arrival = new TcpArrival();
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #sweep: NodeJS.Timeout;

  constructor(server: Server, options: TcpListenerOptions) {
    this.options = options;
    this.#server = server;
    server.on('connection', (socket) => this.#admit(socket));
    server.on('error', options.onError);
    this.#sweep = setInterval(() => this.#closeIdle(), Math.min(SWEEP_INTERVAL_MS, options.limits.idleTimeoutMs));
    this.#sweep.unref();
  }

  get address(): string {
    return this.options.host;
  }

  get port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  #admit(socket: Socket): void {
    const key = socket.remoteAddress;
    const { connectionCount, limits } = this.options;
    if (key === undefined || !connectionCount.take(key, limits)) {
      this.options.onRejected();
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#connections.add(new Connection(socket, key, this));
    this.options.onConnections(1);
  }

  forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.options.connectionCount.giveBack(connection.clientKey);
    this.options.onConnections(-1);
  }

  #closeIdle(): void {
    const idleSinceMs = monotonicMs() - this.options.limits.idleTimeoutMs;
    for (const connection of this.#connections) {
      if (connection.pending === 0 && connection.lastMessageAtMs < idleSinceMs) connection.socket.destroy();
    }
  }

  stop(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#server.close();
    const closed = [...this.#connections].map(
      ({ socket }) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          if (socket.writableLength === 0) socket.destroy();
          else socket.end(() => socket.destroy());
        }),
    );
    // Why: end() flushes what was just answered; a client that does not read must not hold up a stop or a reload.
    const impatience = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy();
    }, CLOSE_FLUSH_MS_MAX);
    await Promise.all(closed);
    clearTimeout(impatience);
  }
}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export function bindTcp(options: TcpListenerOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.once('error', reject);
    const { host, port } = options;
    server.listen({ host, port, ipv6Only: host.includes(':'), reusePort: true, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      resolve(new TcpListener(server, options));
    });
  });
}
