/** POST /v1/appeals: what a help desk takes in for somebody, as what, for whom, and what it is refused with. */
import { afterEach, describe, expect, it } from 'vitest';
import { FILING_RATE } from '../../../../src/control-plane/admin/appeal-filing.ts';
import type { AppealReply } from '../../../../src/control-plane/appeal-messages.ts';
import type { NewAppeal } from '../../../../src/control-plane/ledger/appeal.ts';
import { bearer, closeApis, createApi } from '../../../support/api-harness.ts';
import { testPolicy } from '../../../support/publish-policy.ts';
import { appealRow } from '../../../support/sent-appeal.ts';

afterEach(closeApis);

const POLICY = testPolicy({
  lists: [{ name: 'desk' }, { name: 'secret' }],
  entries: [
    { name: 'bad.example', list: 0 },
    { name: 'hidden.example', list: 1 },
    { name: 'good.bad.example', kind: 'allow' },
  ],
});
const FILING = { name: 'Shop.bad.example.', who: 'owner', contact: '+86 10 1234', reason: 'This shop sells teapots.' };

function createDesk(reply: AppealReply = { kind: 'filed', appeal: appealRow() }) {
  const filed: NewAppeal[] = [];
  const api = createApi(
    { appeal: (id) => Promise.resolve(appealRow({ id })) },
    {
      policy: () => POLICY,
      fileAppeal: (appeal) => {
        filed.push(appeal);
        return Promise.resolve(reply);
      },
    },
  );
  const file = (fields: Readonly<Record<string, unknown>> = {}, who = 'reader') =>
    api.server.inject({ method: 'POST', url: '/v1/appeals', headers: bearer(who), payload: { ...FILING, ...fields } });
  return { api, file, filed };
}

describe('an objection that came by telephone', () => {
  it('is filed with the block as the policy says it, by whom, and of no client; the private path is shown', async () => {
    const { api, file, filed } = createDesk();
    const response = await file();
    expect([response.statusCode, response.json()]).toMatchObject([200, { appeal: { id: 'a1', contact: null } }]);
    const { privatePath } = response.json<{ privatePath: string }>();
    const [appeal] = filed;
    expect(privatePath).toBe(`/weir-appeal/${appeal!.secret}`);
    expect(appeal!.secret).toMatch(/^[A-Za-z0-9_-]{27}$/);
    const { contact, reason, who } = FILING;
    const block = { list: 'desk', name: 'shop.bad.example', entry: 'bad.example' };
    expect(appeal).toMatchObject({ ...block, who, contact, reason, client: undefined, by: { name: 'Control room' } });
    expect(appeal!.incident).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(api.logged.join('')).not.toMatch(/teapots|1234|shop\.bad/);
  });

  it.each([
    [{ name: 'other.example' }, 409, 'notBlocked'],
    [{ name: 'good.bad.example' }, 409, 'notBlocked'],
    [{ name: 'no name' }, 400, 'badRequest'],
    [{ who: 'police' }, 400, 'badRequest'],
    [{ reason: 'x'.repeat(5_000) }, 400, 'badRequest'],
    [{ list: 'desk' }, 400, 'badRequest'],
  ])('is not taken in: %j', async (fields, status, code) => {
    const { file, filed } = createDesk();
    const response = await file(fields);
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
    expect(filed).toEqual([]);
  });

  it('is refused to who may not read the list', async () => {
    const { file, filed } = createDesk();
    for (const [fields, who] of [
      [{}, 'proposer'],
      [{}, 'elsewhere'],
      [{ name: 'hidden.example' }, 'pusher'],
    ] as const) {
      expect((await file(fields, who)).json()).toMatchObject({ code: 'forbidden' });
    }
    expect(filed).toEqual([]);
  });

  it.each([
    ['badContact', 422, 'badAppeal'],
    ['tooManyOfEntry', 409, 'tooManyAppeals'],
    ['appealsClosed', 409, 'appealsClosed'],
    ['storeFull', 507, 'storeFull'],
  ] as const)('passes on what the ledger refuses: %s', async (refused, status, code) => {
    const response = await createDesk({ kind: 'refused', code: refused }).file();
    expect([response.statusCode, response.json()]).toMatchObject([status, { code }]);
  });

  it('is one of a few at a time from one token', async () => {
    const { file } = createDesk({ kind: 'unavailable' });
    for (let i = 0; i < FILING_RATE.burst; i++) expect((await file()).statusCode).toBe(503);
    const response = await file();
    expect([response.statusCode, Number(response.headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await file({}, 'everything')).statusCode).toBe(503);
  });
});
