/** What /v1/appeals shows to whom, and what a decision asks of the ledger and of the policy in force. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AppealRow } from '../../../../src/control-plane/ledger/appeal.ts';
import type { Ledger } from '../../../../src/control-plane/ledger/ledger.ts';
import type { Policy } from '../../../../src/policy/policy.ts';
import { bearer, closeApis, createApi, delta, done } from '../../../support/api-harness.ts';
import { appealRow } from '../../../support/sent-appeal.ts';
import { testPolicy } from '../../../support/publish-policy.ts';

afterEach(closeApis);

/** Every name of a list is blocked, of `allow` allowed. */
function policyOf(blocked: Readonly<Record<string, readonly string[]>>, allow: readonly string[] = []): Policy {
  const lists = Object.keys(blocked).map((name) => ({ name }));
  const entries = Object.values(blocked).flatMap((names, list) => names.map((name) => ({ name, list })));
  return testPolicy({ lists, entries: [...entries, ...allow.map((name) => ({ name, kind: 'allow' as const }))] });
}

const one = (fields: Partial<AppealRow> = {}): Partial<Ledger> => ({
  appeal: (id) => Promise.resolve(id === 'a1' ? appealRow(fields) : undefined),
});

function decide(api: ReturnType<typeof createApi>, decision: 'uphold' | 'reject', who = 'approver') {
  const url = `/v1/appeals/a1/${decision}`;
  return api.server.inject({ method: 'POST', url, headers: bearer(who), payload: { reason: 'a shop indeed' } });
}

const get = (ledger: Partial<Ledger>, url: string, who: string) =>
  createApi(ledger).server.inject({ url, headers: bearer(who) });

describe('GET /v1/appeals', () => {
  it('shows what was written to who may decide, and to nobody else', async () => {
    const appeals = () => Promise.resolve([appealRow(), appealRow({ id: 'a2', list: 'pulled' })]);
    const full = await get({ appeals }, '/v1/appeals', 'approver');
    expect(full.json()).toMatchObject({
      appeals: [{ id: 'a1', contact: 'wang@mail.example', overdue: true, dueAt: '2023-11-26T12:00:00.000Z' }, {}],
      next: null,
    });
    for (const who of ['reader', 'pusher']) {
      const response = await get({ appeals }, '/v1/appeals', who);
      expect(response.json()).toHaveProperty(
        'appeals.0',
        expect.objectContaining({ id: 'a1', contact: null, reason: null, evidenceUrl: null }),
      );
      expect(response.body).not.toMatch(/wang|teapots|tea\.example|a token/);
    }
    const ofDesk = await get({ appeals }, '/v1/appeals', 'pusher');
    expect(ofDesk.json<{ appeals: unknown[] }>().appeals).toHaveLength(1);
    expect((await get({ appeals }, '/v1/appeals?list=desk', 'elsewhere')).statusCode).toBe(403);
    expect((await get({ appeals }, '/v1/appeals', 'proposer')).statusCode).toBe(403);
  });

  it('goes on behind the last one, over appeals that the token may not read', async () => {
    const all = Array.from({ length: 6 }, (_, i) =>
      appealRow({ id: `a${i + 1}`, list: i % 2 === 0 ? 'other' : 'desk' }),
    );
    const appeals: Ledger['appeals'] = ({ limit, after = 'a0' }) =>
      Promise.resolve(all.filter(({ id }) => id > after).slice(0, limit));
    const ids = async (query: string) => {
      const body = (await get({ appeals }, `/v1/appeals?${query}`, 'ofTwo')).json<{
        appeals: AppealRow[];
        next: string;
      }>();
      return [body.appeals.map(({ id }) => id), body.next];
    };
    expect(await ids('limit=2')).toEqual([['a2', 'a4'], 'a4']);
    expect(await ids('limit=3')).toEqual([['a2', 'a4', 'a6'], null]);
    expect(await ids('limit=2&after=a4')).toEqual([['a6'], null]);
  });

  it('does not walk over what others may read one by one', async () => {
    const all = Array.from({ length: 2_500 }, (_, i) => appealRow({ id: `a${i + 1}`, list: 'other' }));
    let asked = 0;
    const appeals: Ledger['appeals'] = ({ limit, after = 'a0' }) => {
      asked += 1;
      const start = Number(after.slice(1));
      return Promise.resolve(all.slice(start, start + limit));
    };
    expect((await get({ appeals }, '/v1/appeals?limit=1', 'ofTwo')).json()).toEqual({ appeals: [], next: null });
    expect(asked).toBe(3);
  });

  it('has one by its id, for who may read its list', async () => {
    expect((await get(one(), '/v1/appeals/a1', 'reader')).json()).toMatchObject({ appeal: { id: 'a1' } });
    for (const [url, who] of [
      ['/v1/appeals/a9', 'reader'],
      [`/v1/appeals/${'a'.repeat(90)}`, 'reader'],
      ['/v1/appeals/a1', 'elsewhere'],
    ] as const) {
      const response = await get(one(), url, who);
      expect([response.statusCode, response.json()]).toMatchObject([404, { code: 'appealUnknown' }]);
    }
  });
});

