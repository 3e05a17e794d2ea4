/** The upstreams of a configuration that names none: the resolvers of the operating system, less ourselves. */
import { getServers } from 'node:dns';
import { isIPv6 } from 'node:net';
import { parseUpstream } from './address.ts';
import type { SocketAddress, UpstreamConfig } from './config.ts';
import { isOwnAddress } from './cross-checks.ts';
import { UPSTREAMS_MAX } from './schema.ts';

/**
 * Reads the system's resolvers (as Node knows them: addresses, with a port where it is not 53).
 * Leaves out the addresses in `own`, for a query sent there would come back. May be empty.
 */
export function systemUpstreams(
  own: readonly SocketAddress[],
  servers: readonly string[] = getServers(),
): UpstreamConfig[] {
  const upstreams: UpstreamConfig[] = [];
  for (const server of servers) {
    const parsed = parseUpstream(`udp://${isIPv6(server) ? `[${server}]` : server}`);
    if (parsed.kind === 'bad' || own.some((address) => isOwnAddress(address, parsed.value))) continue;
    upstreams.push(parsed.value);
  }
  return upstreams.slice(0, UPSTREAMS_MAX);
}
