import { watch, type FSWatcher } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ListSync } from '../../../../src/control-plane/list-sync/list-sync.ts';
import { HeldRunner } from '../../../support/held-runner.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

const watchers = vi.hoisted(() => new Set<FSWatcher>());
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const counting = (...args: Parameters<typeof watch>): FSWatcher => {
    const watcher = real.watch(...args);
    watchers.add(watcher);
    const close = watcher.close.bind(watcher);
    watcher.close = () => {
      watchers.delete(watcher);
      close();
    };
    return watcher;
  };
  return { ...real, watch: counting };
});

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

describe.each(['parse', 'allow', 'build'] as const)('told to stop while the first %s job runs', (kind) => {
  test('it logs nothing more, publishes nothing, and watches nothing', async () => {
    const source = await harness.file('a.txt', 'bad.example\n');
    const allow = [await harness.file('allow.txt', 'good.example\n')];
    const runner = new HeldRunner(kind);
    const starting = harness.start(testConfig(harness.folder, [{ name: 'a', source }], { allow }), runner);
    await runner.begun.promise;
    const before = [...harness.logged];
    await harness.close();
    await starting;
    expect(harness.logged).toEqual(before);
    expect(harness.policies).toEqual([]);
    expect(watchers.size).toBe(0);
  });
});

async function isInForceAlone(sync: ListSync, reloading: Promise<void>): Promise<void> {
  await reloading;
  expect(harness.verdict('a.example')).toBe('allowed');
  expect(harness.verdict('b.example')).toBe('blocked by b');
  expect(sync.readiness().lists.map(({ name }) => name)).toEqual(['b']);
  expect(watchers.size).toBeGreaterThan(0);
  await sync.close();
  expect(watchers.size).toBe(0);
}

describe('a reload', () => {
  test('in the middle of the start waits for it, and leaves no watch of what it removed', async () => {
    const a = await harness.file('a.txt', 'a.example\n');
    const b = await harness.file('b.txt', 'b.example\n');
    const allow = [await harness.file('allow.txt', 'good.example\n')];
    const runner = new HeldRunner('parse');
    const sync = harness.open(testConfig(harness.folder, [{ name: 'a', source: a }], { allow }), runner);
    const starting = sync.start();
    const reloading = sync.reload(testConfig(harness.folder, [{ name: 'b', source: b }]));
    runner.go('parse');
    await starting;
    await isInForceAlone(sync, reloading);
  });

  test('before the start waits for that, too', async () => {
    const a = await harness.file('a.txt', 'a.example\n');
    const b = await harness.file('b.txt', 'b.example\n');
    const sync = harness.open(testConfig(harness.folder, [{ name: 'a', source: a }]));
    const reloading = sync.reload(testConfig(harness.folder, [{ name: 'b', source: b }]));
    await sync.start();
    await isInForceAlone(sync, reloading);
  });

  test('that nothing started any more ends with the close', async () => {
    const sync = harness.open(testConfig(harness.folder, []));
    const reloading = sync.reload(testConfig(harness.folder, []));
    await sync.close();
    await reloading;
    expect(harness.policies).toEqual([]);
  });
});
