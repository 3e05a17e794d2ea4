/** Lists of a real ledger in a real list-sync: what is pushed is in force whatever is being built, and after a restart. */
import { rename, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buffersOf } from '../../../../../src/control-plane/list-sync/buffer-pool.ts';
import type { LedgerDelta } from '../../../../../src/control-plane/ledger/ledger.ts';
import { ledgerPath } from '../../../../../src/control-plane/ledger/open-database.ts';
import {
  NoSuchLane,
  PUSHED_NAMES_FOLD,
  PUSHED_NAMES_MAX,
} from '../../../../../src/control-plane/list-sync/push/push-lanes.ts';
import { HeldRunner } from '../../../../support/held-runner.ts';
import { listSettings, openTestLedger, type TestLedger } from '../../../../support/ledger-harness.ts';
import { SyncHarness, testConfig } from '../../../../support/list-sync-harness.ts';

let harness: SyncHarness;
let ledger: TestLedger;

beforeEach(async () => {
  harness = await SyncHarness.create();
  ledger = await openTestLedger({
    stateDirectory: `${harness.folder}/state`,
    lists: [listSettings({ name: 'desk' }), listSettings({ name: 'county' })],
  });
  harness.ledger = ledger.store;
});
afterEach(() => harness.remove());

const PUSH = { sourceKind: 'push', source: 'push' } as const;

function config(lists = ['desk']) {
  return testConfig(
    harness.folder,
    lists.map((name) => ({ name, ...PUSH })),
  );
}

async function push(add: readonly string[], remove: readonly string[] = [], list = 'desk'): Promise<LedgerDelta> {
  return (await ledger.push(add, { remove, list })).delta;
}

describe('a pushed name', () => {
  test('is in force when apply resolves, and its withdrawal likewise, with the version of the ledger', async () => {
    const sync = await harness.start(config());
    await sync.apply(await push(['bad.example', 'worse.example']));
    expect(harness.verdict('www.bad.example')).toBe('blocked by desk');
    expect(harness.policies.at(-1)!.lists[0]!.version).toBe(1);
    await sync.apply(await push([], ['bad.example']));
    expect(harness.verdict('bad.example')).toBe('allowed');
    expect(harness.verdict('worse.example')).toBe('blocked by desk');
    expect(harness.status('desk')).toMatchObject({ version: 2, entries: 1, attempted: true });
    expect(harness.runner.kinds.filter((kind) => kind === 'build' || kind === 'overlay')).toEqual(['build']);
  });

  test('does not wait for a build that is under way, and is not lost behind it', async () => {
    await harness.file('other.txt', 'other.example\n');
    const lists = [
      { name: 'desk', ...PUSH },
      { name: 'other', source: `${harness.folder}/other.txt` },
    ];
    const runner = new HeldRunner();
    const sync = await harness.start(testConfig(harness.folder, lists), runner);
    const held = new HeldRunner('build');
    runner.run = held.run.bind(held);
    const reloading = sync.reload(
      testConfig(harness.folder, lists, { allow: [await harness.file('allow.txt', 'x.test\n')] }),
    );
    await held.begun.promise;
    await sync.apply(await push(['bad.example']));
    expect(harness.verdict('bad.example')).toBe('blocked by desk');
    const before = harness.policies.length;
    held.go('build');
    await reloading;
    expect(harness.policies.length).toBeGreaterThan(before);
    expect(harness.policies.at(-1)!.base).not.toBe(harness.policies[before - 1]!.base);
    expect(harness.verdict('bad.example')).toBe('blocked by desk');
    expect(harness.verdict('other.example')).toBe('blocked by other');
  });

  test('is in force once every thread has said so, not before', async () => {
    const sync = await harness.start(config());
    const acknowledged = Promise.withResolvers<void>();
    harness.acknowledge = () => acknowledged.promise;
    let isDone = false;
    const applying = sync.apply(await push(['bad.example'])).then(() => (isDone = true));
    await harness.until(() => harness.policies.at(-1)!.lists[0]!.version === 1);
    expect(isDone).toBe(false);
    expect(harness.status('desk')?.version).toBe(0);
    acknowledged.resolve();
    await applying;
  });

  test('of two lists stays blocked by the one when the other takes it back', async () => {
    const sync = await harness.start(config(['desk', 'county']));
    await sync.apply(await push(['bad.example']));
    await sync.apply(await push(['bad.example'], [], 'county'));
    await sync.apply(await push([], ['bad.example']));
    expect(harness.verdict('bad.example')).toBe('blocked by county');
    await sync.apply(await push([], ['bad.example'], 'county'));
    expect(harness.verdict('bad.example')).toBe('allowed');
  });

  test('is there after a restart, from the first policy on, though the snapshot on the disk is older', async () => {
    const first = await harness.start(config());
    await first.apply(await push(['one.example', 'two.example']));
    await first.reload(config());
    await harness.runner.drained();
    await first.apply(await push(['three.example'], ['one.example']));
    await harness.close();
    // Acknowledged by the ledger, and the process died before it was in force.
    await push(['four.example']);
    harness.policies.length = 0;
    await harness.start(config());
    const [policy] = harness.policies;
    expect(policy!.lists[0]!.version).toBe(3);
    const verdicts = ['one', 'two', 'three', 'four'].map((word) => harness.verdict(`${word}.example`));
    expect(verdicts).toEqual(['allowed', 'blocked by desk', 'blocked by desk', 'blocked by desk']);
  });
});

