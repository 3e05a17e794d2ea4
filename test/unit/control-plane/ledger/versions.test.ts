/** What the ledger remembers: versions and the way back to them, the history of a name, incidents, and what it forgets. */
import { describe, expect, test } from 'vitest';
import { incidentId } from '../../../../src/policy/incident.ts';
import { nameFromText } from '../../../../src/dns/name.ts';
import { APPROVER, isDone, listSettings, namesOf, openTestLedger, PUSHER } from '../../../support/ledger-harness.ts';
import type { TestLedger } from '../../../support/ledger-harness.ts';

const rollBack = ({ store }: TestLedger, toVersion: number, actor = PUSHER) =>
  store.rollback('desk', toVersion, 'it was too much', actor);

describe('a rollback', () => {
  test('is a new version that says what the earlier one said, and keeps who brought it', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example', { name: 'b.example', note: 'first' }]);
    ledger.nowSeconds += 60;
    await ledger.push([{ name: 'b.example', note: 'second' }, 'c.example'], { remove: ['a.example'] });
    const other = { ...PUSHER, id: 'otheroth', name: 'Other desk' };
    const done = isDone(await rollBack(ledger, 1, other));
    expect(done).toMatchObject({ version: 3, accepted: 2, removed: 1, heldTotal: 0 });
    expect(await ledger.store.entries('desk', '', 10)).toMatchObject([
      { name: 'a.example', maintainer: PUSHER.name, addedAtSeconds: ledger.nowSeconds - 60 },
      { name: 'b.example', note: 'first' },
    ]);
    expect(await ledger.store.versions('desk', 1)).toMatchObject([
      { version: 3, origin: 'rollback', maintainer: 'Other desk', reason: 'it was too much' },
    ]);
    expect((await ledger.store.audit(0, 10)).at(-1)).toMatchObject({ kind: 'rollback', data: { toVersion: 1 } });
  });

  test('does not bring back what has expired, and what the guard holds by now waits', async () => {
    let queries = 0;
    const ledger = await openTestLedger({
      estimateQueries: () => ({ queries, total: 10_000 }),
      settings: { queryCounts: [new SharedArrayBuffer(8)] },
    });
    const expiresAt = new Date((ledger.nowSeconds + 10) * 1000).toISOString();
    await ledger.push([{ name: 'brief.example', expiresAt }, { name: 'watched.example', mode: 'shadow' }, 'a.example']);
    await ledger.push([], { remove: ['brief.example', 'watched.example', 'a.example'] });
    ledger.nowSeconds += 20;
    queries = 5_000;
    const done = isDone(await rollBack(ledger, 1));
    expect(done).toMatchObject({ accepted: 1, held: [{ name: 'a.example', code: 'blastRadius' }] });
    expect(await namesOf(ledger.store)).toEqual(['subtree watched.example']);
  });

  test('needs the right to push and a version that is kept', async () => {
    const ledger = await openTestLedger();
    await ledger.push(['a.example']);
    expect(await rollBack(ledger, 0, APPROVER)).toMatchObject({ kind: 'refused', code: 'forbidden' });
    for (const version of [1, 2, -1]) {
      expect(await rollBack(ledger, version)).toMatchObject({ kind: 'refused', code: 'versionUnknown' });
    }
    expect(isDone(await rollBack(ledger, 0))).toMatchObject({ removed: 1, version: 2 });
  });
});

describe('versions beyond versionsMax', () => {
  test('are forgotten with what they removed; what is in force stays', async () => {
    const ledger = await openTestLedger({ lists: [listSettings({ versionsMax: 2 })] });
    for (const name of ['a.example', 'b.example', 'c.example', 'd.example']) await ledger.push([name]);
    await ledger.push([], { remove: ['a.example'] });
    await ledger.push(['e.example']);
    await ledger.push(['f.example']);
    await ledger.store.tidyAll();
    expect((await ledger.store.versions('desk', 10)).map(({ version }) => version)).toEqual([7, 6]);
    expect(await namesOf(ledger.store)).toEqual(['b', 'c', 'd', 'e', 'f'].map((name) => `subtree ${name}.example`));
    expect(await ledger.store.deltaSince('desk', 5)).toBeUndefined();
    expect((await ledger.store.deltaSince('desk', 6))?.names).toMatchObject([{ name: 'f.example' }]);
    expect(await rollBack(ledger, 5)).toMatchObject({ code: 'versionUnknown' });
    expect(await ledger.store.history('a.example', 10)).toEqual([]);
    expect(await ledger.store.history('b.example', 10)).toMatchObject([{ what: 'added', version: 2, reason: '' }]);
  });
});

