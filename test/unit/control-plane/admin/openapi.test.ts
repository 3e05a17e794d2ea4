/**
 * The description against the server, both ways, and real answers against its schemas: fastify's own validator reads
 * them, by a server whose bodies are the answers.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { apiRoutes } from '../../../../src/control-plane/admin/api-routes.ts';
import type { JsonSchema } from '../../../../src/control-plane/admin/api-route.ts';
import { PROBLEMS } from '../../../../src/control-plane/admin/problem.ts';
import { LEDGER_REFUSALS } from '../../../../src/control-plane/ledger/ledger.ts';
import type { Ledger } from '../../../../src/control-plane/ledger/ledger.ts';
import { bearer, closeApis, createApi, done, listStatus } from '../../../support/api-harness.ts';
import { schemaProblems } from '../../../support/schema-problems.ts';
import { exceptionRow } from '../../../support/exception-row.ts';
import type { ApiServices } from '../../../../src/control-plane/admin/api-services.ts';
import { testPolicy } from '../../../support/publish-policy.ts';
import { appealRow } from '../../../support/sent-appeal.ts';

afterEach(closeApis);

interface Operation {
  readonly operationId: string;
  readonly security?: unknown[];
  readonly parameters?: { name: string; in: string; description?: string }[];
  readonly requestBody?: { content: Record<string, { schema: JsonSchema }> };
  readonly responses: Record<string, { description: string; content: Record<string, { schema?: JsonSchema }> }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: { Problem: JsonSchema } };
}

async function describe_(api = createApi()): Promise<Document> {
  const response = await api.server.inject({ url: '/v1/openapi.json', headers: bearer('proposer') });
  expect(response.statusCode).toBe(200);
  return response.json<Document>();
}

/** `METHOD path` of every route, from the router's own picture of itself: a tree, four columns a level. */
function registered(picture: string): string[] {
  const found: string[] = [];
  const above: string[] = [];
  for (const line of picture.split('\n')) {
    const match = /^((?:[│ ] {3})*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (match === null) continue;
    const [, indent = '', part = '', methods = ''] = match;
    const depth = indent.length / 4;
    above.length = depth;
    above.push(part);
    for (const method of methods.split(', ')) {
      if (method !== 'HEAD' && method !== '') found.push(`${method} ${above.join('')}`);
    }
  }
  return found;
}

describe('the description', () => {
  it('has every route of the server and no other', async () => {
    const api = createApi();
    await api.server.ready();
    const routes = registered(api.server.printRoutes({ commonPrefix: false }));
    const { openapi, paths } = await describe_(api);
    expect(openapi).toBe('3.1.0');
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(described.toSorted()).toEqual(routes.toSorted());
    expect(routes.length).toBeGreaterThan(15);
  });

  it('says which routes need no token, truly', async () => {
    const api = createApi();
    const { paths } = await describe_(api);
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const url = path.replaceAll(/\{\w+\}/g, 'x');
        const { statusCode } = await api.server.inject({ method: method.toUpperCase() as 'GET', url });
        expect([url, statusCode === 401]).toEqual([url, security === undefined]);
      }
    }
  });

  it('has a name of its own for every operation, and words for every parameter', async () => {
    const operations = Object.values((await describe_()).paths).flatMap((path) => Object.values(path));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { parameters = [] } of operations) {
      for (const parameter of parameters) if (parameter.in === 'query') expect(parameter.description).not.toBe('');
    }
  });

  it('names every problem with its code under its status', async () => {
    const { paths, components } = await describe_();
    const change = paths['/v1/lists/{name}/changes']!['post']!;
    for (const code of ['listUnknown', 'idempotencyMismatch', 'notInForceYet', 'storeFull'] as const) {
      expect(change.responses[String(PROBLEMS[code].status)]!.description).toContain(code);
    }
    expect(components.schemas.Problem).toMatchObject({ properties: { code: { enum: Object.keys(PROBLEMS) } } });
    expect(Object.keys(PROBLEMS)).toEqual(expect.arrayContaining([...LEDGER_REFUSALS]));
  });
});

