/** What the routes that read, and those that decide, ask of the ledger and what they let a token see. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiServices } from '../../../../src/control-plane/admin/api-services.ts';
import { LedgerUnavailable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import type {
  AuditRecord,
  HoldRow,
  Ledger,
  LedgerEntry,
  RolloutRow,
} from '../../../../src/control-plane/ledger/ledger.ts';
import { bearer, closeApis, createApi, done, listStatus } from '../../../support/api-harness.ts';

afterEach(closeApis);

function get(ledger: Partial<Ledger>, url: string, who = 'reader', own: Partial<ApiServices> = {}) {
  return createApi(ledger, own).server.inject({ url, headers: bearer(who) });
}

function decide(api: ReturnType<typeof createApi>, url: string, who = 'approver') {
  return api.server.inject({ method: 'POST', url, headers: bearer(who), payload: { reason: 'looked at it' } });
}

function entry(fields: Partial<LedgerEntry>): LedgerEntry {
  return {
    name: 'x.top',
    scope: 'subtree',
    category: 'loan',
    categoryWord: undefined,
    reference: 'case 7',
    note: undefined,
    expiresAtSeconds: 0,
    mode: 'enforce',
    rolloutSlot: 0,
    maintainer: 'Fraud desk',
    addedAtSeconds: 1_700_000_000,
    addedInVersion: 4,
    isApproved: false,
    ...fields,
  };
}

function hold(fields: Partial<HoldRow>): HoldRow {
  return {
    id: 'h1',
    list: 'desk',
    kind: 'entry',
    name: 'com',
    scope: 'subtree',
    guard: 'topLevelDomain',
    detail: 'all of com',
    proposer: 'Fraud desk',
    reason: 'r',
    createdAtSeconds: 1_700_000_000,
    state: 'open',
    decidedBy: undefined,
    decidedAtSeconds: undefined,
    decisionReason: undefined,
    ...fields,
  };
}

const rollout: RolloutRow = {
  id: 'r1',
  list: 'desk',
  slot: 1,
  state: 'running',
  stages: [{ percent: 1, seconds: 60 }],
  stage: 0,
  percent: 1,
  nextAtSeconds: 1_700_000_060,
  entryCount: 3,
  version: 5,
  reason: 'r',
};

describe('GET /v1/lists', () => {
  it('shows the lists that the token may read, and how each is', async () => {
    const failure = { reason: 'network', message: 'no route' } as const;
    const own = {
      listStatus: () => [
        listStatus({
          version: 42,
          entries: 7,
          sha256: 'ab',
          lastSuccessSeconds: 1_700_000_000,
          holdsByGuard: { x: 2 },
          heldUpdate: { sha256: 'cd', guard: 'shrink', detail: 'it removes' },
        }),
        listStatus({ name: 'other', failure }),
      ],
    };
    const response = await get({}, '/v1/lists', 'reader', own);
    expect(response.json()).toMatchObject({
      lists: [
        {
          name: 'desk',
          sourceKind: 'push',
          state: 'loaded',
          version: 42,
          entries: 7,
          digest: 'ab',
          holds: { x: 2 },
          heldUpdate: { sha256: 'cd', guard: 'shrink', detail: 'it removes' },
          lastSuccessAt: '2023-11-14T22:13:20.000Z',
          failure: null,
        },
        { name: 'other', state: 'failed', version: 0, failure },
        { name: 'pulled', state: 'loading', heldUpdate: null, lastSuccessAt: null },
      ],
    });
    const own2 = await get({}, '/v1/lists', 'pusher', own);
    expect(own2.json<{ lists: { name: string }[] }>().lists.map(({ name }) => name)).toEqual(['desk']);
  });
});

describe('GET /v1/lists/NAME/versions and entries', () => {
  it('shows versions', async () => {
    const row = {
      version: 4,
      createdAtSeconds: 17e8,
      maintainer: 'Fraud desk',
      reason: 'r',
      origin: 'push',
      added: 1,
      removed: 2,
      entryCount: 3,
      digest: 'ab',
    };
    const asked: unknown[] = [];
    const versions = (...args: unknown[]) => {
      asked.push(args);
      return Promise.resolve([row]);
    };
    const response = await get({ versions }, '/v1/lists/desk/versions?limit=5');
    expect(asked).toEqual([['desk', 5]]);
    expect(response.json()).toEqual({
      versions: [
        {
          version: 4,
          createdAt: '2023-11-14T22:13:20.000Z',
          maintainer: 'Fraud desk',
          reason: 'r',
          origin: 'push',
          added: 1,
          removed: 2,
          entries: 3,
          digest: 'ab',
        },
      ],
    });
  });

  it('pages through entries and never tears the two of one name apart', async () => {
    const all = ['a', 'b', 'b', 'c'].map((name, i) => entry({ name, scope: i === 1 ? 'exact' : 'subtree' }));
    const entries = (_list: string, after: string, limit: number) =>
      Promise.resolve(all.filter(({ name }) => name > after).slice(0, limit));
    type Page = { entries: { name: string }[]; next: string | null };
    const first = (await get({ entries }, '/v1/lists/desk/entries?limit=2')).json<Page>();
    expect([first.entries.map(({ name }) => name), first.next]).toEqual([['a', 'b', 'b'], 'b']);
    const second = (await get({ entries }, '/v1/lists/desk/entries?limit=2&after=b')).json<Page>();
    expect([second.entries.map(({ name }) => name), second.next]).toEqual([['c'], null]);
  });

  it('finds one name, as a person writes it', async () => {
    const asked: unknown[] = [];
    const lookUp = (names: readonly string[]) => {
      asked.push(names);
      const state = { name: 'xn--bcher-kva.example', entries: [entry({})] };
      return Promise.resolve([
        { list: 'desk', ...state },
        { list: 'other', ...state },
      ]);
    };
    const url = `/v1/lists/desk/entries?name=${encodeURIComponent('Bücher.example.')}`;
    const response = await get({ lookUp }, url);
    expect(asked).toEqual([['xn--bcher-kva.example']]);
    expect(response.json<{ entries: unknown[] }>().entries).toHaveLength(1);
  });

  it.each([
    ['/v1/lists/nowhere/versions', 'reader', 404, 'listUnknown'],
    ['/v1/lists/pulled/versions', 'reader', 409, 'notAPushList'],
    ['/v1/lists/other/versions', 'pusher', 403, 'forbidden'],
    ['/v1/lists/desk/versions?limit=0', 'reader', 400, 'badRequest'],
    ['/v1/lists/desk/versions?limit=1001', 'reader', 400, 'badRequest'],
    ['/v1/lists/desk/versions?limit=1&limit=2', 'reader', 400, 'badRequest'],
    ['/v1/lists/desk/versions?limits=1', 'reader', 400, 'badRequest'],
    ['/v1/lists/desk/entries?name=1.2.3.4', 'reader', 400, 'badRequest'],
    ['/v1/lists/desk/entries?after=%00', 'reader', 400, 'badRequest'],
  ])('%s by %s is %i %s', async (url, who, status, code) => {
    const response = await get({}, url, who);
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
  });
});

describe('holds', () => {
  it('shows those of lists that the token may read, page by page', async () => {
    const all = ['1', '2', '3', '4', '5'].map((id, i) => hold({ id, list: i % 2 === 0 ? 'desk' : 'other' }));
    const holds: Ledger['holds'] = ({ after = '', limit }) =>
      Promise.resolve(all.filter(({ id }) => id > after).slice(0, limit));
    type Page = { holds: { id: string }[]; next: string | null };
    const page = async (url: string): Promise<[string[], string | null]> => {
      const { holds: found, next } = (await get({ holds }, url, 'pusher')).json<Page>();
      return [found.map(({ id }) => id), next];
    };
    expect(await page('/v1/holds?limit=2')).toEqual([['1', '3'], '3']);
    expect(await page('/v1/holds?limit=2&after=3')).toEqual([['5'], null]);
    expect(await page('/v1/holds')).toEqual([['1', '3', '5'], null]);
  });

  it('hands list and state on', async () => {
    const asked: unknown[] = [];
    const holds: Ledger['holds'] = (filter) => {
      asked.push(filter);
      return Promise.resolve([]);
    };
    await get({ holds }, '/v1/holds?list=desk&state=open&limit=7');
    expect(asked).toEqual([{ list: 'desk', state: 'open', limit: 7 }]);
    asked.length = 0;
    // The token is for this list alone.
    await get({ holds }, '/v1/holds?limit=7', 'pusher');
    expect(asked).toEqual([{ list: 'desk', limit: 7 }]);
    expect((await get({ holds }, '/v1/holds?state=odd')).statusCode).toBe(400);
    expect((await get({ holds }, '/v1/holds?list=other', 'pusher')).statusCode).toBe(403);
  });

  it('a release is in force when it is answered', async () => {
    const asked: unknown[] = [];
    const api = createApi({
      decideHold: (id, decision, reason, actor) => {
        asked.push([id, decision, reason, actor.name]);
        const decided = hold({ state: 'released', decidedBy: actor.name, decidedAtSeconds: 1_700_000_001 });
        return Promise.resolve({ kind: 'decided', hold: decided, change: done({ version: 6 }) });
      },
    });
    const response = await decide(api, '/v1/holds/h1/release');
    expect(response.json()).toMatchObject({ hold: { id: 'h1', state: 'released', decidedBy: 'Province' }, version: 6 });
    expect(asked).toEqual([['h1', 'release', 'looked at it', 'Province']]);
    expect(api.applied).toHaveLength(1);
    expect(api.counted).toEqual(['ledger changed']);
  });

  it('of a pulled list, list-sync is told before the answer', async () => {
    const told: string[] = [];
    const decided = hold({ kind: 'listEntry', list: 'pulled', state: 'rejected' });
    const api = createApi(
      { decideHold: () => Promise.resolve({ kind: 'decided', hold: decided, change: undefined }) },
      {
        approvalsChanged: (list) => {
          told.push(list);
          return Promise.resolve();
        },
      },
    );
    expect((await decide(api, '/v1/holds/h1/reject')).json()).toMatchObject({ version: null });
    expect(told).toEqual(['pulled']);
  });

  it('of a pulled list that cannot be built now is decided, and not in force', async () => {
    const decided = hold({ kind: 'listEntry', list: 'pulled', state: 'released' });
    const api = createApi(
      { decideHold: () => Promise.resolve({ kind: 'decided', hold: decided, change: undefined }) },
      { approvalsChanged: () => Promise.reject(new Error('a policy could not be published')) },
    );
    const response = await decide(api, '/v1/holds/h1/release');
    expect([response.statusCode, response.json()]).toMatchObject([504, { code: 'notInForceYet' }]);
  });

  it.each([
    ['holdUnknown', 404],
    ['holdDecided', 409],
    ['samePerson', 403],
    ['forbidden', 403],
  ] as const)('%s is %i', async (code, status) => {
    const api = createApi({ decideHold: () => Promise.resolve({ kind: 'refused', code, message: 'm' }) });
    const response = await decide(api, '/v1/holds/h1/release');
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
  });

  it('needs the right to approve', async () => {
    expect((await decide(createApi(), '/v1/holds/h1/release', 'pusher')).statusCode).toBe(403);
  });
});

describe('rollouts', () => {
  it('shows and moves them', async () => {
    const response = await get({ rollouts: () => Promise.resolve([rollout]) }, '/v1/rollouts');
    expect(response.json()).toMatchObject({ rollouts: [{ id: 'r1', percent: 1, nextAt: '2023-11-14T22:14:20.000Z' }] });
    const asked: unknown[] = [];
    const api = createApi({
      moveRollout: (id, to, reason) => {
        asked.push([id, to, reason]);
        return Promise.resolve({ kind: 'moved', rollout: { ...rollout, percent: 10 }, change: done({ version: 8 }) });
      },
    });
    const moved = await api.server.inject({
      method: 'POST',
      url: '/v1/rollouts/r1/promote',
      headers: bearer('approver'),
      payload: { reason: 'quiet' },
    });
    expect(moved.json()).toMatchObject({ rollout: { percent: 10 }, version: 8 });
    expect(asked).toEqual([['r1', 'promote', 'quiet']]);
    expect(api.applied).toHaveLength(1);
  });

  it('of other lists they are not shown', async () => {
    const response = await get(
      { rollouts: () => Promise.resolve([{ ...rollout, list: 'other' }]) },
      '/v1/rollouts',
      'pusher',
    );
    expect(response.json()).toEqual({ rollouts: [] });
  });
});

describe('GET /v1/audit', () => {
  const record: AuditRecord = {
    seq: 1,
    atSeconds: 17e8,
    actor: 'aaaaaaaa',
    kind: 'change',
    list: undefined,
    data: { version: 1 },
    previousHash: '00',
    hash: 'ab',
  };
  const audit = () => Promise.resolve([record, { ...record, seq: 2, list: 'desk' }]);

  it('is JSON, or JSON Lines where that is asked for', async () => {
    const json = await get({ audit }, '/v1/audit?after=0&limit=10');
    expect(json.json()).toEqual({
      records: [
        { ...record, list: null },
        { ...record, seq: 2, list: 'desk' },
      ],
    });
    const lines = await createApi({ audit }).server.inject({
      url: '/v1/audit',
      headers: { ...bearer('reader'), accept: 'application/x-ndjson' },
    });
    expect(lines.headers['content-type']).toMatch(/^application\/x-ndjson/);
    expect(
      lines.body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(json.json<{ records: unknown[] }>().records);
  });

  it('needs a right on all lists', async () => {
    expect((await get({ audit }, '/v1/audit', 'pusher')).statusCode).toBe(403);
    expect((await get({ audit }, '/v1/audit', 'approver')).statusCode).toBe(200);
  });
});

function isGone(): Promise<never> {
  return Promise.reject(new LedgerUnavailable('its thread is gone'));
}

describe('a ledger that does not answer', () => {
  it('is 503 with a time to try again; what needs no ledger goes on', async () => {
    const api = createApi({ rollouts: isGone, change: isGone });
    const read = await api.server.inject({ url: '/v1/rollouts', headers: bearer('reader') });
    expect([read.statusCode, read.json()]).toMatchObject([503, { code: 'storeUnavailable' }]);
    expect(read.headers['retry-after']).toBe('1');
    const payload = { reason: 'r' };
    const push = await api.server.inject({
      method: 'POST',
      url: '/v1/lists/desk/changes',
      headers: bearer('pusher'),
      payload,
    });
    expect(push.statusCode).toBe(503);
    expect((await api.server.inject({ url: '/v1/lists', headers: bearer('reader') })).statusCode).toBe(200);
    expect((await api.server.inject('/metrics')).statusCode).toBe(200);
  });

  it('lets nobody in', async () => {
    const response = await get({ authenticate: isGone }, '/v1/lists');
    expect([response.statusCode, response.json()]).toMatchObject([503, { code: 'storeUnavailable' }]);
  });
});
