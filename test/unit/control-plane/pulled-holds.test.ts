/** What is held of pulled lists, on its way to a ledger that may not be there. */
import { expect, it } from 'vitest';
import type { ListHoldsReport } from '../../../src/control-plane/ledger/ledger.ts';
import { PulledHolds } from '../../../src/control-plane/pulled-holds.ts';

const report = (version: number, names: readonly string[]): ListHoldsReport => ({
  list: 'a',
  version,
  entries: names.map((name) => ({ name, scope: 'subtree', guard: 'tld', detail: 'x' })),
  update: undefined,
});

class FakeLedger {
  readonly reported: ListHoldsReport[] = [];
  isBroken = false;

  async reportListHolds(one: ListHoldsReport): Promise<void> {
    if (this.isBroken) throw new Error('the disk is full');
    this.reported.push(one);
  }

  async approvals(list: string) {
    if (this.isBroken) throw new Error('the disk is full');
    return { list, names: ['com'], updateSha256s: [] };
  }
}

it('is brought when a ledger is there, and once as long as the same is held', async () => {
  const ledger = new FakeLedger();
  let isThere = false;
  const holds = new PulledHolds(async () => (isThere ? ledger : undefined), { warn: () => undefined });
  await holds.take(report(1, ['com']));
  expect(await holds.approvals('a')).toEqual({ list: 'a', names: [], updateSha256s: [] });
  isThere = true;
  await holds.bringAll();
  await holds.take(report(2, ['com']));
  await holds.take(report(3, []));
  expect(ledger.reported.map(({ version }) => version)).toEqual([1, 3]);
  expect((await holds.approvals('a'))?.names).toEqual(['com']);
});

it('is brought later where the ledger fails, and what it does not say is told apart from nothing', async () => {
  const ledger = new FakeLedger();
  const warnings: string[] = [];
  const holds = new PulledHolds(async () => ledger, { warn: (_fields, text) => void warnings.push(text) });
  ledger.isBroken = true;
  await holds.take(report(1, ['com']));
  expect(await holds.approvals('a')).toBeUndefined();
  expect(warnings).toHaveLength(2);
  ledger.isBroken = false;
  await holds.take(report(2, ['com']));
  expect(ledger.reported.map(({ version }) => version)).toEqual([2]);
});
