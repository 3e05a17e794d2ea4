import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { keysNeedingRestart, withoutRestart } from '../../../src/supervisor/restart-keys.ts';
import { testConfig } from '../../support/resolver-harness.ts';

const before = testConfig();
const GIGABYTE = 1024 ** 3;
const address = (port: number) => ({ host: '127.0.0.1', port });
const changes: readonly (readonly [string, Partial<Config>])[] = [
  ['workers', { workers: before.workers + 1 }],
  ['stateDirectory', { stateDirectory: '/elsewhere' }],
  ['listen.admin', { listen: { ...before.listen, admin: address(1) } }],
  ['listen.warningPageHttp', { listen: { ...before.listen, warningPageHttp: address(2) } }],
  ['listen.warningPageHttps', { listen: { ...before.listen, warningPageHttps: address(3) } }],
  [
    'warningPage.tls',
    { warningPage: { ...before.warningPage, tls: { ...before.warningPage.tls, caKey: '/ca-key.pem' } } },
  ],
  ['cache.bytesMax', { cache: { ...before.cache, bytesMax: 2 * GIGABYTE } }],
  ['tcp.connectionsMax', { tcp: { ...before.tcp, connectionsMax: 100_000 } }],
  ['tls.connectionsMax', { tls: { ...before.tls, connectionsMax: 100_000 } }],
  ['upstreamQueries.outstandingMax', { upstreamQueries: { ...before.upstreamQueries, outstandingMax: 1_000_000 } }],
  ['eventLog', { eventLog: { ...before.eventLog, file: '/events.jsonl' } }],
];

describe('a reload', () => {
  it.each(changes)('that changes %s says so and leaves it as it was', (key, change) => {
    const after = { ...before, ...change };
    expect(keysNeedingRestart(before, after)).toEqual([key]);
    expect(withoutRestart(before, after)).toEqual(before);
  });

  it('gives the cache what the heap of a thread has room for', () => {
    const after: Config = { ...before, cache: { ...before.cache, bytesMax: GIGABYTE / 4 } };
    expect(keysNeedingRestart(before, after)).toEqual([]);
    expect(withoutRestart(before, after)).toEqual(after);
  });

  it('makes smaller what was made for large heaps, whatever that is', () => {
    const large: Config = { ...before, cache: { ...before.cache, bytesMax: 4 * GIGABYTE } };
    const after: Config = {
      ...large,
      cache: { ...large.cache, bytesMax: 3 * GIGABYTE },
      tcp: { ...large.tcp, connectionsMax: 30_000 },
    };
    expect(keysNeedingRestart(large, after)).toEqual([]);
    expect(withoutRestart(large, after)).toEqual(after);
  });

  it('keeps the rest of a section of which one key needs a restart', () => {
    const after: Config = {
      ...before,
      cache: { ...before.cache, bytesMax: 2 * GIGABYTE, prefetch: !before.cache.prefetch },
    };
    expect(withoutRestart(before, after).cache).toEqual({ ...before.cache, prefetch: !before.cache.prefetch });
  });

  it('puts the addresses for queries and everything else in force', () => {
    const after: Config = {
      ...before,
      listen: { ...before.listen, do53: [address(4)], dot: [address(5)], doh: [address(6)] },
      tls: { ...before.tls, idleTimeoutMs: 1 },
      sinkhole: { ...before.sinkhole, ttlSeconds: 1 },
    };
    expect(keysNeedingRestart(before, after)).toEqual([]);
    expect(withoutRestart(before, after)).toEqual(after);
  });
});