describe('changes that come out of order', () => {
  test('are asked of the ledger, and the older one then has nothing left to do', async () => {
    const sync = await harness.start(config());
    await sync.apply(await push(['zero.example']));
    const one = await push(['one.example']);
    const two = await push(['two.example'], ['one.example']);
    await sync.apply(two);
    const published = harness.policies.length;
    await sync.apply(one);
    expect(harness.policies.length).toBe(published);
    expect([harness.verdict('one.example'), harness.verdict('two.example')]).toEqual(['allowed', 'blocked by desk']);
  });

  test('many at once: all are in force, in fewer publications than there are changes', async () => {
    const sync = await harness.start(config());
    const published = harness.policies.length;
    const deltas = await Promise.all(Array.from({ length: 50 }, (_, i) => push([`n${i}.example`])));
    await Promise.all(deltas.toReversed().map((delta) => sync.apply(delta)));
    for (let i = 0; i < 50; i++) expect(harness.verdict(`n${i}.example`)).toBe('blocked by desk');
    expect(harness.policies.length - published).toBeLessThan(10);
  });
});

describe('more names than a lane may have', () => {
  test('go into a base, so that nothing lies over it any more', async () => {
    const sync = await harness.start(config());
    const words = Array.from({ length: PUSHED_NAMES_FOLD + 1 }, (_, i) => `n${i}.example`);
    await sync.apply(await push(words.slice(0, 3000)));
    await sync.apply(await push(words.slice(3000)));
    await harness.until(
      () => harness.policies.at(-1)!.overlay === undefined && harness.policies.at(-1)!.lists[0]!.version === 2,
    );
    expect(harness.policies.at(-1)!.base.entryCount).toBe(words.length);
    await sync.apply(await push(['one-more.example']));
    expect(harness.policies.at(-1)!.overlay?.entryCount).toBe(1);
    expect(harness.verdict('n5000.example')).toBe('blocked by desk');
  });

  test('at once are read from the ledger as a content', async () => {
    const sync = await harness.start(config());
    const words = Array.from({ length: PUSHED_NAMES_MAX + 1 }, (_, i) => `n${i}.example`);
    await sync.apply(await push(words));
    expect(harness.runner.kinds.filter((kind) => kind === 'parse')).toHaveLength(2);
    expect(harness.verdict('n15000.example')).toBe('blocked by desk');
    expect(harness.status('desk')).toMatchObject({ version: 1, entries: words.length });
  });
});

test('a list that has left the configuration takes nothing, and who waits is not told that it is in force', async () => {
  const sync = await harness.start(config(['desk', 'county']));
  const delta = await push(['bad.example']);
  const acknowledged = Promise.withResolvers<void>();
  harness.acknowledge = () => acknowledged.promise;
  const waiting = expect(sync.apply(delta)).rejects.toThrow(NoSuchLane);
  const reloading = sync.reload(config(['county']));
  await waiting;
  acknowledged.resolve();
  await reloading;
  await expect(sync.apply(await push(['worse.example']))).rejects.toThrow(NoSuchLane);
  expect(harness.verdict('bad.example')).toBe('allowed');
});

test('a ledger that was begun anew is read as it is, and what is pushed to it is in force', async () => {
  const first = await harness.start(config());
  const words = Array.from({ length: PUSHED_NAMES_FOLD + 1 }, (_, i) => `n${i}.example`);
  await first.apply(await push(words.slice(0, 3000)));
  await first.apply(await push(words.slice(3000)));
  await harness.until(() => harness.policies.at(-1)!.overlay === undefined);
  await first.reload(config());
  await harness.close();
  await ledger.store.close();
  for (const end of ['', '-wal', '-shm']) await rm(`${ledgerPath(`${harness.folder}/state`)}${end}`, { force: true });
  ledger = await openTestLedger({ stateDirectory: `${harness.folder}/state`, lists: [listSettings({ name: 'desk' })] });
  harness.ledger = ledger.store;
  const second = await harness.start(config());
  expect([harness.verdict('n1.example'), harness.policies.at(-1)!.lists[0]!.version]).toEqual(['allowed', 0]);
  await second.apply(await push(['new.example']));
  expect([harness.verdict('new.example'), harness.policies.at(-1)!.lists[0]!.version]).toEqual(['blocked by desk', 1]);
});

