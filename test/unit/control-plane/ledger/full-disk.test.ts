/** A disk that is full: an error to who pushes, nothing half, reads go on; with room again the same request is taken. */
import { expect, test } from 'vitest';
import { LedgerUnavailable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import type { ChangeDone, LedgerRefusal } from '../../../../src/control-plane/ledger/ledger.ts';
import { isDone, namesOf, openTestLedger, PUSHER, type TestLedger } from '../../../support/ledger-harness.ts';

const PAGES_MAX = 120;
const PUSHES_MAX = 100;

function names(push: number): string[] {
  return Array.from({ length: 100 }, (_, index) => `n${index}.p${push}.example`);
}

async function bulk({ store }: TestLedger, push: number): Promise<ChangeDone | LedgerRefusal> {
  const begun = await store.begin({ list: 'desk', actor: PUSHER, reason: 'a test', idempotencyKey: `k${push}` });
  if (begun.kind !== 'begun') return begun;
  await store.stage(
    begun.id,
    names(push).map((name) => ({ name })),
    [],
  );
  return store.commit(begun.id);
}

const small = (ledger: TestLedger, push: number): Promise<ChangeDone | LedgerRefusal> =>
  ledger.tryPush(names(push), { key: `k${push}` });

test.each([
  ['push', small],
  ['bulk push', bulk],
])('a %s that finds no room is refused as a whole, and taken when there is some', async (_what, push) => {
  const ledger = await openTestLedger({ pagesMax: PAGES_MAX });
  let taken = 0;
  let outcome = await push(ledger, taken);
  while (outcome.kind === 'done' && taken < PUSHES_MAX) {
    taken += 1;
    outcome = await push(ledger, taken);
  }
  expect(outcome).toMatchObject({ kind: 'refused', code: 'storeFull' });
  const all = Array.from({ length: taken }, (_, number) => names(number)).flat();
  const expected = all.map((name) => `subtree ${name}`).sort();
  expect(await namesOf(ledger.store)).toEqual(expected);
  expect(await ledger.store.versions('desk', 1)).toMatchObject([{ version: taken, entryCount: all.length }]);
  expect((await ledger.store.audit(0, 1_000)).length).toBe(taken);
  expect(await push(ledger, taken)).toMatchObject({ code: 'storeFull' });
  const record = { text: 'x'.repeat(4096 * PAGES_MAX) };
  await expect(ledger.store.record('system', 'appeal', undefined, record)).rejects.toThrow(LedgerUnavailable);
  await ledger.store.close();

  const roomy = await openTestLedger({ stateDirectory: ledger.folder });
  expect(await namesOf(roomy.store)).toEqual(expected);
  expect(isDone(await push(roomy, taken))).toMatchObject({ version: taken + 1, accepted: 100, isReplay: false });
});
