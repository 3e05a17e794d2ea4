/** The appeals desk over a real ledger: what the page is told, when a proof is looked at, what the webhook hears. */
import { describe, expect, it } from 'vitest';
import { AppealsDesk, PROOFS_MAX } from '../../../../src/control-plane/appeals/appeal-desk.ts';
import type { AppealEvent } from '../../../../src/control-plane/appeals/appeal-webhook.ts';
import { LedgerUnavailable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import { createLog } from '../../../../src/telemetry/log.ts';
import { APPROVER, openTestLedger } from '../../../support/ledger-harness.ts';
import { testConfig } from '../../../support/resolver-harness.ts';
import { sentAppeal } from '../../../support/sent-appeal.ts';

const appeals = { days: { desk: 15 }, expireDays: 30, retentionDays: 90, perClientPerDayMax: 100 };

async function openDesk(prove: () => Promise<boolean> = () => Promise.resolve(true)) {
  const { store } = await openTestLedger({ settings: { appeals } });
  const told: [string, AppealEvent][] = [];
  const proved: unknown[] = [];
  const logged: string[] = [];
  const config = testConfig({ appeals: { enabled: true, webhookUrl: 'https://desk.example/hook' } });
  let changes = 0;
  const desk = new AppealsDesk({
    ledger: store,
    config: () => config,
    onLedgerChanged: () => (changes += 1),
    webhook: { tell: (url, event) => told.push([url, event]) },
    log: createLog({ level: 'trace', name: 'control' }, { write: (line) => void logged.push(line) }),
    prove: (...args) => {
      proved.push(args.slice(0, 3));
      return prove();
    },
  });
  return { desk, store, told, proved, logged, changes: () => changes };
}

describe('an appeal that is handed in', () => {
  it('is answered with what the applicant may see, and told of without a word of theirs', async () => {
    const { desk, told, logged, changes } = await openDesk();
    const sent = sentAppeal();
    const reply = await desk.answer({ kind: 'file', appeal: sent });
    expect(reply).toMatchObject({ kind: 'filed', appeal: { id: 'a1', state: 'received', name: sent.name } });
    expect(JSON.stringify(reply)).not.toMatch(/wang|bank/);
    expect(told).toEqual([
      [
        'https://desk.example/hook',
        {
          event: 'appeal.received',
          id: 'a1',
          list: 'desk',
          name: sent.name,
          incident: sent.incident,
          who: 'subscriber',
          dueAt: '2027-01-30T08:00:00.000Z',
        },
      ],
    ]);
    expect(changes()).toBe(1);
    await desk.answer({ kind: 'file', appeal: sent });
    expect([told.length, changes()]).toEqual([1, 1]);
    expect(logged.join('')).not.toMatch(/wang|bank|shop\.bad/);
  });

  it('is told of again when it is decided, without the reason', async () => {
    const { desk, store, told } = await openDesk();
    const sent = sentAppeal();
    await desk.answer({ kind: 'file', appeal: sent });
    await desk.answer({ kind: 'file', appeal: sentAppeal() });
    const decided = await store.decideAppeal('a1', 'uphold', 'the shop of Mrs Wang', APPROVER);
    if (decided.kind === 'refused') throw new Error(decided.message);
    desk.decided(decided);
    const { name, incident } = sent;
    expect(told.at(-1)).toEqual([
      'https://desk.example/hook',
      {
        event: 'appeal.decided',
        id: 'a1',
        list: 'desk',
        name,
        incident,
        who: 'subscriber',
        state: 'upheld',
        alsoDecided: ['a2'],
        version: null,
      },
    ]);
  });

  it('is refused with the ledger’s code', async () => {
    const { desk, told } = await openDesk();
    const reply = await desk.answer({ kind: 'file', appeal: sentAppeal({ contact: '' }) });
    expect([reply, told]).toEqual([{ kind: 'refused', code: 'badContact' }, []]);
  });
});

describe('a private link', () => {
  it('leads to its own appeal alone', async () => {
    const { desk } = await openDesk();
    const sent = sentAppeal();
    await desk.answer({ kind: 'file', appeal: sent });
    expect(await desk.answer({ kind: 'status', secret: sent.secret })).toMatchObject({
      kind: 'status',
      appeal: { id: 'a1' },
    });
    expect(await desk.answer({ kind: 'status', secret: sentAppeal().secret })).toEqual({ kind: 'unknown' });
  });
});

describe('an owner’s proof', () => {
  const owner = sentAppeal({ who: 'owner' });
  const question = { kind: 'prove', secret: owner.secret, by: 'dns' } as const;

  it('is looked at with the appeal’s own token, kept, and not looked at again', async () => {
    const { desk, store, proved } = await openDesk();
    await desk.answer({ kind: 'file', appeal: owner });
    expect(await desk.answer(question)).toMatchObject({ kind: 'status', appeal: { ownerProof: 'dns' } });
    const { proofToken } = (await store.appeal('a1'))!;
    expect(proofToken).toMatch(/^[\w-]{27}$/);
    await desk.answer(question);
    expect(proved).toEqual([[owner.name, proofToken, 'dns']]);
  });

  it('that is not there changes nothing, and is looked at a few times', async () => {
    const { desk, proved } = await openDesk(() => Promise.resolve(false));
    await desk.answer({ kind: 'file', appeal: owner });
    for (let i = 0; i < 3; i++) expect(await desk.answer(question)).toMatchObject({ kind: 'notProved' });
    expect(await desk.answer(question)).toEqual({ kind: 'unavailable' });
    expect(proved).toHaveLength(3);
  });

  it('is not looked at for a subscriber, nor once it is decided', async () => {
    const { desk, store, proved } = await openDesk();
    const subscriber = sentAppeal();
    await desk.answer({ kind: 'file', appeal: subscriber });
    await desk.answer({ kind: 'file', appeal: owner });
    await store.decideAppeal('a2', 'reject', 'no', APPROVER);
    for (const { secret } of [subscriber, owner]) {
      expect(await desk.answer({ ...question, secret })).toMatchObject({ kind: 'status' });
    }
    expect(await desk.answer({ ...question, secret: sentAppeal().secret })).toEqual({ kind: 'unknown' });
    expect(proved).toEqual([]);
  });

  it('waits for its turn only where few are looked at', async () => {
    const gate = Promise.withResolvers<boolean>();
    const { desk } = await openDesk(() => gate.promise);
    const owners = Array.from({ length: PROOFS_MAX + 1 }, (_, i) =>
      sentAppeal({ who: 'owner', entry: `e${i}.example` }),
    );
    for (const appeal of owners) await desk.answer({ kind: 'file', appeal });
    const looks = owners.map(({ secret }) => desk.answer({ ...question, secret }));
    expect(await looks.at(-1)).toEqual({ kind: 'unavailable' });
    gate.resolve(true);
    expect(await looks[0]).toMatchObject({ appeal: { ownerProof: 'dns' } });
    await Promise.all(looks);
  });
});

describe('a ledger that does not answer', () => {
  it.each([new LedgerUnavailable('gone'), new Error('a bug with wang@mail.example in it')])(
    'is said: %s',
    async (error) => {
      const logged: string[] = [];
      const fail = () => Promise.reject(error);
      const desk = new AppealsDesk({
        ledger: { fileAppeal: fail, appealBySecret: fail, proveOwner: fail },
        config: () => testConfig({}),
        onLedgerChanged: () => undefined,
        webhook: { tell: () => undefined },
        log: createLog({ level: 'trace', name: 'control' }, { write: (line) => void logged.push(line) }),
      });
      const secret = 's';
      for (const question of [
        { kind: 'file', appeal: sentAppeal() },
        { kind: 'status', secret },
        { kind: 'prove', secret, by: 'http' },
      ] as const) {
        expect(await desk.answer(question)).toEqual({ kind: 'unavailable' });
      }
      expect(logged.join('')).not.toContain('wang');
      expect(logged.length > 0).toBe(!(error instanceof LedgerUnavailable));
    },
  );
});
