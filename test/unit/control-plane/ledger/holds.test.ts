/** Holds: what waits, who decides, what a decision does; of push lists, of feeds, and of pulled lists. */
import { describe, expect, test } from 'vitest';
import type { Actor, HoldRow, LedgerListSettings } from '../../../../src/control-plane/ledger/ledger.ts';
import {
  APPROVER,
  GUARD_FILES,
  listSettings,
  namesOf,
  openTestLedger,
  PROPOSER,
  PUSHER,
  type TestLedger,
} from '../../../support/ledger-harness.ts';

const listOf = (more: Partial<LedgerListSettings>) => ({ lists: [listSettings(more)] });
const openHolds = (ledger: TestLedger) => ledger.store.holds({ state: 'open', limit: 100 });
async function onlyHold(ledger: TestLedger): Promise<HoldRow> {
  const [hold, ...more] = await openHolds(ledger);
  expect(more).toEqual([]);
  return hold!;
}
const decide = (ledger: TestLedger, id: string, decision: 'release' | 'reject', actor: Actor = APPROVER) =>
  ledger.store.decideHold(id, decision, 'looked at it', actor);

describe('what is risky', () => {
  test('waits, and the rest enters', async () => {
    const ledger = await openTestLedger();
    const done = await ledger.push(['.', 'com', 'co.uk', 'lists.example', 'bad.example']);
    expect(done).toMatchObject({ accepted: 1, heldTotal: 4, version: 1 });
    expect(done.held.map(({ name, code }) => [name, code])).toEqual([
      ['.', 'root'],
      ['co.uk', 'publicSuffix'],
      ['com', 'tld'],
      ['lists.example', 'listSource'],
    ]);
    expect(await namesOf(ledger.store)).toEqual(['subtree bad.example']);
    expect((await openHolds(ledger)).map(({ id }) => id)).toEqual(done.held.map(({ holdId }) => holdId));
    expect((await ledger.store.figures()).openHolds).toHaveLength(4);
  });

  test('waits in so many holds of a list and no more: what comes then is rejected, until some are decided', async () => {
    const ledger = await openTestLedger();
    const most = await ledger.push(Array.from({ length: 9_999 }, (_, i) => `tld${i}`));
    expect(most).toMatchObject({ heldTotal: 9_999, rejectedTotal: 0 });
    const over = await ledger.push(['xa', 'xb', 'bad.example']);
    expect(over).toMatchObject({ accepted: 1, heldTotal: 1, rejectedTotal: 1 });
    expect(over.rejected).toMatchObject([{ name: 'xb', code: 'tooManyHolds' }]);
    await decide(ledger, over.held[0]!.holdId, 'reject');
    expect(await ledger.push(['xb'])).toMatchObject({ heldTotal: 1, rejectedTotal: 0 });
  });

  test('does not wait where the operator has approved the name, or where it only watches', async () => {
    const ledger = await openTestLedger(listOf({ approved: ['CO.uk.'] }));
    const done = await ledger.push(['co.uk', { name: 'com', mode: 'shadow' }]);
    expect(done).toMatchObject({ accepted: 2, heldTotal: 0 });
    const enforced = await ledger.push(['com']);
    expect(enforced.held).toMatchObject([{ code: 'tld' }]);
    expect(await ledger.store.entries('desk', 'co.uk', 1)).toMatchObject([{ name: 'com', mode: 'shadow' }]);
  });

  test('may be a name that many ask for: the hold says how many', async () => {
    const asked: unknown[] = [];
    const ledger = await openTestLedger({
      estimateQueries: (_sketches, wireName, scope) => {
        asked.push([wireName.length, scope]);
        return { queries: 5_000, total: 40_000 };
      },
      settings: { queryCounts: [new SharedArrayBuffer(4)], blastRadius: { sharePercent: 10, queriesMin: 1_000 } },
    });
    const done = await ledger.push([{ name: 'popular.example', scope: 'exact' }]);
    expect(done.held).toMatchObject([
      { code: 'blastRadius', detail: 'it would have blocked about 5000 of 40000 queries in the last 24 h' },
    ]);
    expect(asked).toEqual([[17, 'exact']]);
  });

  test('is not held below the floor or the share', async () => {
    for (const estimate of [
      { queries: 999, total: 1_000 },
      { queries: 5_000, total: 1_000_000 },
    ]) {
      const ledger = await openTestLedger({
        estimateQueries: () => estimate,
        settings: { queryCounts: [new SharedArrayBuffer(4)], blastRadius: { sharePercent: 1, queriesMin: 1_000 } },
      });
      expect(await ledger.push(['asked.example'])).toMatchObject({ accepted: 1, heldTotal: 0 });
    }
  });

  test('cannot be told from the rest without the guard: nothing is added, but removals are taken', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example']);
    const { settings } = { settings: { guard: { ...GUARD_FILES, key: 2, protected: ['/nowhere/at-all.txt'] } } };
    await ledger.store.configure({
      lists: [listSettings()],
      entriesMax: 10,
      queryCounts: [],
      blastRadius: { sharePercent: 1, queriesMin: 1 },
      ...settings,
    });
    expect(await ledger.tryPush(['b.example'])).toMatchObject({ kind: 'refused', code: 'storeUnavailable' });
    expect(await ledger.push([], { remove: ['a.example'] })).toMatchObject({ removed: 1 });
  });
});

