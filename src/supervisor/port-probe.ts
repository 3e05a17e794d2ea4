/**
 * Finds out before the start whether an address is free. Why: listeners share their ports among threads (SO_REUSEPORT),
 * and so would a second Weir by mistake, each answering half of the queries by its own lists.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';

function fixed(addresses: readonly SocketAddress[]): SocketAddress[] {
  return addresses.filter(({ port }) => port !== 0);
}

function some(address: SocketAddress | undefined): SocketAddress[] {
  return address === undefined ? [] : [address];
}

type ProbedAddresses = Pick<Config['listen'], 'do53' | 'dot' | 'doh'> &
  Partial<Pick<Config['listen'], 'warningPageHttp' | 'warningPageHttps'>>;

/** The addresses that another program has; what else may be wrong with them shows when they are bound. */
export async function takenAddresses({
  do53,
  dot,
  doh,
  warningPageHttp,
  warningPageHttps,
}: ProbedAddresses): Promise<BindFailure[]> {
  const found = await Promise.all([
    ...fixed(do53).map(probeDo53),
    ...fixed(dot).map((address) => probeStream('listen.dot', address)),
    ...fixed(doh).map((address) => probeStream('listen.doh', address)),
    ...fixed(some(warningPageHttp)).map((address) => probeStream('listen.warningPageHttp', address)),
    ...fixed(some(warningPageHttps)).map((address) => probeStream('listen.warningPageHttps', address)),
  ]);
  return found.filter((failure) => failure !== undefined);
}

/** Both halves: a program that has one of them, and would share it, would get every other query over it. */
async function probeDo53(address: SocketAddress): Promise<BindFailure | undefined> {
  return (await probeDatagrams(address)) ?? probeStream('listen.do53', address);
}

function probeStream(key: string, address: SocketAddress): Promise<BindFailure | undefined> {
  const { host, port } = address;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      resolve(code === 'EADDRINUSE' ? { key, address, code, message } : undefined);
    });
    server.listen({ host, port, ipv6Only: host.includes(':'), exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

function probeDatagrams(address: SocketAddress): Promise<BindFailure | undefined> {
  const isV6 = address.host.includes(':');
  return new Promise((resolve) => {
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
    socket.once('error', ({ message, ...error }: NodeJS.ErrnoException) => {
      socket.close();
      const isTaken = error.code === 'EADDRINUSE';
      resolve(isTaken ? { key: 'listen.do53', address, code: 'EADDRINUSE', message } : undefined);
    });
    socket.bind({ address: address.host, port: address.port, exclusive: true }, () => {
      socket.close(() => resolve(undefined));
    });
  });
}
