/**
 * Finds out before the start whether an address is free. Why: listeners share their ports among threads (SO_REUSEPORT),
 * and so would a second Weir by mistake, each answering half of the queries by its own lists.
 */
import { createSocket } from 'node:dgram';
import type { BindFailure } from '../config/bind-failure.ts';
import type { SocketAddress } from '../config/config.ts';

/** The addresses that another program has; what else may be wrong with them shows when they are bound. */
export async function takenAddresses(addresses: readonly SocketAddress[]): Promise<BindFailure[]> {
  const found = await Promise.all(addresses.filter(({ port }) => port !== 0).map(probe));
  return found.filter((failure) => failure !== undefined);
}

function probe(address: SocketAddress): Promise<BindFailure | undefined> {
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