describe('a decision', () => {
  it('is answered when what it lifts is in force', async () => {
    const asked: unknown[] = [];
    const change = done({ version: 7, removed: 1, delta: delta({ toVersion: 7 }) });
    const api = createApi({
      ...one(),
      decideAppeal: (...args) => {
        asked.push(args);
        return Promise.resolve({
          kind: 'decided',
          appeal: appealRow({ state: 'upheld' }),
          alsoDecided: ['a4'],
          change,
        });
      },
    });
    const response = await decide(api, 'uphold');
    expect(response.json()).toMatchObject({
      appeal: { state: 'upheld', overdue: false },
      alsoDecided: ['a4'],
      version: 7,
      stillBlockedBy: null,
    });
    expect(asked).toMatchObject([['a1', 'uphold', 'a shop indeed', { name: 'Province' }]]);
    expect(api.applied.map(({ toVersion }) => toVersion)).toEqual([7]);
    expect(api.counted).toEqual(['ledger changed', 'upheld a1 a4']);
    expect(api.logged.join('')).not.toMatch(/wang|teapots|a shop indeed|shop\.bad/);
  });

  it('says what else blocks the name', async () => {
    const policy = policyOf({ other: ['bad.example'] });
    const decided = {
      kind: 'decided',
      appeal: appealRow({ state: 'upheld' }),
      alsoDecided: [],
      change: undefined,
    } as const;
    const api = createApi({ ...one(), decideAppeal: () => Promise.resolve(decided) }, { policy: () => policy });
    expect((await decide(api, 'uphold')).json()).toMatchObject({
      version: null,
      stillBlockedBy: { list: 'other', entry: 'bad.example' },
    });
  });

  it('needs the right to approve', async () => {
    for (const who of ['pusher', 'reader', 'proposer']) {
      expect((await decide(createApi(one()), 'uphold', who)).json()).toMatchObject({ code: 'forbidden' });
    }
  });

  it.each(['samePerson', 'appealDecided', 'storeUnavailable'] as const)('may be refused: %s', async (code) => {
    const refused = { kind: 'refused', code, message: 'no' } as const;
    const api = createApi({ ...one(), decideAppeal: () => Promise.resolve(refused) });
    expect((await decide(api, 'reject')).json()).toMatchObject({ code });
  });
});

describe('an appeal against a list that is pulled', () => {
  const decided = {
    kind: 'decided',
    appeal: appealRow({ state: 'upheld' }),
    alsoDecided: [],
    change: undefined,
  } as const;
  const changed = async (decision: 'uphold' | 'reject', list: string) => {
    const lists: string[] = [];
    const approvalsChanged = (name: string) => Promise.resolve(void lists.push(name));
    const api = createApi({ ...one({ list }), decideAppeal: () => Promise.resolve(decided) }, { approvalsChanged });
    expect((await decide(api, decision)).statusCode).toBe(200);
    return lists;
  };

  it('has the list looked at again before it is answered, where it is upheld', async () => {
    expect(await changed('uphold', 'pulled')).toEqual(['pulled']);
    expect(await changed('reject', 'pulled')).toEqual([]);
    expect(await changed('uphold', 'desk')).toEqual([]);
  });
});

describe('POST /v1/appeals/ID/review', () => {
  it('says that somebody looks at it', async () => {
    const reviewAppeal = () => Promise.resolve({ kind: 'reviewed' as const, appeal: appealRow({ state: 'inReview' }) });
    const api = createApi({ ...one(), reviewAppeal });
    const response = await api.server.inject({
      method: 'POST',
      url: '/v1/appeals/a1/review',
      headers: bearer('approver'),
    });
    expect(response.json()).toMatchObject({ appeal: { state: 'inReview' } });
    expect(api.counted).toEqual(['ledger changed']);
  });
});
