/** The keys of the configuration that a reload leaves as they are, because threads and sockets were made by them. */
import type { Config, SocketAddress } from '../config/config.ts';

/** Those that have changed, for the log. */
export function keysNeedingRestart(before: Config, after: Config): string[] {
  const changed: string[] = [];
  for (const key of ['workers', 'stateDirectory'] as const) if (after[key] !== before[key]) changed.push(key);
  for (const key of ['admin', 'warningPageHttp', 'warningPageHttps'] as const) {
    if (!isSameAddress(after.listen[key], before.listen[key])) changed.push(`listen.${key}`);
  }
  if (JSON.stringify(after.warningPage.tls) !== JSON.stringify(before.warningPage.tls)) changed.push('warningPage.tls');
  if (JSON.stringify(after.eventLog) !== JSON.stringify(before.eventLog)) changed.push('eventLog');
  return changed;
}

/** The new configuration with the old values of those keys. */
export function withoutRestart(before: Config, after: Config): Config {
  const { workers, stateDirectory, eventLog } = before;
  const { do53, dot, doh, proxyProtocol } = after.listen;
  return {
    ...after,
    workers,
    stateDirectory,
    eventLog,
    warningPage: { ...after.warningPage, tls: before.warningPage.tls },
    listen: { ...before.listen, do53, dot, doh, proxyProtocol },
  };
}

function isSameAddress(a: SocketAddress | undefined, b: SocketAddress | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}