test('the first change of a list, which was made and not told, is in force once the ledger is caught up with', async () => {
  const sync = await harness.start(config());
  await push(['one.example']);
  await sync.catchUp();
  await harness.until(() => harness.status('desk')?.version === 1);
  expect(harness.verdict('one.example')).toBe('blocked by desk');
});

test('a ledger that opens while lists are started is asked for what is new, and not read', async () => {
  const first = await harness.start(config());
  const words = Array.from({ length: PUSHED_NAMES_FOLD + 1 }, (_, i) => `n${i}.example`);
  await first.apply(await push(words.slice(0, 3000)));
  await first.apply(await push(words.slice(3000)));
  await harness.until(() => harness.policies.at(-1)!.overlay === undefined);
  await first.reload(config());
  const { kinds } = harness.runner;
  await vi.waitFor(() => expect(kinds.lastIndexOf('snapshot')).toBeGreaterThan(kinds.lastIndexOf('build')), 20_000);
  await harness.runner.drained();
  await harness.close();
  const parsed = harness.runner.kinds.filter((kind) => kind === 'parse').length;
  const second = harness.open(config());
  await Promise.all([second.catchUp(), second.start()]);
  await harness.runner.drained();
  expect(harness.runner.kinds.filter((kind) => kind === 'parse')).toHaveLength(parsed);
  expect(harness.verdict('n1.example')).toBe('blocked by desk');
});

test('for whom rules hold is in the first policy where it was said before', async () => {
  const sync = harness.open(config());
  const key = new Uint8Array(32);
  await sync.setAudience({ rollouts: { key, stages: [{ list: 'desk', slot: 1, permyriad: 100 }] } });
  await sync.start();
  expect(harness.policies[0]!.rollouts?.stages).toEqual([{ listIndex: 0, slot: 1, permyriad: 100 }]);
});

test('an overlay that a job reads is not written over by what is pushed meanwhile', async () => {
  const source = await harness.file('other.txt', 'other.example\n');
  const runner = new HeldRunner();
  const lists = [
    { name: 'desk', ...PUSH },
    { name: 'other', source },
  ];
  const sync = await harness.start(testConfig(harness.folder, lists), runner);
  await sync.apply(await push(Array.from({ length: 500 }, (_, i) => `n${i}.example`)));
  const { table, names, rules } = harness.policies.at(-1)!.overlay!;
  const bytes = (): string[] => [table, names, rules].map((buffer) => Buffer.from(buffer).toString('hex'));
  const before = bytes();
  const held = new HeldRunner('overlay');
  runner.run = held.run.bind(held);
  await harness.file('other.txt', 'other.example\nmore.example\n');
  await held.begun.promise;
  for (let i = 0; i < 3; i += 1) await sync.apply(await push([`m${i}.example`]));
  expect(bytes()).toEqual(before);
  held.go('overlay');
  await harness.until(() => harness.verdict('more.example') === 'blocked by other');
  expect(harness.verdict('m2.example')).toBe('blocked by desk');
});

test('an empty list is good, and one that was emptied as well', async () => {
  const sync = await harness.start(config());
  expect(harness.status('desk')).toMatchObject({ version: 0, attempted: true });
  expect(harness.status('desk')?.failure).toBeUndefined();
  await sync.apply(await push(['one.example']));
  await sync.apply(await push([], ['one.example']));
  await sync.reload(config());
  expect(harness.status('desk')).toMatchObject({ version: 2, entries: 0 });
  expect(harness.status('desk')?.failure).toBeUndefined();
});

test('two hundred pushes and changes of a file in turn use the same few buffers again', async () => {
  const source = await harness.file('other.txt', 'other0.example\n');
  const lists = [
    { name: 'desk', ...PUSH },
    { name: 'other', source },
  ];
  const sync = await harness.start(testConfig(harness.folder, lists));
  const used = new Set<SharedArrayBuffer>();
  for (let turn = 1; turn <= 100; turn++) {
    await sync.apply(await push([`n${turn}.example`]));
    await harness.file('other.txt.new', `other${turn}.example\n`);
    await rename(`${source}.new`, source);
    await harness.until(() => harness.status('other')?.version === turn + 1);
    for (const buffer of buffersOf(harness.policies.at(-1)!)) used.add(buffer);
  }
  expect(harness.verdict('n1.example')).toBe('blocked by desk');
  expect(harness.verdict('other100.example')).toBe('blocked by other');
  expect(used.size).toBeLessThan(40);
});
