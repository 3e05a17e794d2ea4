import { describe, expect, it } from 'vitest';
import { EXCEPTION_KEPT_SECONDS } from '../../../../src/control-plane/ledger/exception-store.ts';
import { EXCEPTION_HOURS_MAX, type ExceptionRow } from '../../../../src/control-plane/ledger/exception.ts';
import type { Actor, LedgerRefusal } from '../../../../src/control-plane/ledger/ledger.ts';
import { EXCEPTIONS_MAX } from '../../../../src/policy/published.ts';
import { APPROVER, openTestLedger, PUSHER, type TestLedger } from '../../../support/ledger-harness.ts';

const SENT = { name: 'Bad.Example.', scope: 'subtree', clients: '192.0.2.0/24', hours: 2, reason: 'case 7' } as const;

async function create({ store }: TestLedger, fields: Partial<typeof SENT | object> = {}, actor: Actor = APPROVER) {
  return store.createException({ ...SENT, ...fields }, actor);
}

async function created(ledger: TestLedger, fields: object = {}): Promise<ExceptionRow> {
  const outcome = await create(ledger, fields);
  if (outcome.kind === 'refused') throw new Error(outcome.message);
  return outcome.exception;
}

function codeOf(outcome: { kind: string } | LedgerRefusal): string {
  return 'code' in outcome ? outcome.code : outcome.kind;
}

describe('an exception in the ledger', () => {
  it('is kept in normal form, active for its hours, and there after a restart', async () => {
    const ledger = await openTestLedger();
    const row = await created(ledger);
    expect(row).toMatchObject({
      id: 'x1',
      name: 'bad.example',
      clients: '192.0.2.0/24',
      state: 'active',
      untilSeconds: ledger.nowSeconds + 2 * 3600,
      createdBy: 'Regulator (apprappr)',
    });
    await ledger.store.close();
    const again = await openTestLedger({ stateDirectory: ledger.folder });
    expect(await again.store.exceptions({ state: 'active', limit: 10 })).toEqual([row]);
    again.nowSeconds = row.untilSeconds - 1;
    expect((await again.store.figures()).activeExceptions).toBe(1);
    again.nowSeconds = row.untilSeconds;
    expect((await again.store.figures()).activeExceptions).toBe(0);
    expect(await again.store.exceptions({ state: 'active', limit: 10 })).toEqual([]);
    expect(await again.store.exceptions({ state: 'expired', limit: 10 })).toMatchObject([
      { id: 'x1', state: 'expired' },
    ]);
  });

  it('is ended once, by whom and why', async () => {
    const ledger = await openTestLedger();
    await created(ledger);
    ledger.nowSeconds += 60;
    const ended = await ledger.store.endException('x1', 'no more need', APPROVER);
    expect(ended).toMatchObject({
      kind: 'ended',
      exception: { state: 'ended', endedAtSeconds: ledger.nowSeconds, endReason: 'no more need' },
    });
    expect(codeOf(await ledger.store.endException('x1', 'again', APPROVER))).toBe('exceptionEnded');
    expect(codeOf(await ledger.store.endException('x2', 'which', APPROVER))).toBe('exceptionUnknown');
    expect(codeOf(await ledger.store.endException('1', 'which', APPROVER))).toBe('exceptionUnknown');
    expect(await ledger.store.exceptions({ state: 'active', limit: 10 })).toEqual([]);
    expect(await ledger.store.exceptions({ state: 'ended', limit: 10 })).toHaveLength(1);
  });

  it.each([
    [{ name: 'no name' }],
    [{ name: 'com' }],
    [{ name: '.' }],
    [{ clients: 'everyone' }],
    [{ clients: '192.0.2.0/23' }],
    [{ clients: '0.0.0.0/0' }],
    [{ clients: '2001:db8::/47' }],
    [{ hours: 0 }],
    [{ hours: EXCEPTION_HOURS_MAX + 1 }],
    [{ hours: 1.5 }],
  ])('with %j is refused', async (fields) => {
    expect(codeOf(await create(await openTestLedger(), fields))).toBe('badException');
  });

  it('is made and ended only by who may approve on all lists', async () => {
    const ledger = await openTestLedger();
    const ofOneList = { ...APPROVER, lists: ['desk'] };
    for (const actor of [PUSHER, ofOneList]) {
      expect(codeOf(await create(ledger, {}, actor))).toBe('forbidden');
      expect(codeOf(await ledger.store.endException('x1', 'r', actor))).toBe('forbidden');
    }
  });

  it('leaves a record of who, what and why in the audit chain, without the clients', async () => {
    const ledger = await openTestLedger();
    await created(ledger, { clients: '203.0.113.77' });
    await ledger.store.endException('x1', 'done with it', APPROVER);
    const records = (await ledger.store.audit(0, 10)).filter(({ kind }) => kind === 'exception');
    expect(records.map(({ actor, data }) => ({ actor, data }))).toEqual([
      {
        actor: 'Regulator (apprappr)',
        data: { exception: 'x1', state: 'active', name: 'bad.example', scope: 'subtree', hours: 2, reason: 'case 7' },
      },
      { actor: 'Regulator (apprappr)', data: { exception: 'x1', state: 'ended', reason: 'done with it' } },
    ]);
    expect(JSON.stringify(await ledger.store.audit(0, 10))).not.toContain('203.0.113');
  });

  it('is one of a thousand at the most; one that is over makes room', async () => {
    const ledger = await openTestLedger();
    for (let i = 0; i < EXCEPTIONS_MAX; i++) await created(ledger, { hours: i === 0 ? 1 : 3 });
    expect(codeOf(await create(ledger))).toBe('tooManyExceptions');
    ledger.nowSeconds += 3600;
    expect(codeOf(await create(ledger))).toBe('created');
    expect(codeOf(await create(ledger))).toBe('tooManyExceptions');
    const page = await ledger.store.exceptions({ state: 'active', after: 'x998', limit: 10 });
    expect(page.map(({ id }) => id)).toEqual(['x999', 'x1000', 'x1001']);
  }, 60_000);

  it('is forgotten with its clients, a while after it is over and no earlier', async () => {
    const ledger = await openTestLedger();
    const { untilSeconds } = await created(ledger);
    ledger.nowSeconds = untilSeconds + EXCEPTION_KEPT_SECONDS;
    await ledger.store.tidyAll();
    expect(await ledger.store.exceptions({ limit: 10 })).toHaveLength(1);
    ledger.nowSeconds++;
    await ledger.store.tidyAll();
    expect(await ledger.store.exceptions({ limit: 10 })).toEqual([]);
  });
});
