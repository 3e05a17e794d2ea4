/** Appeals: what is taken in and within which limits, who decides, what a decision does, what is forgotten and when. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AppealFiled, AppealRow, AppealSettings, NewAppeal } from '../../../../src/control-plane/ledger/appeal.ts';
import { OPEN_PER_ENTRY_MAX } from '../../../../src/control-plane/ledger/file-appeal.ts';
import type { Actor, LedgerListSettings } from '../../../../src/control-plane/ledger/ledger.ts';
import { ledgerPath } from '../../../../src/control-plane/ledger/open-database.ts';
import {
  APPROVER,
  listSettings,
  namesOf,
  openTestLedger,
  PROPOSER,
  PUSHER,
  type TestLedger,
} from '../../../support/ledger-harness.ts';
import { sentAppeal } from '../../../support/sent-appeal.ts';

const DAY = 86_400;

async function openLedger(list: Partial<LedgerListSettings> = {}, appeals: Partial<AppealSettings> = {}) {
  return openTestLedger({
    lists: [listSettings(list)],
    settings: {
      appeals: { days: { desk: 15 }, expireDays: 30, retentionDays: 90, perClientPerDayMax: 100, ...appeals },
    },
  });
}

async function file(ledger: TestLedger, more: Partial<NewAppeal> = {}): Promise<AppealRow> {
  const filed = await ledger.store.fileAppeal(sentAppeal(more));
  expect(filed).toMatchObject({ kind: 'filed' });
  return (filed as AppealFiled).appeal;
}

const fileCode = async (ledger: TestLedger, more: Partial<NewAppeal>) => {
  const outcome = await ledger.store.fileAppeal(sentAppeal(more));
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
};

const decide = (ledger: TestLedger, id: string, decision: 'uphold' | 'reject', actor: Actor = APPROVER) =>
  ledger.store.decideAppeal(id, decision, 'looked at it', actor);

describe('an appeal', () => {
  test('is kept with a day to be decided by, and found by its secret and by nothing else', async () => {
    const ledger = await openLedger();
    const sent = sentAppeal({ evidenceUrl: 'https://bank.example/about' });
    const filed = await ledger.store.fileAppeal(sent);
    expect(filed).toMatchObject({
      kind: 'filed',
      isReplay: false,
      appeal: {
        id: 'a1',
        state: 'received',
        contact: sent.contact,
        evidenceUrl: sent.evidenceUrl,
        dueAtSeconds: ledger.nowSeconds + 15 * DAY,
        ownerProof: 'none',
      },
    });
    expect(await ledger.store.appealBySecret(sent.secret)).toMatchObject({ id: 'a1' });
    expect(await ledger.store.appealBySecret(sentAppeal().secret)).toBeUndefined();
    expect(await ledger.store.appeals({ limit: 10 })).toHaveLength(1);
    expect(readFileSync(ledgerPath(ledger.folder)).includes(sent.secret)).toBe(false);
  });

  test('is taken once where its form is sent twice', async () => {
    const ledger = await openLedger({}, { perClientPerDayMax: 1 });
    const sent = sentAppeal();
    await ledger.store.fileAppeal(sent);
    expect(await ledger.store.fileAppeal(sent)).toMatchObject({ kind: 'filed', isReplay: true, appeal: { id: 'a1' } });
    expect(await ledger.store.appeals({ limit: 10 })).toHaveLength(1);
  });

  test('is refused for a list that takes none', async () => {
    const ledger = await openLedger();
    expect(await fileCode(ledger, { list: 'other' })).toBe('appealsClosed');
    expect(await fileCode(await openTestLedger(), {})).toBe('appealsClosed');
  });

  test.each([
    [{ who: 'police' }, 'badWho'],
    [{ contact: 'x' }, 'badContact'],
    [{ contact: 'x'.repeat(201) }, 'badContact'],
    [{ contact: 'a@b.example\nBcc: c' }, 'badContact'],
    [{ contact: 'moc.\u202eelpmaxe' }, 'badContact'],
    [{ reason: 'short' }, 'badReason'],
    [{ reason: 'x'.repeat(2_001) }, 'badReason'],
    [{ reason: 'an escape \u001b[2J in a terminal' }, 'badReason'],
    [{ reason: 'an isolate \u2066 that hides text' }, 'badReason'],
    [{ reason: 'half a pair \ud800 of code units' }, 'badReason'],
    [{ reason: 'tags \u{e0041}\u{e0042} nobody sees' }, 'badReason'],
    [{ evidenceUrl: 'javascript:alert(1)' }, 'badEvidence'],
    [{ evidenceUrl: 'https://user:word@bank.example/' }, 'badEvidence'],
    [{ evidenceUrl: `https://bank.example/${'x'.repeat(500)}` }, 'badEvidence'],
    [{ secret: 'guessable' }, 'badSecret'],
  ] as const)('is refused where %j makes no sense or deceives', async (more, code) => {
    const ledger = await openLedger();
    expect(await fileCode(ledger, more)).toBe(code);
    expect(await ledger.store.appeals({ limit: 10 })).toEqual([]);
  });

  test('may have paragraphs, and what Uyghur and emoji are written with', async () => {
    const ledger = await openLedger();
    const appeal = await file(ledger, { reason: 'بۇ مېنىڭ بانكام\u200f.\r\n\r\n👩‍💻 ok, thanks' });
    expect(appeal.reason).toBe('بۇ مېنىڭ بانكام\u200f.\n\n👩‍💻 ok, thanks');
  });

  test('waits with a few others against its entry, and no more; owners have room of their own', async () => {
    const ledger = await openLedger();
    for (let i = 0; i < OPEN_PER_ENTRY_MAX; i++) await file(ledger, { name: `x${i}.bad.example` });
    expect(await fileCode(ledger, {})).toBe('tooManyOfEntry');
    expect(await fileCode(ledger, { who: 'owner' })).toBe('filed');
    expect(await fileCode(ledger, { entry: 'other.example' })).toBe('filed');
    await decide(ledger, 'a1', 'reject');
    expect(await fileCode(ledger, {})).toBe('filed');
  });

  test('is one of two against an entry from one connection on one day: others have to have room', async () => {
    const ledger = await openLedger();
    const from = (client: string, more: Partial<NewAppeal> = {}) => fileCode(ledger, { client, ...more });
    expect([await from('one'), await from('one', { who: 'owner' }), await from('one', { who: 'owner' })]).toEqual([
      'filed',
      'filed',
      'tooManyOfClient',
    ]);
    expect([await from('other', { who: 'owner' }), await from('one', { entry: 'else.example' })]).toEqual([
      'filed',
      'filed',
    ]);
    ledger.nowSeconds += DAY;
    expect(await from('one', { who: 'owner' })).toBe('filed');
  });

  test('counts against the connection it came from for one day, by a hash whose key goes with the day', async () => {
    const ledger = await openLedger({}, { perClientPerDayMax: 2 });
    const client = 'one client here';
    const from = (entry: string) => fileCode(ledger, { entry, client });
    expect([await from('a.example'), await from('b.example'), await from('c.example')]).toEqual([
      'filed',
      'filed',
      'tooManyOfClient',
    ]);
    expect(await fileCode(ledger, { entry: 'c.example', client: 'another client' })).toBe('filed');
    ledger.nowSeconds += DAY;
    expect(await from('d.example')).toBe('filed');
    ledger.nowSeconds += DAY;
    await ledger.store.tidyAll();
    const file_ = readFileSync(ledgerPath(ledger.folder));
    expect(file_.includes(client)).toBe(false);
    expect(await from('e.example')).toBe('filed');
  });
});

test('an appeal that somebody takes in for another counts against no connection, and is in the audit as theirs', async () => {
  const ledger = await openLedger({}, { perClientPerDayMax: 1 });
  for (const entry of ['a.example', 'b.example', 'c.example']) {
    await file(ledger, { entry, client: undefined, by: PUSHER });
  }
  const records = await ledger.store.audit(0, 10);
  expect(records.filter(({ kind }) => kind === 'appeal').map(({ actor }) => actor)).toEqual(
    Array.from({ length: 3 }, () => `${PUSHER.name} (${PUSHER.id})`),
  );
});

describe('a decision', () => {
  test('that upholds takes the entry out of a push list, and upholds what else was said against it', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example', { name: 'bad.example', scope: 'exact' }, 'good.example']);
    await file(ledger);
    await file(ledger, { name: 'bad.example' });
    await file(ledger, { entry: 'good.example' });
    const decided = await decide(ledger, 'a2', 'uphold');
    expect(decided).toMatchObject({
      kind: 'decided',
      alsoDecided: ['a1'],
      appeal: { state: 'upheld', decidedBy: 'Regulator', decisionReason: 'looked at it' },
      change: { version: 2, removed: 2, delta: { names: [{ name: 'bad.example', entries: [] }] } },
    });
    expect(await namesOf(ledger.store)).toEqual(['subtree good.example']);
    const states = (await ledger.store.appeals({ limit: 10 })).map(({ state }) => state);
    expect(states).toEqual(['upheld', 'upheld', 'received']);
    await file(ledger, { entry: 'other.example' });
    await ledger.store.reviewAppeal('a3', APPROVER);
    const open = await ledger.store.appeals({ state: 'open', list: 'desk', limit: 10 });
    expect(open.map(({ id, state }) => [id, state])).toEqual([
      ['a3', 'inReview'],
      ['a4', 'received'],
    ]);
    expect((await ledger.store.versions('desk', 1))[0]).toMatchObject({ origin: 'appeal', maintainer: 'Regulator' });
  });

  test('for a name below leaves an exact entry alone, which does not block it', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example', { name: 'bad.example', scope: 'exact' }]);
    await file(ledger, { name: 'shop.bad.example' });
    await decide(ledger, 'a1', 'uphold');
    expect(await namesOf(ledger.store)).toEqual(['exact bad.example']);
  });

  test('leaves open what is said of a name that stays blocked by the entry', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example', { name: 'bad.example', scope: 'exact' }]);
    await file(ledger, { name: 'shop.bad.example' });
    await file(ledger, { name: 'bad.example' });
    await file(ledger, { name: 'other.bad.example' });
    expect(await decide(ledger, 'a1', 'uphold')).toMatchObject({ alsoDecided: ['a3'] });
    expect(await ledger.store.appeal('a2')).toMatchObject({ state: 'received' });
  });

  test('for a name elsewhere that leads to an exact entry takes that out', async () => {
    const ledger = await openLedger();
    await ledger.push([{ name: 'bad.example', scope: 'exact' }]);
    await file(ledger, { name: 'shop.example' });
    expect(await decide(ledger, 'a1', 'uphold')).toMatchObject({ change: { removed: 1 } });
    expect(await namesOf(ledger.store)).toEqual([]);
  });

  test('that upholds what is not listed any more changes no list', async () => {
    const ledger = await openLedger();
    await file(ledger);
    expect(await decide(ledger, 'a1', 'uphold')).toMatchObject({ appeal: { state: 'upheld' }, change: undefined });
  });

  test('that rejects leaves everything as it is, and is final', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example']);
    await file(ledger);
    await file(ledger);
    expect(await decide(ledger, 'a1', 'reject')).toMatchObject({ alsoDecided: [], change: undefined });
    expect(await namesOf(ledger.store)).toEqual(['subtree bad.example']);
    expect(await decide(ledger, 'a1', 'uphold')).toMatchObject({ kind: 'refused', code: 'appealDecided' });
    expect(await ledger.store.reviewAppeal('a1', APPROVER)).toMatchObject({ code: 'appealDecided' });
    expect(await ledger.store.appeal('a2')).toMatchObject({ state: 'received' });
  });

  test('needs the right to approve on the list', async () => {
    const ledger = await openLedger();
    await file(ledger);
    for (const actor of [PUSHER, PROPOSER, { ...APPROVER, lists: ['other'] }]) {
      expect(await decide(ledger, 'a1', 'uphold', actor)).toMatchObject({ code: 'forbidden' });
      expect(await ledger.store.reviewAppeal('a1', actor)).toMatchObject({ code: 'forbidden' });
    }
    expect(await decide(ledger, 'a7', 'uphold')).toMatchObject({ code: 'appealUnknown' });
    expect(await decide(ledger, "a1' OR 1", 'uphold')).toMatchObject({ code: 'appealUnknown' });
  });

  test('is not for who has proposed the block, where the list wants two persons', async () => {
    const judge: Actor = { id: 'another1', name: ' fraud DESK', lists: ['*'], rights: ['approve', 'push'] };
    for (const [twoPersons, outcome] of [
      [true, { kind: 'refused', code: 'samePerson' }],
      [false, { kind: 'decided' }],
    ] as const) {
      const ledger = await openLedger({ twoPersons });
      await ledger.push(['bad.example']);
      await file(ledger);
      expect(await decide(ledger, 'a1', 'reject', judge)).toMatchObject(outcome);
    }
  });

  test('may be announced: somebody looks at it', async () => {
    const ledger = await openLedger();
    await file(ledger);
    expect(await ledger.store.reviewAppeal('a1', APPROVER)).toMatchObject({ appeal: { state: 'inReview' } });
    await ledger.store.reviewAppeal('a1', APPROVER);
    expect(await ledger.store.proveOwner('a1', 'dns')).toMatchObject({ ownerProof: 'dns' });
    const records = await ledger.store.audit(0, 100);
    expect(records.map(({ kind, data }) => [kind, data])).toEqual([
      ['appeal', { appeal: 'a1', state: 'received' }],
      ['appeal', { appeal: 'a1', state: 'inReview' }],
      ['appeal', { appeal: 'a1', ownerProof: 'dns' }],
    ]);
  });
});

describe('an entry that was lifted', () => {
  test('is held when it is pushed again, until somebody releases it', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example']);
    await file(ledger);
    await decide(ledger, 'a1', 'uphold');
    const again = await ledger.push([
      'bad.example',
      'new.example',
      { name: 'bad.example', scope: 'exact', mode: 'shadow' },
    ]);
    expect(again).toMatchObject({ accepted: 2, held: [{ name: 'bad.example', scope: 'subtree', code: 'appeal' }] });
    await ledger.store.decideHold(again.held[0]!.holdId, 'release', 'it is bad after all', APPROVER);
    expect(await namesOf(ledger.store)).toContain('subtree bad.example');
  });

  test('does not come back by a rollback', async () => {
    const ledger = await openLedger();
    await ledger.push(['bad.example', 'other.example']);
    await file(ledger);
    await decide(ledger, 'a1', 'uphold');
    await ledger.store.rollback('desk', 1, 'as it was', PUSHER);
    expect(await namesOf(ledger.store)).toEqual(['subtree other.example']);
  });

  test('leaves a feed, and is held when the publisher sends it again', async () => {
    const ledger = await openLedger({ source: 'feed' });
    const send = async (version: number) => {
      const update = { list: 'desk', version, manifestSha256: 'm', fromVersion: undefined, keyId: 'k' };
      const begun = await ledger.store.beginFeed(update);
      if (begun.kind !== 'begun') throw new Error(begun.code);
      await ledger.store.stage(begun.id, [{ name: 'bad.example' }, { name: 'other.example' }], []);
      return ledger.store.commit(begun.id);
    };
    await send(1);
    await file(ledger);
    expect(await decide(ledger, 'a1', 'uphold')).toMatchObject({ change: { removed: 1 } });
    expect(await send(2)).toMatchObject({ held: [{ name: 'bad.example', code: 'appeal' }] });
    expect(await namesOf(ledger.store)).toEqual(['subtree other.example']);
  });

  test('of a pulled list is said to be lifted, until it is released later', async () => {
    const ledger = await openLedger({ source: 'pulled' });
    await file(ledger);
    await decide(ledger, 'a1', 'uphold');
    expect(await ledger.store.approvals('desk')).toMatchObject({ names: [], lifted: ['bad.example'] });
    const held = { name: 'bad.example', scope: 'subtree', guard: 'appeal', detail: '' } as const;
    const report = { list: 'desk', version: 2, entries: [held], update: undefined };
    await ledger.store.reportListHolds(report);
    ledger.nowSeconds += 60;
    await ledger.store.decideHold('h1', 'release', 'it is bad after all', APPROVER);
    expect(await ledger.store.approvals('desk')).toMatchObject({ names: ['bad.example'], lifted: [] });
    ledger.nowSeconds += 60;
    await file(ledger);
    await decide(ledger, 'a2', 'uphold');
    expect(await ledger.store.approvals('desk')).toMatchObject({ names: [], lifted: ['bad.example'] });
    await ledger.store.reportListHolds(report);
    expect(await ledger.store.holds({ state: 'open', limit: 10 })).toMatchObject([{ id: 'h2', guard: 'appeal' }]);
    ledger.nowSeconds += 60;
    await ledger.store.decideHold('h2', 'release', 'and again', APPROVER);
    await ledger.store.reportListHolds(report);
    expect(await ledger.store.holds({ state: 'open', limit: 10 })).toEqual([]);
    expect(await ledger.store.approvals('desk')).toMatchObject({ names: ['bad.example'], lifted: [] });
  });
});

describe('time', () => {
  test('makes an appeal overdue, then expires it', async () => {
    const ledger = await openLedger();
    await file(ledger);
    expect((await ledger.store.figures()).appeals).toEqual({ states: [{ state: 'received', count: 1 }], overdue: [] });
    ledger.nowSeconds += 15 * DAY + 1;
    await ledger.store.tidyAll();
    expect((await ledger.store.figures()).appeals.overdue).toEqual([{ list: 'desk', count: 1 }]);
    ledger.nowSeconds += 30 * DAY;
    await ledger.store.tidyAll();
    expect(await ledger.store.appeal('a1')).toMatchObject({ state: 'expired', decidedBy: 'system' });
    expect((await ledger.store.figures()).appeals).toEqual({ states: [{ state: 'expired', count: 1 }], overdue: [] });
  });

  test('takes what is said of a person out of the file, and leaves the decision', async () => {
    const ledger = await openLedger();
    const texts = {
      contact: 'zhang.wei@mail.example',
      reason: 'My shop sells teapots. '.repeat(60).trim(),
      evidenceUrl: 'https://tea.example/',
    };
    await file(ledger, texts);
    await decide(ledger, 'a1', 'reject');
    ledger.nowSeconds += 90 * DAY;
    await ledger.store.tidyAll();
    expect(await ledger.store.appeal('a1')).toMatchObject(texts);
    ledger.nowSeconds += 1;
    await ledger.store.tidyAll();
    const appeal = await ledger.store.appeal('a1');
    expect(appeal).toMatchObject({ contact: undefined, reason: undefined, evidenceUrl: undefined, state: 'rejected' });
    const audit = JSON.stringify(await ledger.store.audit(0, 100));
    await ledger.store.close();
    const octets = readFileSync(ledgerPath(ledger.folder)).toString('latin1');
    for (const text of Object.values(texts)) {
      expect(audit).not.toContain(text);
      expect(octets).not.toContain(text.slice(0, 22));
    }
  });
});
