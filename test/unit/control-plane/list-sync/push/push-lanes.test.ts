/** What lanes do when the ledger does not answer, is another one, or more comes than is published. */
import { describe, expect, test } from 'vitest';
import type { LedgerDelta } from '../../../../../src/control-plane/ledger/ledger.ts';
import {
  NoSuchLane,
  PushLanes,
  PUSHED_NAMES_FOLD,
  WAITERS_MAX,
  type PushLanesOptions,
} from '../../../../../src/control-plane/list-sync/push/push-lanes.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

function delta(fromVersion: number, toVersion: number, words: readonly string[] = [], list = 'desk'): LedgerDelta {
  const names = words.map((word) => ({ name: `${word}.example`, entries: [] }));
  return { list, fromVersion, toVersion, digest: `digest ${toVersion}`, names, entryCount: words.length };
}

function content(version: number) {
  return { version, digest: `digest ${version}`, entryCount: 0 };
}

/** Lanes whose publications bring everything into force, unless a test says otherwise. */
function lanesOf(more: Partial<PushLanesOptions> = {}, lists = ['desk']) {
  const read: string[] = [];
  const publications: PromiseWithResolvers<void>[] = [];
  let folds = 0;
  const lanes = new PushLanes({
    ledger: undefined,
    publish: () => {
      publications.push(Promise.withResolvers<void>());
      return publications.at(-1)!.promise;
    },
    readAgain: async (list) => void read.push(list),
    foldNext: () => (folds += 1),
    log: SILENT,
    ...more,
  });
  lanes.setLists(lists);
  return { lanes, read, publications, folds: () => folds };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a list that leaves while the ledger is asked takes nothing', async () => {
  const asked = Promise.withResolvers<LedgerDelta>();
  const { lanes } = lanesOf({ ledger: { deltaSince: () => asked.promise } });
  const applying = lanes.apply(delta(4, 5, ['bad']));
  lanes.setLists([]);
  asked.resolve(delta(0, 5, ['bad']));
  await expect(applying).rejects.toThrow(NoSuchLane);
});

describe('a ledger that cannot be asked', () => {
  const unreachable = { deltaSince: () => Promise.reject(new Error('it is away')) };

  test('is read instead, for changes that came in another order', async () => {
    const { lanes, read } = lanesOf({ ledger: unreachable });
    let isDone = false;
    const applying = lanes.apply(delta(4, 5, ['bad'])).then(() => (isDone = true));
    await turn();
    expect([read, isDone]).toEqual([['desk'], false]);
    lanes.adopt('desk', content(5));
    lanes.inForce('desk', 5, content(5));
    lanes.settle();
    await applying;
  });

  test('is read instead of being caught up with, and what is known stays', async () => {
    const { lanes, read } = lanesOf({ ledger: unreachable });
    lanes.adopt('desk', content(3));
    await lanes.catchUp();
    expect([read, lanes.versionOf('desk')]).toEqual([['desk'], content(3)]);
  });
});

describe('a ledger of another history', () => {
  test.each([
    ['that has not come as far', undefined],
    ['that has come as far', { ...delta(3, 3), digest: 'another' }],
  ])('%s: nothing counts but a content that is read from it', async (_, answer) => {
    const { lanes, read, publications } = lanesOf({ ledger: { deltaSince: async () => answer } });
    lanes.adopt('desk', content(3));
    lanes.inForce('desk', 3, content(3));
    await lanes.catchUp();
    expect([read, lanes.versionInForce('desk')?.version]).toEqual([['desk'], 0]);
    let isDone = false;
    const applying = lanes.apply(delta(0, 1, ['bad'])).then(() => (isDone = true));
    await turn();
    // The content from before is published once more, for another reason.
    lanes.adopt('desk', content(3));
    lanes.inForce('desk', 3, content(3));
    lanes.settle();
    await turn();
    expect([read.length, publications.length, isDone]).toEqual([2, 0, false]);
    lanes.adopt('desk', { ...content(1), digest: 'its first' });
    lanes.inForce('desk', 1, { ...content(1), digest: 'its first' });
    lanes.settle();
    await applying;
    expect(lanes.versionInForce('desk')?.version).toBe(1);
  });
});

test('lanes are folded again where more came than there is room for while they were', async () => {
  const { lanes, read, folds } = lanesOf({}, ['desk', 'county']);
  const words = Array.from({ length: PUSHED_NAMES_FOLD + 1 }, (_, i) => `n${i}`);
  void lanes.apply(delta(0, 1, words));
  void lanes.apply(
    delta(
      1,
      2,
      words.map((word) => `x${word}`),
    ),
  );
  await turn();
  expect([read, folds()]).toEqual([['desk'], 1]);
  lanes.adopt('desk', content(1));
  lanes.inForce('desk', 2, content(1));
  void lanes.apply(delta(0, 1, ['bad'], 'county'));
  await turn();
  expect([read, folds()]).toEqual([['desk', 'desk', 'county'], 2]);
});

test('who wants a publication waits for the next one, not for the last of many', async () => {
  const { lanes, publications } = lanesOf();
  const first = lanes.publish();
  await turn();
  let isSecondDone = false;
  const second = lanes.publish().then(() => (isSecondDone = true));
  publications[0]!.resolve();
  await first;
  await turn();
  void lanes.publish();
  expect([publications.length, isSecondDone]).toEqual([2, false]);
  publications[1]!.resolve();
  await second;
});

test('a publication that fails is said to whoever wanted it, and leads to a build where it was a change', async () => {
  const { lanes, read } = lanesOf({ publish: () => Promise.reject(new Error('no memory')) });
  await expect(lanes.publish()).rejects.toThrow('no memory');
  void lanes.apply(delta(0, 1, ['bad']));
  await turn();
  expect(read).toEqual(['desk']);
});

test('as many changes wait as may, and the next is told', async () => {
  const { lanes } = lanesOf();
  for (let i = 0; i < WAITERS_MAX; i += 1) void lanes.apply(delta(0, 1, ['bad']));
  await turn();
  await expect(lanes.apply(delta(0, 1, ['bad']))).rejects.toThrow('wait already');
});