describe('the history of a name', () => {
  test('says who did what when, why and in which version, held and decided too, newest first', async () => {
    const ledger = await openTestLedger();
    const at = ledger.nowSeconds;
    await ledger.push(['other.example'], { reason: 'one' });
    ledger.nowSeconds = at + 10;
    const { held } = await ledger.push([{ name: 'com', reference: 'case 7' }], { reason: 'two' });
    ledger.nowSeconds = at + 20;
    await ledger.push(['another.example'], { reason: 'three' });
    ledger.nowSeconds = at + 30;
    await ledger.store.decideHold(held[0]!.holdId, 'release', 'the court says so', APPROVER);
    ledger.nowSeconds = at + 40;
    await ledger.push(['third.example'], { reason: 'four' });
    ledger.nowSeconds = at + 50;
    await ledger.push([], { remove: ['com'], reason: 'five' });
    const events = await ledger.store.history('com', 10);
    expect(
      events.map(({ atSeconds, what, version, maintainer, reason }) => [
        atSeconds - at,
        what,
        version,
        maintainer,
        reason,
      ]),
    ).toEqual([
      [50, 'removed', 5, 'Fraud desk', 'five'],
      [30, 'added', 3, 'Regulator', 'the court says so (releases h1: two)'],
      [30, 'released', 3, 'Regulator', 'the court says so'],
      [10, 'held', 1, 'Fraud desk', 'two'],
    ]);
    expect(events.map(({ reference }) => reference)).toEqual(['case 7', 'case 7', 'case 7', 'case 7']);
    expect(await ledger.store.history('com', 1)).toHaveLength(1);
  });

  test('of a name in two lists has both, and an end by its time is nobody’s', async () => {
    const ledger = await openTestLedger({ lists: [listSettings(), listSettings({ name: 'other' })] });
    const at = ledger.nowSeconds;
    await ledger.push([{ name: 'a.example', expiresAt: new Date((at + 10) * 1000).toISOString() }]);
    await ledger.push(['a.example'], { list: 'other' });
    ledger.nowSeconds += 30;
    await ledger.store.tidyAll();
    const events = await ledger.store.history('a.example', 10);
    expect(
      events.map(({ list, what, maintainer, reason }) => `${list} ${what} ${maintainer}: ${reason}`).sort(),
    ).toEqual(['desk added Fraud desk: a test', 'desk removed system: expired', 'other added Fraud desk: a test']);
    expect(await ledger.store.lookUp(['a.example', 'b.example'])).toMatchObject([
      { list: 'other', name: 'a.example', entries: [{ scope: 'subtree' }] },
    ]);
  });
});

describe('an incident id', () => {
  test('leads to the entry, also when it has been removed, and to nothing where there is none', async () => {
    const ledger = await openTestLedger({ lists: [listSettings(), listSettings({ name: 'other' })] });
    await ledger.push(['a.example', 'b.example']);
    await ledger.push([], { remove: ['a.example'] });
    const id = (name: string, list = 'desk') => incidentId(list, 1, nameFromText(name)!);
    const found = await ledger.store.findIncident(id('a.example'));
    expect(found).toMatchObject({ list: 'desk', version: 1, entry: { name: 'a.example' } });
    expect(await ledger.store.findIncident(id('c.example'))).toBeUndefined();
    expect(await ledger.store.findIncident(id('a.example', 'other'))).toBeUndefined();
    expect(await ledger.store.findIncident('no id')).toBeUndefined();
  });
});
