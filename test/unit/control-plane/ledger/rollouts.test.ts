/** Staged rollouts: what is new is in force for some, is promoted stage by stage, or goes as it came. */
import { expect, test } from 'vitest';
import {
  APPROVER,
  isDone,
  listSettings,
  namesOf,
  openTestLedger,
  PROPOSER,
  PUSHER,
  SYSTEM,
} from '../../../support/ledger-harness.ts';
import type { Actor } from '../../../../src/control-plane/ledger/ledger.ts';
import type { TestLedger } from '../../../support/ledger-harness.ts';

const STAGES = [
  { percent: 1, seconds: 3_600 },
  { percent: 10, seconds: 0 },
  { percent: 100, seconds: 0 },
];
const staged = (): Promise<TestLedger> => openTestLedger({ lists: [listSettings({ rolloutStages: STAGES })] });
const move = ({ store }: TestLedger, id: string, to: 'promote' | 'abort', actor: Actor = APPROVER) =>
  store.moveRollout(id, to, 'seen the figures', actor);
const slots = async ({ store }: TestLedger) =>
  (await store.entries('desk', '', 100)).map(({ name, rolloutSlot }) => [name, rolloutSlot]);

test('new entries have a slot; promoted to the end they have none, by a version of its own', async () => {
  const ledger = await staged();
  const done = await ledger.push(['a.example', { name: 'watched.example', mode: 'shadow' }]);
  expect(done).toMatchObject({ accepted: 2, rollout: { id: 'r1', entries: 1, percent: 1 } });
  const [rollout] = await ledger.store.rollouts();
  expect(rollout).toMatchObject({ list: 'desk', slot: 1, state: 'running', percent: 1, entryCount: 1, version: 1 });
  expect(rollout!.nextAtSeconds).toBe(ledger.nowSeconds + 3_600);
  expect(await slots(ledger)).toEqual([
    ['a.example', 1],
    ['watched.example', 0],
  ]);
  expect(await move(ledger, rollout!.id, 'promote', SYSTEM)).toMatchObject({
    rollout: { percent: 10, stage: 1, nextAtSeconds: 0, state: 'running' },
    change: undefined,
  });
  expect(await move(ledger, rollout!.id, 'promote')).toMatchObject({
    rollout: { percent: 100, state: 'complete' },
    change: { version: 2, delta: { names: [{ name: 'a.example', entries: [{ rolloutSlot: 0 }] }] } },
  });
  expect(await slots(ledger)).toEqual([
    ['a.example', 0],
    ['watched.example', 0],
  ]);
  expect((await ledger.store.deltaSince('desk', 1))?.names).toMatchObject([{ name: 'a.example' }]);
  expect((await ledger.store.audit(0, 10)).map(({ kind }) => kind)).toEqual(['change', 'rollout', 'rollout']);
  expect(await move(ledger, rollout!.id, 'abort')).toMatchObject({ kind: 'refused', code: 'rolloutEnded' });
});

test('aborted, its entries and no others are gone, and a rollback does not bring them back', async () => {
  const ledger = await staged();
  await ledger.push(['a.example']);
  await ledger.push(['b.example']);
  const [first, second] = await ledger.store.rollouts();
  expect([first!.slot, second!.slot]).toEqual([1, 2]);
  const moved = await move(ledger, second!.id, 'abort', PUSHER);
  expect(moved).toMatchObject({ rollout: { state: 'aborted', percent: 0 }, change: { version: 3, removed: 1 } });
  expect(await namesOf(ledger.store)).toEqual(['subtree a.example']);
  const back = isDone(await ledger.store.rollback('desk', 2, 'back', PUSHER));
  expect(back).toMatchObject({ accepted: 0, rejected: [{ name: 'b.example', code: 'rolloutAborted' }] });
  expect(await slots(ledger)).toEqual([['a.example', 1]]);
});

test('an entry in force for everyone stays so when it is corrected', async () => {
  const ledger = await staged();
  await ledger.push(['a.example']);
  const [rollout] = await ledger.store.rollouts();
  await move(ledger, rollout!.id, 'promote');
  await move(ledger, rollout!.id, 'promote');
  await ledger.push([{ name: 'a.example', note: 'corrected' }]);
  expect(await slots(ledger)).toEqual([['a.example', 0]]);
  expect(await ledger.store.rollouts()).toHaveLength(1);
});

test('an entry that only watched is staged when it is to block', async () => {
  const ledger = await staged();
  await ledger.push([{ name: 'a.example', mode: 'shadow' }]);
  expect(await ledger.store.rollouts()).toEqual([]);
  const done = await ledger.push(['a.example']);
  expect(done).toMatchObject({ accepted: 1, rollout: { id: 'r1', entries: 1, percent: 1 } });
  expect(await slots(ledger)).toEqual([['a.example', 1]]);
});

test('moving needs the right and a rollout; there are 255 slots and no more', async () => {
  const ledger = await staged();
  expect(await move(ledger, 'r1', 'promote')).toMatchObject({ code: 'rolloutUnknown' });
  for (let push = 1; push <= 255; push++) await ledger.push([`n${push}.example`]);
  const refused = await ledger.tryPush(['one.too.many.example']);
  expect(refused).toMatchObject({ kind: 'refused', code: 'noRolloutSlot' });
  expect(await ledger.store.versions('desk', 1)).toMatchObject([{ version: 255 }]);
  expect(await move(ledger, 'r1', 'promote', PUSHER)).toMatchObject({ code: 'forbidden' });
  expect(await move(ledger, 'r7', 'abort', PROPOSER)).toMatchObject({ code: 'forbidden' });
  expect(await move(ledger, 'r7', 'abort')).toMatchObject({ kind: 'moved' });
  await ledger.push(['one.too.many.example']);
  expect((await ledger.store.rollouts()).find(({ slot }) => slot === 7)).toMatchObject({
    id: 'r256',
    state: 'running',
  });
});
