/**
 * The ways to carry a query to an upstream, by the protocol word in the configuration. Adding one is a new file that
 * satisfies Transport and one line here; transport-contract.test.ts runs over all of them.
 */
import type { UpstreamConfig } from '../../config/config.ts';
import type { OpenDatagramSocket } from './datagram-socket.ts';
import type { RandomWords } from './random-words.ts';
import { HttpsTransport } from './https-transport.ts';
import { TcpTransport } from './tcp-transport.ts';
import { openTls, type TlsIdentity } from './tls-stream.ts';
import type { Transport, TransportEvents } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';

export interface TransportContext {
  /** Row of the upstream's counters. */
  readonly slot: number;
  readonly sourcePorts: number;
  readonly openSocket: OpenDatagramSocket;
  readonly random: RandomWords;
  readonly events: TransportEvents;
  /** PEM of the authorities trusted for tls and https; '': Node's own. */
  readonly ca: string;
  /** Says for people why an encrypted upstream cannot be used; called once in a while. */
  readonly report: (reason: string) => void;
}

/** Source: RFC 8467 4.1. */
const PADDING_BLOCK_BYTES = 128;

export type CreateTransport = (config: UpstreamConfig, context: TransportContext, nowMs: number) => Transport;

export const TRANSPORT_BY_PROTOCOL: Readonly<Record<UpstreamConfig['protocol'], CreateTransport>> = {
  udp: ({ host, port }, context, nowMs) => new UdpTransport({ host, port, ...context }, nowMs),
  tcp: ({ host, port }, context) => new TcpTransport({ host, port, ...context }),
  tls: (config, context) => {
    const { host, port } = config;
    const openStream = openTls(identityOf(config), context.ca, context.report);
    return new TcpTransport({ host, port, ...context, openStream, paddingBlockBytes: PADDING_BLOCK_BYTES });
  },
  https: (config, context) => {
    const { host, port, path = '/dns-query' } = config;
    return new HttpsTransport({ host, port, path, identity: identityOf(config), ...context });
  },
};

function identityOf({ serverName, pins = [] }: UpstreamConfig): TlsIdentity {
  return { pins, ...(serverName === undefined ? {} : { serverName }) };
}
