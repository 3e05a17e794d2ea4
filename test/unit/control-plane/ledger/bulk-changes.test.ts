/** A bulk change in pieces: nothing counts before the commit, and an id stands for one change only. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { APPROVER, isDone, listSettings, namesOf, openTestLedger, PUSHER } from '../../../support/ledger-harness.ts';
import { KEPT_SECONDS } from '../../../../src/control-plane/ledger/idempotent-answers.ts';
import type { TestLedger } from '../../../support/ledger-harness.ts';

async function begin({ store }: TestLedger, list = 'desk', key?: string): Promise<number> {
  const begun = await store.begin({ list, actor: PUSHER, reason: 'bulk', idempotencyKey: key });
  if (begun.kind !== 'begun') throw new Error(begun.kind);
  return begun.id;
}

const stagingFiles = ({ folder }: TestLedger): string[] =>
  readdirSync(folder).filter((name) => name.startsWith('ledger-staging-'));

/** Of the process: more than its tests begin. */
const NUMBERS_MAX = 2_000;

test('whose file cannot be made is refused and leaves none', async () => {
  const ledger = await openTestLedger();
  const pathOf = (number: number): string => join(ledger.folder, `ledger-staging-${process.pid}-${number}`);
  for (let number = 1; number <= NUMBERS_MAX; number++) writeFileSync(pathOf(number), 'no database '.repeat(100));
  const begun = await ledger.store.begin({ list: 'desk', actor: PUSHER, reason: 'bulk', idempotencyKey: undefined });
  expect(begun).toMatchObject({ kind: 'refused', code: 'storeUnavailable' });
  expect(stagingFiles(ledger)).toHaveLength(NUMBERS_MAX - 1);
  for (let number = 1; number <= NUMBERS_MAX; number++) rmSync(pathOf(number), { force: true });
  await ledger.store.abandon(await begin(ledger));
});

test('nothing of it counts before the commit, and abandoned it leaves nothing', async () => {
  const ledger = await openTestLedger();
  const id = await begin(ledger);
  await ledger.store.stage(id, [{ name: 'a.example' }], []);
  expect(await namesOf(ledger.store)).toEqual([]);
  await ledger.store.abandon(id);
  expect(await ledger.store.commit(id)).toMatchObject({ kind: 'refused', code: 'storeUnavailable' });
  expect([await namesOf(ledger.store), stagingFiles(ledger)]).toEqual([[], []]);
});

test('of a list there is one at a time, of another list another', async () => {
  const ledger = await openTestLedger({ lists: [listSettings(), listSettings({ name: 'other' })] });
  const first = await begin(ledger);
  const refused = await ledger.store.begin({ list: 'desk', actor: PUSHER, reason: 'bulk', idempotencyKey: undefined });
  expect(refused).toMatchObject({ kind: 'refused', code: 'changeRunning' });
  const other = await begin(ledger, 'other');
  await ledger.store.stage(first, [{ name: 'a.example' }], []);
  await ledger.store.stage(other, [{ name: 'b.example' }], []);
  expect(isDone(await ledger.store.commit(first))).toMatchObject({ accepted: 1 });
  expect(isDone(await ledger.store.commit(other))).toMatchObject({ accepted: 1 });
  expect([await namesOf(ledger.store), await namesOf(ledger.store, 'other')]).toEqual([
    ['subtree a.example'],
    ['subtree b.example'],
  ]);
});

test('that began before a restart is nobody’s after it: its pieces get into no other change', async () => {
  const before = await openTestLedger();
  const lost = await begin(before);
  await before.store.stage(lost, [{ name: 'before.example' }], []);
  await before.store.close();
  const after = await openTestLedger({ stateDirectory: before.folder });
  const id = await begin(after);
  await after.store.stage(lost, [{ name: 'stray.example' }], []);
  await after.store.stage(id, [{ name: 'mine.example' }], []);
  expect(await after.store.commit(lost)).toMatchObject({ kind: 'refused', code: 'storeUnavailable' });
  expect(isDone(await after.store.commit(id))).toMatchObject({ accepted: 1 });
  expect(await namesOf(after.store)).toEqual(['subtree mine.example']);
});

