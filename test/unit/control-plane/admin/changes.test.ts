import { afterEach, describe, expect, it } from 'vitest';
import { CHANGE_RATE } from '../../../../src/control-plane/admin/changes.ts';
import { JSON_ENTRIES_MAX } from '../../../../src/control-plane/admin/change-request.ts';
import type { ChangeRequest, LedgerRefusalCode } from '../../../../src/control-plane/ledger/ledger.ts';
import { LEDGER_REFUSALS } from '../../../../src/control-plane/ledger/ledger.ts';
import { bearer, closeApis, createApi, delta, done } from '../../../support/api-harness.ts';

afterEach(closeApis);

type Api = ReturnType<typeof createApi>;

function push(api: Api, payload: object | string, headers: Record<string, string> = bearer('pusher'), list = 'desk') {
  const type = typeof payload === 'string' ? { 'content-type': 'application/json' } : {};
  const url = `/v1/lists/${list}/changes`;
  return api.server.inject({ method: 'POST', url, headers: { ...headers, ...type }, payload });
}

function rollBack(api: Api, payload: object, who: 'pusher' | 'proposer' = 'pusher') {
  return api.server.inject({ method: 'POST', url: '/v1/lists/desk/rollback', headers: bearer(who), payload });
}

function entries(count: number): { name: string }[] {
  return Array.from({ length: count }, () => ({ name: 'a' }));
}

