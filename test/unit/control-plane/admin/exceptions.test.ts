import { afterEach, describe, expect, it } from 'vitest';
import type { ApiServices } from '../../../../src/control-plane/admin/api-services.ts';
import type { Ledger } from '../../../../src/control-plane/ledger/ledger.ts';
import { bearer, closeApis, createApi } from '../../../support/api-harness.ts';
import { exceptionRow } from '../../../support/exception-row.ts';

afterEach(closeApis);

const BODY = { name: 'bad.example', clients: '192.0.2.0/24', hours: 1, reason: 'case 7' };

function post(
  ledger: Partial<Ledger>,
  body: object = BODY,
  who = 'approver',
  own: Partial<ApiServices> = {},
  url = '',
) {
  const { server } = createApi(ledger, own);
  return server.inject({ method: 'POST', url: `/v1/exceptions${url}`, headers: bearer(who), payload: body });
}

describe('/v1/exceptions', () => {
  it('answers what was made when it is in force, subtree unless it is said', async () => {
    const asked: unknown[] = [];
    const inForce = Promise.withResolvers<void>();
    const events: string[] = [];
    const answer = post(
      {
        createException: (sent, actor) => {
          asked.push(sent, actor.name);
          return Promise.resolve({ kind: 'created', exception: exceptionRow() });
        },
      },
      BODY,
      'approver',
      {
        exceptionsChanged: async () => {
          events.push('told');
          await inForce.promise;
          events.push('in force');
        },
      },
    ).then((response) => {
      events.push('answered');
      return response;
    });
    inForce.resolve();
    const response = await answer;
    expect(events).toEqual(['told', 'in force', 'answered']);
    expect(asked).toEqual([{ ...BODY, scope: 'subtree' }, 'Province']);
    expect(response.json()).toEqual({
      exception: {
        id: 'x1',
        name: 'bad.example',
        scope: 'subtree',
        clients: '192.0.2.0/24',
        reason: 'an investigation',
        state: 'active',
        createdBy: 'Province (cccccccc)',
        createdAt: '2023-11-14T22:13:20.000Z',
        expiresAt: '2023-11-14T23:13:20.000Z',
        endedBy: null,
        endedAt: null,
        endReason: null,
      },
    });
  });

  it('says so where it is durable and not in force', async () => {
    const created = () => Promise.resolve({ kind: 'created', exception: exceptionRow() } as const);
    const response = await post({ createException: created }, BODY, 'approver', {
      exceptionsChanged: () => Promise.reject(new Error('the compiler is gone')),
    });
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([504, 'notInForceYet']);
  });

  it.each([
    [{ ...BODY, hours: 169 }],
    [{ ...BODY, hours: 0 }],
    [{ ...BODY, reason: '' }],
    [{ ...BODY, scope: 'all' }],
    [{ ...BODY, list: 'desk' }],
    [{ name: 'bad.example' }],
  ])('refuses the body %j', async (body) => {
    expect((await post({}, body)).statusCode).toBe(400);
  });

  it('gives pages, and needs the right to approve on all lists to see any', async () => {
    const ledger: Partial<Ledger> = {
      exceptions: ({ limit, after = 'x0' }) => {
        const first = Number(after.slice(1)) + 1;
        return Promise.resolve(
          Array.from({ length: Math.min(limit, 4 - first) }, (_, i) => exceptionRow({ id: `x${first + i}` })),
        );
      },
    };
    const { server } = createApi(ledger);
    const page = async (query: string, who = 'approver') => {
      const response = await server.inject({ url: `/v1/exceptions?${query}`, headers: bearer(who) });
      const { exceptions, next } = response.json<{ exceptions?: { id: string }[]; next?: string | null }>();
      return [response.statusCode, exceptions?.map(({ id }) => id), next];
    };
    expect(await page('limit=2')).toEqual([200, ['x1', 'x2'], 'x2']);
    expect(await page('limit=2&after=x2')).toEqual([200, ['x3'], null]);
    expect((await page('', 'elsewhere'))[0]).toBe(403);
    expect((await page('', 'reader'))[0]).toBe(403);
  });

  it('ends one, and passes on what the ledger refuses', async () => {
    const row = exceptionRow({ state: 'ended', endedBy: 'a', endedAtSeconds: 1_700_000_060, endReason: 'r' });
    const ended = await post(
      { endException: () => Promise.resolve({ kind: 'ended', exception: row }) },
      { reason: 'r' },
      'approver',
      {},
      '/x1/end',
    );
    expect(ended.json()).toMatchObject({ exception: { state: 'ended', endedAt: '2023-11-14T22:14:20.000Z' } });
    const unknown = await post(
      { endException: () => Promise.resolve({ kind: 'refused', code: 'exceptionUnknown', message: 'm' }) },
      { reason: 'r' },
      'approver',
      {},
      '/x9/end',
    );
    expect([unknown.statusCode, unknown.json<{ code: string }>().code]).toEqual([404, 'exceptionUnknown']);
  });
});
