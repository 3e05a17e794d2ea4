import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { keysNeedingRestart, withoutRestart } from '../../../src/supervisor/restart-keys.ts';
import { testConfig } from '../../support/resolver-harness.ts';

const before = testConfig();
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
  ['eventLog', { eventLog: { ...before.eventLog, file: '/events.jsonl' } }],
];

describe('a reload', () => {
  it.each(changes)('that changes %s says so and leaves it as it was', (key, change) => {
    const after = { ...before, ...change };
    expect(keysNeedingRestart(before, after)).toEqual([key]);
    expect(withoutRestart(before, after)).toEqual(before);
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