describe('a decision', () => {
  test('to release puts the entry in force as a version, whose owner is the proposer', async () => {
    const ledger = await openTestLedger();
    await ledger.push([{ name: 'com', reference: 'case 9' }]);
    const hold = await onlyHold(ledger);
    expect(hold).toMatchObject({ list: 'desk', kind: 'entry', name: 'com', guard: 'tld', proposer: 'Fraud desk' });
    const outcome = await decide(ledger, hold.id, 'release');
    expect(outcome).toMatchObject({
      kind: 'decided',
      hold: { state: 'released', decidedBy: 'Regulator', decisionReason: 'looked at it' },
      change: { version: 1, accepted: 1, delta: { names: [{ name: 'com' }] } },
    });
    const entries = await ledger.store.entries('desk', '', 10);
    expect(entries).toMatchObject([{ name: 'com', isApproved: true, maintainer: 'Fraud desk', reference: 'case 9' }]);
    expect(await ledger.store.versions('desk', 1)).toMatchObject([{ origin: 'approval', maintainer: 'Regulator' }]);
    // Sent again it is what the list says; corrected, it stays approved.
    expect(await ledger.push([{ name: 'com', reference: 'case 9' }])).toMatchObject({ unchanged: 1, heldTotal: 0 });
    expect(await ledger.push([{ name: 'com', reference: 'case 10' }])).toMatchObject({ accepted: 1, heldTotal: 0 });
    // Taken back and sent once more, a person has to look again.
    await ledger.push([], { remove: ['com'] });
    expect(await ledger.push(['com'])).toMatchObject({ accepted: 0, heldTotal: 1 });
  });

  test('is made once', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['com']);
    const { id } = await onlyHold(ledger);
    expect(await decide(ledger, id, 'reject')).toMatchObject({ hold: { state: 'rejected' }, change: undefined });
    expect(await decide(ledger, id, 'release')).toMatchObject({ kind: 'refused', code: 'holdDecided' });
    expect(await decide(ledger, 'h999', 'release')).toMatchObject({ code: 'holdUnknown' });
    expect(await decide(ledger, "h1' OR 1", 'release')).toMatchObject({ code: 'holdUnknown' });
    expect(await namesOf(ledger.store)).toEqual([]);
  });

  test('needs the right, and another person where two are asked for', async () => {
    const ledger = await openTestLedger(listOf({ twoPersons: true }));
    await ledger.push(['a.example'], { actor: PROPOSER });
    const { id } = await onlyHold(ledger);
    expect(await decide(ledger, id, 'release', PUSHER)).toMatchObject({ code: 'forbidden' });
    const elsewhere: Actor = { ...APPROVER, lists: ['police'] };
    expect(await decide(ledger, id, 'release', elsewhere)).toMatchObject({ code: 'forbidden' });
    const self: Actor = { ...PROPOSER, rights: ['propose', 'approve'] };
    expect(await decide(ledger, id, 'release', self)).toMatchObject({ code: 'samePerson' });
    const otherToken: Actor = { id: 'other', name: ' county POLICE ', lists: ['*'], rights: ['approve'] };
    expect(await decide(ledger, id, 'release', otherToken)).toMatchObject({ code: 'samePerson' });
    expect(await decide(ledger, id, 'release')).toMatchObject({ kind: 'decided' });
    expect(await namesOf(ledger.store)).toEqual(['subtree a.example']);
  });

  test('of one person is enough where the list says so, and to reject one’s own always', async () => {
    const self: Actor = { ...PROPOSER, rights: ['propose', 'approve'] };
    const one = await openTestLedger();
    await one.push(['a.example'], { actor: self });
    expect(await decide(one, (await onlyHold(one)).id, 'release', self)).toMatchObject({ kind: 'decided' });
    const two = await openTestLedger(listOf({ twoPersons: true }));
    await two.push(['a.example'], { actor: self });
    expect(await decide(two, (await onlyHold(two)).id, 'reject', self)).toMatchObject({ kind: 'decided' });
  });

  test('comes too late for an entry whose time is over', async () => {
    const ledger = await openTestLedger();
    const expiresAt = new Date((ledger.nowSeconds + 60) * 1000).toISOString();
    await ledger.push([{ name: 'com', expiresAt }]);
    const { id } = await onlyHold(ledger);
    ledger.nowSeconds += 60;
    expect(await decide(ledger, id, 'release')).toMatchObject({ code: 'holdDecided' });
    await ledger.store.tidyAll();
    expect(await ledger.store.holds({ limit: 10 })).toMatchObject([{ id, state: 'expired' }]);
  });
});