describe('POST /v1/lists/NAME/changes', () => {
  it('hands the change to the ledger as it was sent, puts it in force, and only then answers', async () => {
    const seen: unknown[] = [];
    const inForce = Promise.withResolvers<void>();
    const rejected = [{ name: '1.2.3.4', code: 'ipAddress', detail: 'an address' }];
    const held = [
      { name: 'com', scope: 'subtree', code: 'topLevelDomain', holdId: 'h1', detail: 'all of com' } as const,
    ];
    const rollout = { id: 'r1', entries: 1, percent: 12.5 };
    const api = createApi(
      {
        change: (request: ChangeRequest) => {
          seen.push(request);
          return Promise.resolve(done({ version: 42, rejected, rejectedTotal: 1, held, heldTotal: 1, rollout }));
        },
      },
      {
        apply: (one) => {
          seen.push(one);
          return inForce.promise;
        },
      },
    );
    const add = [{ name: 'x.top', scope: 'subtree', category: 'loan', reference: 'case 7' }];
    const remove = ['y.top', { name: 'z.top', scope: 'exact' }];
    const response = push(api, { add, remove, reason: 'order 12' }, { ...bearer('pusher'), 'idempotency-key': 'k1' });
    let isAnswered = false;
    void response.then(() => (isAnswered = true));
    await expect.poll(() => seen.length).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    inForce.resolve();
    expect((await response).json()).toEqual({
      version: 42,
      accepted: 1,
      removed: 0,
      unchanged: 0,
      rejected,
      rejectedTotal: 1,
      held,
      heldTotal: 1,
      rollout,
      replayed: false,
    });
    expect(seen).toMatchObject([
      {
        list: 'desk',
        actor: { id: 'aaaaaaaa', name: 'Fraud desk' },
        reason: 'order 12',
        idempotencyKey: 'k1',
        add,
        remove: [{ name: 'y.top' }, { name: 'z.top', scope: 'exact' }],
      },
      delta(),
    ]);
    expect(api.counted).toEqual([
      'ledger changed',
      'desk {"accepted":1,"removed":0,"unchanged":0,"rejected":1,"held":1}',
      'desk inForce',
    ]);
    const info = api.logged.filter((line) => line.includes('a change was pushed')).join();
    expect(info).toContain('"version":42');
    expect(info).not.toContain('x.top');
  });

  it('a replay is counted apart and its entries not again', async () => {
    const api = createApi({ change: () => Promise.resolve(done({ isReplay: true })) });
    expect((await push(api, { reason: 'r' })).json()).toMatchObject({ replayed: true });
    expect(api.counted).toEqual(['ledger changed', 'desk replayed']);
  });

  it.each([...LEDGER_REFUSALS])('the refusal %s is a problem with that code', async (code: LedgerRefusalCode) => {
    const api = createApi({ change: () => Promise.resolve({ kind: 'refused', code, message: 'because' }) });
    const response = await push(api, { reason: 'r' });
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect(response.json()).toMatchObject({ code, detail: 'because', status: response.statusCode });
    expect(api.applied).toEqual([]);
    expect(api.counted).toEqual(['desk refused']);
  });

  it('what is durable but cannot be put in force is 504 and says that it is durable', async () => {
    const api = createApi(
      { change: () => Promise.resolve(done({ version: 7 })) },
      { apply: () => Promise.reject(new Error('the compile thread is gone')) },
    );
    const response = await push(api, { reason: 'r' });
    expect([response.statusCode, response.json()]).toMatchObject([504, { code: 'notInForceYet', version: 7 }]);
    expect(api.counted).toContain('desk late');
  });

  it.each([
    ['no reason', {}, 'body'],
    ['an empty reason', { reason: '' }, 'body/reason'],
    ['a blank reason', { reason: ' ' }, 'body/reason'],
    ['a reason with a line feed', { reason: 'a\nb' }, 'body/reason'],
    ['a reason that is a control character', { reason: '\u001b' }, 'body/reason'],
    ['a reason with an escape sequence', { reason: 'a\u001b[2Jb' }, 'body/reason'],
    ['a reason with a line feed at its end', { reason: 'a\n' }, 'body/reason'],
    ['a long reason', { reason: 'a'.repeat(1001) }, 'body/reason'],
    ['a property that is none', { reason: 'r', adds: [] }, 'body'],
    ['a property of an entry that is none', { reason: 'r', add: [{ name: 'x.top', refrence: '1' }] }, 'body/add/0'],
    ['an entry without a name', { reason: 'r', add: [{}] }, 'body/add/0'],
    ['a number for a name', { reason: 'r', add: [{ name: 5 }] }, 'body/add/0/name'],
    ['a string for an entry', { reason: 'r', add: ['x.top'] }, 'body/add/0'],
    ['a number for a removal', { reason: 'r', remove: [5] }, 'body/remove/0'],
    ['an array', [], 'body'],
    ['too many entries', { reason: 'r', add: entries(JSON_ENTRIES_MAX + 1) }, 'body/add'],
  ])('%s is 400 and says where', async (_what, payload, path) => {
    const response = await push(createApi(), payload);
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'badRequest' }]);
    expect(response.json<{ errors: { path: string }[] }>().errors[0]!.path).toBe(path);
  });

  it('says which property is unknown', async () => {
    const response = await push(createApi(), { reason: 'r', add: [{ name: 'x.top', refrence: '1' }] });
    expect(response.json<{ detail: string }>().detail).toContain('refrence');
  });

  it.each([
    ['no JSON', '{', 400, 'badRequest'],
    ['nothing', '', 400, 'badRequest'],
    ['a prototype', '{"reason":"r","__proto__":{}}', 400, 'badRequest'],
    ['more than the limit', JSON.stringify({ reason: 'r', note: 'a'.repeat(1024 * 1024) }), 413, 'payloadTooLarge'],
  ])('%s is refused', async (_what, payload, status, code) => {
    const response = await push(createApi(), payload);
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
  });

  it('adds and removes together have one limit', async () => {
    const half = entries(JSON_ENTRIES_MAX);
    const response = await push(createApi(), { reason: 'r', add: half, remove: ['b'] });
    expect([response.statusCode, response.json()]).toMatchObject([413, { code: 'tooManyEntries' }]);
  });

  it.each([
    ['text/plain', undefined],
    ['application/x-www-form-urlencoded', undefined],
    ['application/json', 'gzip'],
  ])('%s with encoding %s is 415', async (type, encoding) => {
    const api = createApi();
    const response = await api.server.inject({
      method: 'POST',
      url: '/v1/lists/desk/changes',
      headers: {
        ...bearer('pusher'),
        'content-type': type,
        ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      },
      payload: '{"reason":"r"}',
    });
    expect([response.statusCode, response.json()]).toMatchObject([415, { code: 'unsupportedMediaType' }]);
  });

  it.each(['', 'a b', 'ä', 'a'.repeat(256)])('the idempotency key %j is refused', async (key) => {
    const response = await push(createApi(), { reason: 'r' }, { ...bearer('pusher'), 'idempotency-key': key });
    expect([response.statusCode, response.json()]).toMatchObject([400, { code: 'badRequest' }]);
  });

  it.each([
    ['proposer', 'desk', 200],
    ['reader', 'desk', 403],
    ['approver', 'desk', 403],
    ['elsewhere', 'desk', 403],
    ['pusher', 'other', 403],
    ['pusher', 'nowhere', 404],
  ] as const)('%s on the list %s: %i', async (who, list, status) => {
    const api = createApi({ change: () => Promise.resolve(done()) });
    expect((await push(api, { reason: 'r' }, bearer(who), list)).statusCode).toBe(status);
  });

  it('one token cannot push without end; another one can meanwhile', async () => {
    const api = createApi({ change: () => Promise.resolve(done()) });
    let response = await push(api, { reason: 'r' });
    let allowed = 0;
    // The bucket fills up while it is emptied.
    for (; response.statusCode === 200 && allowed < 5 * CHANGE_RATE.burst; allowed++) {
      response = await push(api, { reason: 'r' });
    }
    expect(allowed).toBeGreaterThanOrEqual(CHANGE_RATE.burst);
    expect([response.statusCode, response.json()]).toMatchObject([429, { code: 'tooManyRequests' }]);
    expect(response.headers['retry-after']).toBe('1');
    expect((await push(api, { reason: 'r' }, bearer('proposer'))).statusCode).toBe(200);
  });
});

describe('POST /v1/lists/NAME/rollback', () => {
  it('asks the ledger, puts it in force, answers like a push', async () => {
    const seen: unknown[] = [];
    const api = createApi({
      rollback: (...args) => {
        seen.push(args.slice(0, 3));
        return Promise.resolve(done({ version: 9 }));
      },
    });
    const response = await rollBack(api, { toVersion: 3, reason: 'court order' });
    expect([response.statusCode, response.json()]).toMatchObject([200, { version: 9 }]);
    expect(seen).toEqual([['desk', 3, 'court order']]);
    expect(api.applied).toHaveLength(1);
  });

  it.each([{ toVersion: 3 }, { reason: 'r' }, { toVersion: '3', reason: 'r' }, { toVersion: -1, reason: 'r' }])(
    '%j is 400',
    async (payload) => {
      expect((await rollBack(createApi(), payload)).statusCode).toBe(400);
    },
  );

  it('needs the right to push', async () => {
    expect((await rollBack(createApi(), { toVersion: 1, reason: 'r' }, 'proposer')).statusCode).toBe(403);
  });
});