test('with more entries than may be is refused at the commit, as a whole', async () => {
  const ledger = await openTestLedger({ settings: { entriesMax: 2 } });
  const id = await begin(ledger);
  for (const name of ['a.example', 'b.example', 'c.example']) await ledger.store.stage(id, [{ name }], []);
  expect(await ledger.store.commit(id)).toMatchObject({ kind: 'refused', code: 'tooManyEntries' });
  expect([await namesOf(ledger.store), stagingFiles(ledger)]).toEqual([[], []]);
});

test('sent again with its key is answered once its entries are known to be the same, and needs the right', async () => {
  const ledger = await openTestLedger();
  const { store } = ledger;
  const send = async (...names: string[]) => {
    const id = await begin(ledger, 'desk', 'k');
    for (const name of names) await store.stage(id, [{ name }], []);
    return store.commit(id);
  };
  await send('a.example', 'b.example');
  expect(await send('a.example', 'b.example')).toMatchObject({ isReplay: true, version: 1, accepted: 2 });
  for (const others of [['a.example', 'c.example'], ['a.example'], []]) {
    expect(await send(...others)).toMatchObject({ kind: 'refused', code: 'idempotencyMismatch' });
  }
  expect(await namesOf(store)).toEqual(['subtree a.example', 'subtree b.example']);
  const head = { list: 'desk', reason: 'bulk', idempotencyKey: 'k' };
  expect(await store.begin({ ...head, actor: PUSHER, reason: 'another' })).toMatchObject({
    code: 'idempotencyMismatch',
  });
  expect(await store.begin({ ...head, actor: APPROVER })).toMatchObject({ code: 'forbidden' });
});

test('sent again is staged nowhere, keeps no other out, and ends where its answer is forgotten', async () => {
  const ledger = await openTestLedger();
  const first = await begin(ledger, 'desk', 'k');
  await ledger.store.stage(first, [{ name: 'a.example' }], []);
  await ledger.store.commit(first);
  const again = await begin(ledger, 'desk', 'k');
  await ledger.store.stage(again, [{ name: 'a.example' }], []);
  expect(stagingFiles(ledger)).toEqual([]);
  await ledger.store.abandon(await begin(ledger));
  ledger.nowSeconds += KEPT_SECONDS + 1;
  await ledger.store.tidyAll();
  expect(await ledger.store.commit(again)).toMatchObject({ kind: 'refused', code: 'storeUnavailable' });
});

test('that would add or remove too much of the list waits as one hold', async () => {
  const ledger = await openTestLedger();
  const many = (tag: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `n${at}.${tag}.example` }));
  const first = await begin(ledger);
  await ledger.store.stage(first, many('first', 1_500), []);
  expect(isDone(await ledger.store.commit(first))).toMatchObject({ accepted: 1_500, heldTotal: 0 });
  const growth = await begin(ledger);
  await ledger.store.stage(growth, many('growth', 3_001), []);
  expect(isDone(await ledger.store.commit(growth))).toMatchObject({ accepted: 0, heldTotal: 3_001, version: 1 });
  const shrink = await begin(ledger);
  await ledger.store.stage(shrink, [], many('first', 1_000));
  expect(isDone(await ledger.store.commit(shrink))).toMatchObject({ removed: 0, heldTotal: 1_000, version: 1 });
  const holds = await ledger.store.holds({ state: 'open', limit: 10 });
  expect(holds.map(({ kind, guard, name }) => `${kind} ${guard}: ${name}`).sort()).toEqual([
    'update growth: 3001 entries',
    'update shrink: 1000 entries',
  ]);
  const shrinkHold = holds.find(({ guard }) => guard === 'shrink')!;
  await ledger.store.decideHold(shrinkHold.id, 'release', 'meant so', APPROVER);
  expect(await ledger.store.versions('desk', 1)).toMatchObject([{ version: 2, removed: 1_000, entryCount: 500 }]);
});