describe('an open hold', () => {
  test('is the same for the same proposal, and gives way to a newer one', async () => {
    const ledger = await openTestLedger();
    const first = await ledger.push(['com']);
    const again = await ledger.push(['com']);
    expect(again.held[0]?.holdId).toBe(first.held[0]?.holdId);
    const newer = await ledger.push([{ name: 'com', note: 'with a note' }]);
    expect(newer.held[0]?.holdId).not.toBe(first.held[0]?.holdId);
    expect((await ledger.store.holds({ limit: 10 })).map(({ state }) => state)).toEqual(['withdrawn', 'open']);
  });

  test('ends when its entry is taken back, and when another change brings it into force', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example', 'b.example'], { actor: PROPOSER });
    expect(await ledger.push([], { remove: ['a.example'] })).toMatchObject({
      version: 0,
      removed: 0,
      withdrawnHolds: 1,
      rejectedTotal: 0,
    });
    expect(await ledger.push(['b.example'])).toMatchObject({ accepted: 1, withdrawnHolds: 1 });
    expect(await openHolds(ledger)).toEqual([]);
  });

  test('is found by list and state, page by page', async () => {
    const ledger = await openTestLedger({ lists: [listSettings(), listSettings({ name: 'police' })] });
    await ledger.push(['com', 'net', 'org']);
    await ledger.push(['com'], { list: 'police' });
    const first = await ledger.store.holds({ list: 'desk', limit: 2 });
    const rest = await ledger.store.holds({ list: 'desk', limit: 2, after: first[1]!.id });
    expect([...first, ...rest].map(({ name }) => name)).toEqual(['com', 'net', 'org']);
    expect(await ledger.store.holds({ list: 'desk', state: 'released', limit: 10 })).toEqual([]);
    expect(await ledger.store.holds({ limit: 10, after: 'nonsense' })).toEqual([]);
  });
});

describe('a pulled list', () => {
  const report = (version: number, names: readonly string[], update?: string) => ({
    list: 'pulled',
    version,
    entries: names.map((name) => ({ name, scope: 'subtree' as const, guard: 'popular', detail: `${name} is popular` })),
    update: update === undefined ? undefined : { sha256: update, guard: 'shrink', detail: 'it removes most of it' },
  });
  const pulled = listOf({ name: 'pulled', source: 'pulled', twoPersons: true });

  test('has a hold for what its guard holds, for as long as it does', async () => {
    const ledger = await openTestLedger(pulled);
    await ledger.store.reportListHolds(report(1, ['a.example', 'b.example'], 'f00d'));
    await ledger.store.reportListHolds(report(2, ['b.example', 'c.example']));
    const rows = await ledger.store.holds({ list: 'pulled', limit: 10 });
    expect(rows.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual([
      'listEntry a.example withdrawn',
      'listEntry b.example open',
      'update f00d withdrawn',
      'listEntry c.example open',
    ]);
  });

  test('keeps what was decided', async () => {
    const ledger = await openTestLedger(pulled);
    await ledger.store.reportListHolds(report(1, ['a.example', 'b.example'], 'f00d'));
    const [a, b, update] = await openHolds(ledger);
    expect(await decide(ledger, a!.id, 'release')).toMatchObject({ kind: 'decided', change: undefined });
    await decide(ledger, b!.id, 'reject');
    await decide(ledger, update!.id, 'release');
    expect(await ledger.store.approvals('pulled')).toEqual({
      list: 'pulled',
      names: ['a.example'],
      updateSha256s: ['f00d'],
      lifted: [],
    });
    await ledger.store.reportListHolds(report(2, ['a.example', 'b.example'], 'f00d'));
    expect(await openHolds(ledger)).toEqual([]);
    expect(await ledger.store.approvals('other')).toEqual({ list: 'other', names: [], updateSha256s: [], lifted: [] });
  });
});
