/** The keys of the configuration that a reload leaves as they are, because threads and sockets were made by them. */
import type { Config, SocketAddress } from '../config/config.ts';
import { hasRoomFor } from './resolver-heap.ts';

/** Those that have changed, for the log. */
export function keysNeedingRestart(before: Config, after: Config): string[] {
  const changed: string[] = [];
  for (const key of ['workers', 'stateDirectory'] as const) if (after[key] !== before[key]) changed.push(key);
  for (const key of ['admin', 'warningPageHttp', 'warningPageHttps'] as const) {
    if (!isSameAddress(after.listen[key], before.listen[key])) changed.push(`listen.${key}`);
  }
  if (JSON.stringify(after.warningPage.tls) !== JSON.stringify(before.warningPage.tls)) changed.push('warningPage.tls');
  if (JSON.stringify(after.eventLog) !== JSON.stringify(before.eventLog)) changed.push('eventLog');
  if (!hasRoomFor(before, after)) {
    if (after.cache.bytesMax > before.cache.bytesMax) changed.push('cache.bytesMax');
    for (const key of ['tcp', 'tls'] as const)
      if (after[key].connectionsMax > before[key].connectionsMax) changed.push(`${key}.connectionsMax`);
    if (after.upstreamQueries.outstandingMax > before.upstreamQueries.outstandingMax)
      changed.push('upstreamQueries.outstandingMax');
  }
  return changed;
}

/** The new configuration with the old values of those keys. */
export function withoutRestart(before: Config, after: Config): Config {
  const { workers, stateDirectory, eventLog } = before;
  const { do53, dot, doh, proxyProtocol } = after.listen;
  return {
    ...after,
    ...(hasRoomFor(before, after) ? {} : asRoomy(before, after)),
    workers,
    stateDirectory,
    eventLog,
    warningPage: { ...after.warningPage, tls: before.warningPage.tls },
    listen: { ...before.listen, do53, dot, doh, proxyProtocol },
  };
}

/** What makes a heap large, no larger than before. */
function asRoomy(before: Config, after: Config): Pick<Config, 'cache' | 'upstreamQueries' | 'tcp' | 'tls'> {
  const { cache, upstreamQueries, tcp, tls } = before;
  return {
    cache: { ...after.cache, bytesMax: Math.min(after.cache.bytesMax, cache.bytesMax) },
    upstreamQueries: {
      ...after.upstreamQueries,
      outstandingMax: Math.min(after.upstreamQueries.outstandingMax, upstreamQueries.outstandingMax),
    },
    tcp: { ...after.tcp, connectionsMax: Math.min(after.tcp.connectionsMax, tcp.connectionsMax) },
    tls: { ...after.tls, connectionsMax: Math.min(after.tls.connectionsMax, tls.connectionsMax) },
  };
}

function isSameAddress(a: SocketAddress | undefined, b: SocketAddress | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}