describe('real answers are what the description says', () => {
  const ledger: Partial<Ledger> = {
    change: () =>
      Promise.resolve(
        done({
          rejected: [{ name: '..', code: 'emptyLabel', detail: 'd' }],
          held: [{ name: 'com', scope: 'subtree', code: 'topLevelDomain', holdId: 'h', detail: 'd' }],
        }),
      ),
    rollback: () => Promise.resolve(done()),
    versions: () =>
      Promise.resolve([
        {
          version: 1,
          createdAtSeconds: 1,
          maintainer: 'm',
          reason: 'r',
          origin: 'push',
          added: 1,
          removed: 0,
          entryCount: 1,
          digest: 'd',
        },
      ]),
    entries: () =>
      Promise.resolve([
        {
          ...({
            name: 'a',
            scope: 'exact',
            category: undefined,
            categoryWord: 'odd',
            reference: undefined,
          } as const),
          ...({
            note: 'n',
            expiresAtSeconds: 5,
            mode: 'shadow',
            rolloutSlot: 3,
            maintainer: 'm',
          } as const),
          addedAtSeconds: 1,
          addedInVersion: 1,
          isApproved: true,
        },
      ]),
    holds: () => Promise.resolve([holdRow]),
    decideHold: () => Promise.resolve({ kind: 'decided', hold: holdRow, change: undefined }),
    appeal: () => Promise.resolve(appealRow()),
    appeals: () => Promise.resolve([appealRow({ decidedBy: 'x', decidedAtSeconds: 2, contact: undefined })]),
    reviewAppeal: () => Promise.resolve({ kind: 'reviewed', appeal: appealRow() }),
    decideAppeal: () =>
      Promise.resolve({ kind: 'decided', appeal: appealRow(), alsoDecided: ['a2'], change: undefined }),
    createException: () => Promise.resolve({ kind: 'created', exception: exceptionRow() }),
    endException: () =>
      Promise.resolve({
        kind: 'ended',
        exception: exceptionRow({ state: 'ended', endedBy: 'x', endedAtSeconds: 2, endReason: 'r' }),
      }),
    exceptions: () => Promise.resolve([exceptionRow()]),
    rollouts: () => Promise.resolve([rolloutRow]),
    moveRollout: () => Promise.resolve({ kind: 'moved', rollout: rolloutRow, change: done() }),
    audit: () =>
      Promise.resolve([
        {
          seq: 1,
          atSeconds: 1,
          actor: 'a',
          kind: 'change',
          list: undefined,
          data: { any: [1] },
          previousHash: '',
          hash: '',
        },
      ]),
  };
  const holdRow = {
    ...({
      id: 'h',
      list: 'desk',
      kind: 'entry',
      name: 'com',
      scope: 'subtree',
      guard: 'g',
      detail: 'd',
    } as const),
    ...({
      proposer: 'p',
      reason: 'r',
      createdAtSeconds: 1,
      state: 'released',
      decidedBy: 'x',
    } as const),
    decidedAtSeconds: 2,
    decisionReason: 'ok',
  };
  const rolloutRow = {
    ...({
      id: 'r',
      list: 'desk',
      slot: 1,
      state: 'running',
      stages: [
        {
          percent: 0.5,
          seconds: 1,
        },
      ],
    } as const),
    stage: 0,
    percent: 0.5,
    nextAtSeconds: 0,
    entryCount: 1,
    version: 1,
    reason: 'r',
  };
  const policy = testPolicy({ lists: [{ name: 'desk' }], entries: [{ name: 'bad.example', list: 0 }] });
  const own: Partial<ApiServices> = {
    listStatus: () => [listStatus({ failure: { reason: 'network', message: 'm' } })],
    policy: () => policy,
    fileAppeal: () => Promise.resolve({ kind: 'filed', appeal: appealRow() }),
  };
  const reason = { reason: 'r' };

  it.each([
    ['GET', '/v1/lists', '/v1/lists', undefined],
    ['GET', '/v1/lists/{name}/versions', '/v1/lists/desk/versions', undefined],
    ['GET', '/v1/lists/{name}/entries', '/v1/lists/desk/entries', undefined],
    ['POST', '/v1/lists/{name}/changes', '/v1/lists/desk/changes', reason],
    ['POST', '/v1/lists/{name}/rollback', '/v1/lists/desk/rollback', { ...reason, toVersion: 1 }],
    ['GET', '/v1/holds', '/v1/holds', undefined],
    ['POST', '/v1/holds/{id}/release', '/v1/holds/h/release', reason],
    ['POST', '/v1/holds/{id}/reject', '/v1/holds/h/reject', reason],
    ['GET', '/v1/rollouts', '/v1/rollouts', undefined],
    ['POST', '/v1/rollouts/{id}/promote', '/v1/rollouts/r/promote', reason],
    ['POST', '/v1/rollouts/{id}/abort', '/v1/rollouts/r/abort', reason],
    ['GET', '/v1/appeals', '/v1/appeals', undefined],
    [
      'POST',
      '/v1/appeals',
      '/v1/appeals',
      { name: 'bad.example', who: 'owner', contact: 'tel', reason: 'my own shop' },
    ],
    ['GET', '/v1/appeals/{id}', '/v1/appeals/a1', undefined],
    ['POST', '/v1/appeals/{id}/review', '/v1/appeals/a1/review', undefined],
    ['POST', '/v1/appeals/{id}/uphold', '/v1/appeals/a1/uphold', reason],
    ['POST', '/v1/appeals/{id}/reject', '/v1/appeals/a1/reject', reason],
    ['GET', '/v1/exceptions', '/v1/exceptions', undefined],
    ['POST', '/v1/exceptions', '/v1/exceptions', { ...reason, name: 'bad.example', clients: '192.0.2.1', hours: 1 }],
    ['POST', '/v1/exceptions/{id}/end', '/v1/exceptions/x1/end', reason],
    ['GET', '/v1/audit', '/v1/audit', undefined],
    ['GET', '/v1/token', '/v1/token', undefined],
    ['GET', '/v1/openapi.json', '/v1/openapi.json', undefined],
  ] as const)('%s %s', async (method, path, url, payload) => {
    const api = createApi(ledger, own);
    const { paths } = await describe_(api);
    const operation = paths[path]![method.toLowerCase()]!;
    const headers = bearer('everything');
    const response = await api.server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    expect([url, response.statusCode, response.body]).toMatchObject([url, 200, expect.any(String)]);
    const schema = operation.responses['200']!.content['application/json']!.schema!;
    expect(await schemaProblems(schema, response.json())).toBe('valid');
    expect(await schemaProblems(schema, 5)).not.toBe('valid');
  });

  it('a problem', async () => {
    const api = createApi(ledger);
    const { components } = await describe_(api);
    for (const url of ['/v1/nothing', '/v1/holds?state=odd', '/v1/token']) {
      const problem = (await api.server.inject(url)).json<unknown>();
      expect(await schemaProblems(components.schemas.Problem, problem)).toBe('valid');
    }
  });

  it('is tried for every route but the explanation and the feeds, which have tests of their own', () => {
    const routes = apiRoutes(createApi().services, '');
    expect(routes.map(({ url }) => url).filter((url) => !/^\/v1\/(explain|feeds)/.test(url))).toHaveLength(23);
  });
});
