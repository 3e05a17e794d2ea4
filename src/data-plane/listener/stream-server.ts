/**
 * What every listener on connections shares, whatever is spoken on them: one net.Server on a port that threads share,
 * admission by the limits, a sweep for what is idle, and an orderly end. What becomes of an admitted connection is the
 * caller's: tcp-listener.ts reads messages off it, tls-server.ts makes a TLS session of it first.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { monotonicMs } from '../../clock.ts';
import type { ConnectionSteer } from '../batch/connection-steer.ts';
import type { Listener } from './arrival.ts';
import type { ConnectionCount, ConnectionLimits } from './connection-count.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

const SWEEP_INTERVAL_MS = 500;
const BACKLOG = 511;
/** For clients to take what was just answered, at close. */
const CLOSE_FLUSH_MS_MAX = 1_000;

/** A connection on which its protocol is spoken: behind the handshake, where there is one. */
export interface StreamSession {
  /** Looks at what has taken too long by itself; called a few times a second. */
  sweep(nowMs: number, idleTimeoutMs: number): void;
  /** There will be no new connections here: the client may be told to go elsewhere. What it asks is answered still. */
  retire(): void;
  /** Lets out what was answered, says goodbye, and ends. */
  end(): void;
}

export interface StreamServerOptions {
  readonly host: string;
  readonly port: number;
  /** Looked at anew for each connection and message. */
  readonly limits: ConnectionLimits;
  readonly connectionCount: ConnectionCount;
  /** +1 for one that opened, -1 for one that closed. */
  readonly onConnections: (change: number) => void;
  readonly onRejected: () => void;
  readonly onError: (error: Error) => void;
  /** Balancers: their connections are those of many clients. */
  readonly proxies?: TrustedProxies | undefined;
  /** Leads new connections away from listeners that are about to close; undefined where the system calls cannot be had. */
  readonly steer?: ConnectionSteer | undefined;
}

export class StreamServer implements Listener {
  readonly #options: StreamServerOptions;
  readonly #server: Server;
  readonly #accept: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<StreamSession>();
  readonly #sweep: NodeJS.Timeout;

  constructor(server: Server, options: StreamServerOptions, accept: (socket: Socket) => void) {
    this.#server = server;
    this.#options = options;
    this.#accept = accept;
    server.on('connection', (socket) => this.#admit(socket));
    server.on('error', options.onError);
    const sweepMs = Math.min(SWEEP_INTERVAL_MS, options.limits.idleTimeoutMs);
    this.#sweep = setInterval(() => this.#sweepSessions(), sweepMs);
    this.#sweep.unref();
  }

  get address(): string {
    return this.#options.host;
  }

  get port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  #admit(socket: Socket): void {
    const key = socket.remoteAddress;
    const { connectionCount, limits, onRejected, onConnections, proxies } = this.#options;
    const isShared = key !== undefined && proxies?.includesText(key) === true;
    if (key === undefined || !connectionCount.take(key, limits, isShared)) {
      onRejected();
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    onConnections(1);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      connectionCount.giveBack(key);
      onConnections(-1);
    });
    this.#accept(socket);
  }

  /** Looks after a session until `socket`, the stream that it is spoken on, has closed. */
  attend(session: StreamSession, socket: Socket): void {
    this.#sessions.add(session);
    socket.on('close', () => this.#sessions.delete(session));
  }

  #sweepSessions(): void {
    const nowMs = monotonicMs();
    for (const session of this.#sessions) session.sweep(nowMs, this.#options.limits.idleTimeoutMs);
  }

  leave(): void {
    const fd = listeningDescriptor(this.#server);
    if (fd !== undefined) this.#options.steer?.leadAway(fd);
  }

  stay(): void {
    const fd = listeningDescriptor(this.#server);
    if (fd !== undefined) this.#options.steer?.leadBack(fd);
  }

  stop(): void {
    this.#server.close();
    for (const session of this.#sessions) session.retire();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#server.close();
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve())),
    );
    for (const session of this.#sessions) session.end();
    // Why: end() flushes what was just answered; a client that does not read must not hold up a stop or a reload.
    const impatience = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_FLUSH_MS_MAX);
    await Promise.all(closed);
    clearTimeout(impatience);
  }
}

/**
 * Binds the port and hands each admitted connection to `accept`.
 * Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 */
export function bindStreams(
  options: StreamServerOptions,
  allowHalfOpen: boolean,
  accept: (socket: Socket, server: StreamServer) => void,
): Promise<StreamServer> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen, noDelay: true });
    server.once('error', reject);
    const { host, port } = options;
    server.listen({ host, port, ipv6Only: host.includes(':'), reusePort: true, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      const bound: StreamServer = new StreamServer(server, options, (socket) => accept(socket, bound));
      resolve(bound);
    });
  });
}

/** Undefined where it is closed. Why by this way: node:net names the descriptor of a listener nowhere else. */
function listeningDescriptor(server: Server): number | undefined {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
