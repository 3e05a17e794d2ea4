import { afterEach, describe, expect, it } from 'vitest';
import { explainAnswerSchema } from '../../../../src/control-plane/admin/explain-schema.ts';
import type { ApiServices } from '../../../../src/control-plane/admin/api-services.ts';
import type { Ledger, LedgerEntry, NameEvent } from '../../../../src/control-plane/ledger/ledger.ts';
import { findIncidentInIndex } from '../../../../src/control-plane/admin/find-incident.ts';
import { incidentId } from '../../../../src/policy/incident.ts';
import { readIncident } from '../../../../src/policy/read-incident.ts';
import { bearer, closeApis, createApi } from '../../../support/api-harness.ts';
import { schemaProblems } from '../../../support/schema-problems.ts';
import { testPolicy, wireName, type TestPolicy } from '../../../support/publish-policy.ts';

afterEach(closeApis);

const LISTS = [
  { name: 'desk', authority: 'Fraud desk', version: 42 },
  { name: 'other', authority: 'Regulator', version: 7 },
];

const pushed: LedgerEntry = {
  name: 'pay.example',
  scope: 'subtree',
  category: 'loan',
  categoryWord: undefined,
  reference: 'case 7',
  note: 'seen twice',
  expiresAtSeconds: 0,
  mode: 'enforce',
  rolloutSlot: 0,
  maintainer: 'Fraud desk',
  addedAtSeconds: 1_700_000_000,
  addedInVersion: 42,
  isApproved: false,
};
const event: NameEvent = {
  atSeconds: 1_700_000_000,
  list: 'desk',
  version: 42,
  what: 'added',
  scope: 'subtree',
  maintainer: 'Fraud desk',
  reason: 'order 12',
  reference: 'case 7',
};

const asked: unknown[] = [];
const ledger: Partial<Ledger> = {
  lookUp: (names) => {
    asked.push(names);
    return Promise.resolve([
      { list: 'desk', name: 'pay.example', entries: [pushed] },
      { list: 'other', name: 'pay.example', entries: [{ ...pushed, reference: 'secret of the other' }] },
    ]);
  },
  history: (name) => Promise.resolve(name === 'pay.example' ? [event, { ...event, list: 'other' }] : []),
  findIncident: () => Promise.resolve(undefined),
};

interface Explained {
  readonly [key: string]: unknown;
  readonly rules: { list: string; outcome: string }[];
  readonly sources: { list: string; held: boolean }[];
  readonly history: { list: string }[];
}

function policyOf(policy: TestPolicy): Partial<ApiServices> {
  const made = testPolicy({ lists: LISTS, ...policy });
  return { policy: () => made };
}

const both = policyOf({
  entries: [
    { name: 'pay.example', list: 0, category: 'loan' },
    { name: 'pay.example', list: 1 },
  ],
});

async function ask(url: string, who = 'reader', own: Partial<ApiServices> = both) {
  const response = await createApi(ledger, own).server.inject({ url, headers: bearer(who) });
  return { status: response.statusCode, body: response.json<Explained>() };
}

