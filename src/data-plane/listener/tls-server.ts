/**
 * Makes TLS sessions of admitted connections, for what is spoken inside (DoT, DoH). Versions 1.2 and 1.3 with forward
 * secrecy and authenticated encryption only; no renegotiation; a time limit on the handshake. A new certificate is for
 * new connections: those that are open go on. RFC 8310, RFC 9325, RFC 8446 2.2 (resumption), RFC 7301 (ALPN).
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsMaterial } from '../../config/tls-material.ts';
import { HandshakeRow } from '../../telemetry/counter-labels.ts';

export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** How long a session may be resumed; the supervisor gives new ticket keys in less. */
const SESSION_SECONDS = 6 * 3600;
/** Names a context, so that sessions of one server are not taken for another's. */
const SESSION_ID_CONTEXT = 'weir';
/** RFC 9325 4.2, less the suites without authenticated encryption; those of TLS 1.3 are all good. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The certificate in force in a thread, and the servers that show it. */
export class TlsContext {
  readonly #servers = new Set<Server>();
  #material: TlsMaterial | undefined;

  constructor(material: TlsMaterial | undefined) {
    this.#material = material;
  }

  /** Undefined: there is no certificate, and nothing can be bound. */
  get material(): TlsMaterial | undefined {
    return this.#material;
  }

  /** Settings for a server that begins now. Errors: throws where there is no certificate. */
  settings() {
    if (this.#material === undefined) throw new Error('there is no certificate');
    const { certificate, key, ticketKeys } = this.#material;
    return {
      cert: certificate,
      key,
      ticketKeys: Buffer.from(ticketKeys),
      sessionIdContext: SESSION_ID_CONTEXT,
      sessionTimeout: SESSION_SECONDS,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    } as const;
  }

  attach(server: Server): void {
    this.#servers.add(server);
  }

  detach(server: Server): void {
    this.#servers.delete(server);
  }

  /** Puts another certificate, or other ticket keys, in force for new connections. */
  replace(material: TlsMaterial | undefined): void {
    this.#material = material;
    // Why nothing else: the listeners are closed by the same new configuration.
    if (material === undefined) return;
    for (const server of this.#servers) server.setSecureContext(this.settings());
  }
}

export interface TlsServerOptions {
  readonly context: TlsContext;
  /** Names of what is spoken inside; a client that names none is served, one that names only others is not. */
  readonly protocols: readonly string[];
  /** HandshakeRow: how a handshake ended. */
  readonly onHandshake: (row: number) => void;
}

export interface TlsServer {
  /** Begins the handshake with a client. */
  accept(socket: Socket): void;
  /** No more certificates for this server. Sessions go on. */
  close(): void;
}

/** `onSession` gets each connection whose handshake has succeeded. */
export function createTlsServer(options: TlsServerOptions, onSession: (socket: TLSSocket) => void): TlsServer {
  const { context, protocols, onHandshake } = options;
  const server = createServer({
    ...context.settings(),
    ALPNProtocols: [...protocols],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  context.attach(server);
  server.on('secureConnection', (socket) => {
    onHandshake(socket.isSessionReused() ? HandshakeRow.resumed : HandshakeRow.full);
    socket.on('error', () => socket.destroy());
    onSession(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    onHandshake(failureRow(error.code ?? ''));
    socket.destroy();
  });
  return {
    // Why so: admission, and its count of handshakes under way, comes before TLS sees the connection.
    accept: (socket) => void server.emit('connection', socket),
    close: () => context.detach(server),
  };
}

/** OpenSSL's words for a client whose versions or ciphers are all too old. */
const NOTHING_IN_COMMON = new Set([
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_VERSION_TOO_LOW',
  'ERR_SSL_NO_SHARED_CIPHER',
]);

function failureRow(code: string): number {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return HandshakeRow.timeout;
  if (code === 'ECONNRESET' || code === 'EPIPE') return HandshakeRow.closed;
  if (code === 'ERR_SSL_NO_APPLICATION_PROTOCOL') return HandshakeRow.noProtocol;
  return NOTHING_IN_COMMON.has(code) ? HandshakeRow.noVersion : HandshakeRow.malformed;
}
