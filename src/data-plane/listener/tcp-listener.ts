/** DNS over TCP (RFC 7766, RFC 9210): messages on connections as they are. */
import { TransportRow } from '../../telemetry/counter-labels.ts';
import type { Listener } from './arrival.ts';
import { StreamArrival, StreamConnection, type StreamHandlers } from './stream-connection.ts';
import { bindStreams, type StreamServerOptions } from './stream-server.ts';

export interface TcpListenerOptions extends StreamServerOptions, StreamHandlers {}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export function bindTcp(options: TcpListenerOptions): Promise<Listener> {
  const arrival = new StreamArrival(TransportRow.tcp);
  return bindStreams(options, true, (socket, server) => {
    server.attend(new StreamConnection(socket, arrival, options), socket);
  });
}