describe('GET /v1/explain', () => {
  it('says what happens to a name, which rule won, what each list has and what was done', async () => {
    asked.length = 0;
    const { status, body } = await ask('/v1/explain?name=WWW.Pay.example.');
    expect([status, body]).toMatchObject([
      200,
      {
        name: 'www.pay.example',
        verdict: 'blocked',
        list: 'desk',
        entry: 'pay.example',
        category: 'loan',
        authority: 'Fraud desk',
        version: 42,
        reference: 'case 7',
        note: 'seen twice',
        addedAt: '2023-11-14T22:13:20.000Z',
        incident: incidentId('desk', 42, wireName('pay.example')),
        history: [{ at: '2023-11-14T22:13:20.000Z', list: 'desk', reason: 'order 12' }, { list: 'other' }],
      },
    ]);
    expect(body.rules.map(({ list, outcome }) => [list, outcome])).toEqual([
      ['desk', 'decides'],
      ['other', 'outranked'],
    ]);
    expect(body.sources.map(({ list }) => list)).toEqual(['desk', 'other']);
    expect(await schemaProblems(explainAnswerSchema, body)).toBe('valid');
    expect(asked).toEqual([['www.pay.example', 'pay.example', 'example']]);
  });

  it('shows people, references and history only of lists that the token may read', async () => {
    const { body } = await ask('/v1/explain?name=pay.example', 'pusher');
    expect(body.rules).toHaveLength(2);
    expect([...body.sources, ...body.history].map(({ list }) => list)).toEqual(['desk', 'desk']);
    expect(JSON.stringify(body)).not.toContain('secret of the other');
    const first = policyOf({ entries: [{ name: 'pay.example', list: 1 }] });
    expect((await ask('/v1/explain?name=pay.example', 'pusher', first)).body).toMatchObject({
      verdict: 'blocked',
      list: 'other',
      reference: null,
    });
  });

  it('has what pulled lists know, held entries too', async () => {
    const found = {
      name: 'pay.example',
      scope: 'subtree',
      kind: 'block',
      categoryIndex: 0,
      expiresAtSeconds: 0,
      provenance: { reference: 'case 9', authority: 'Police', addedAt: '2026-01-01', note: undefined },
      isHeld: true,
    } as const;
    const finder = { findEntries: () => Promise.resolve([{ list: 'pulled', entry: found }]) };
    const { body } = await ask('/v1/explain?name=pay.example', 'reader', {
      ...both,
      finder,
    } as unknown as Partial<ApiServices>);
    expect(body.sources[0]).toMatchObject({ list: 'pulled', reference: 'case 9', authority: 'Police', held: true });
  });

  it('a name of which nothing is said', async () => {
    const { body } = await ask('/v1/explain?name=other.example');
    expect(body).toMatchObject({ verdict: 'allowed', list: null, rules: [] });
    expect(await schemaProblems(explainAnswerSchema, body)).toBe('valid');
  });

  it.each(['as shown', 'lower', 'an older version'])('finds a block by its incident id, %s', async (how) => {
    const id = incidentId('other', how === 'an older version' ? 6 : 7, wireName('pay.example'));
    const incident = how === 'lower' ? id.toLowerCase().replaceAll('-', '').replaceAll('0', 'o') : id;
    const { status, body } = await ask(`/v1/explain?incident=${incident}`);
    expect((await ask(`/v1/explain?name=${incident}`)).body).toEqual(body);
    expect([status, body['name']]).toEqual([200, 'pay.example']);
  });

  it('finds it in the overlay, and through the ledger when it is gone from the policy', async () => {
    const overlay = policyOf({ entries: [], overlay: [{ name: 'new.example', list: 0 }] });
    const id = incidentId('desk', 42, wireName('new.example'));
    expect((await ask(`/v1/explain?incident=${id}`, 'reader', overlay)).body['name']).toBe('new.example');
    const gone: Partial<Ledger> = {
      ...ledger,
      findIncident: () => Promise.resolve({ list: 'desk', version: 41, entry: pushed }),
    };
    const response = await createApi(gone, policyOf({ entries: [] })).server.inject({
      url: `/v1/explain?incident=${id}`,
      headers: bearer('reader'),
    });
    expect(response.json()).toMatchObject({ name: 'pay.example', verdict: 'allowed' });
  });

  it.each([
    ['', 400, 'badRequest'],
    ['?name=a.example&incident=0000-0000-0000', 400, 'badRequest'],
    ['?name=1.2.3.4', 400, 'badRequest'],
    ['?name=', 400, 'badRequest'],
    ['?incident=0000-0000-000', 400, 'badRequest'],
    ['?incident=0000-0000-000U', 400, 'badRequest'],
    ['?name=a.example&client=nowhere', 400, 'badRequest'],
    ['?incident=0000-0000-0000', 404, 'incidentUnknown'],
    ['?name=0000-0000-0000', 404, 'incidentUnknown'],
  ])('%s is %i %s', async (query, status, code) => {
    expect(await ask(`/v1/explain${query}`)).toMatchObject({ status, body: { code } });
  });

  describe('where another policy comes into force meanwhile', () => {
    /** In force until `retire` is called: its index is emptied then, as the kernel does it. */
    function retiring(before: TestPolicy, after: TestPolicy) {
      const policies = [before, after].map((policy) => testPolicy({ lists: LISTS, ...policy }));
      let inForce = policies[0]!;
      const retire = (): void => {
        const { table, names } = policies[0]!.published.base;
        new Uint8Array(table).fill(0);
        new Uint8Array(names).fill(0);
        inForce = policies[1]!;
      };
      return { retire, own: { policy: () => inForce } };
    }
    const entries = [{ name: 'pay.example', list: 1 }];

    it('a name is judged by the one that is in force when the answer is made', async () => {
      const { retire, own } = retiring({ entries }, { entries });
      const finder = { findEntries: () => Promise.resolve(retire()).then(() => []) };
      const services = { ...own, finder } as unknown as Partial<ApiServices>;
      const { body } = await ask('/v1/explain?name=pay.example', 'reader', services);
      expect(body).toMatchObject({ verdict: 'blocked', list: 'other' });
    });

    it('an incident is looked for again in the one that came', async () => {
      const { retire, own } = retiring({ entries }, { entries });
      let looks = 0;
      const policy = () => {
        const inForce = own.policy();
        if (++looks === 1) retire();
        return inForce;
      };
      const parts = readIncident(incidentId('other', 7, wireName('pay.example')))!;
      expect(await findIncidentInIndex(policy, parts, 1_700_000_000)).toBe('pay.example');
    });
  });

  it('is 503 before the first policy', async () => {
    expect((await ask('/v1/explain?name=a.example', 'reader', {})).status).toBe(503);
  });
});
