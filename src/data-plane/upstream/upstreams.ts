/**
 * The ways to carry a query to an upstream, by the protocol word in the configuration. Adding one is a new file that
 * satisfies Transport and one line here; transport-contract.test.ts runs over all of them.
 */
import type { UpstreamConfig } from '../../config/config.ts';
import type { OpenDatagramSocket } from './datagram-socket.ts';
import type { RandomWords } from './random-words.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { Transport, TransportEvents } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';

export interface TransportContext {
  /** Row of the upstream's counters. */
  readonly slot: number;
  readonly sourcePorts: number;
  readonly openSocket: OpenDatagramSocket;
  readonly random: RandomWords;
  readonly events: TransportEvents;
}

export type CreateTransport = (config: UpstreamConfig, context: TransportContext, nowMs: number) => Transport;

export const TRANSPORT_BY_PROTOCOL: Readonly<Record<UpstreamConfig['protocol'], CreateTransport>> = {
  udp: ({ host, port }, context, nowMs) => new UdpTransport({ host, port, ...context }, nowMs),
  tcp: ({ host, port }, context) => new TcpTransport({ host, port, ...context }),
};
