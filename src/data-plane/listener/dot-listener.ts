/**
 * DNS over TLS (RFC 7858, RFC 8310): the messages of DNS over TCP inside a TLS session. ALPN is "dot" (IANA, by
 * RFC 7858), which a client need not name.
 */
import { TransportRow } from '../../telemetry/counter-labels.ts';
import type { Listener } from './arrival.ts';
import { StreamArrival, StreamConnection, type StreamHandlers } from './stream-connection.ts';
import { bindStreams, type StreamServer, type StreamServerOptions } from './stream-server.ts';
import { createTlsServer, type TlsContext } from './tls-server.ts';

export interface TlsListenerOptions extends StreamServerOptions, StreamHandlers {
  readonly context: TlsContext;
  /** HandshakeRow: how a handshake ended. */
  readonly onHandshake: (row: number) => void;
}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export async function bindDot(options: TlsListenerOptions): Promise<Listener> {
  const arrival = new StreamArrival(TransportRow.dot);
  const tls = createTlsServer({ ...options, protocols: ['dot'] }, (socket) => {
    server.attend(new StreamConnection(socket, arrival, options), socket);
  });
  const server: StreamServer = await bindStreams(options, true, (socket) => tls.accept(socket));
  return closingWith(server, () => tls.close());
}

/** The listener, and what else ends with it. */
export function closingWith(server: StreamServer, alsoClose: () => void): Listener {
  return {
    address: server.address,
    port: server.port,
    leave: () => server.leave(),
    stay: () => server.stay(),
    stop: () => server.stop(),
    close: () => {
      alsoClose();
      return server.close();
    },
  };
}
