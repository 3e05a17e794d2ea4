/** The form for objections and the private page of one: what is asked of the desk, what is shown, what never comes back. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { PAGE_LANGUAGES } from '../../../../src/config/page-text-keys.ts';
import type { AppealQuestion, AppealReply, AppealView } from '../../../../src/control-plane/appeal-messages.ts';
import { APPEAL_BODY_BYTES_MAX } from '../../../../src/control-plane/warning-page/appeal-body.ts';
import { clientKey } from '../../../../src/control-plane/warning-page/client-key.ts';
import { PAGE_OUTCOMES } from '../../../../src/telemetry/counter-labels.ts';
import { Counter, createCounters } from '../../../../src/telemetry/counters.ts';
import { BLOCKED, testWarningPage, type TestPageOptions } from '../../../support/warning-page.ts';

const SECRET = 'abcdefghijklmnopqrstuvwxyz0';
const HTML = { host: 'login.bad.example', accept: 'text/html', 'accept-language': 'en' };
const FORM = { ...HTML, 'content-type': 'application/x-www-form-urlencoded' };
const FIELDS = {
  who: 'owner',
  contact: 'wang@mail.example',
  reason: 'This shop sells teapots.',
  evidenceUrl: 'https://tea.example/licence',
  key: SECRET,
  incident: BLOCKED.incident,
};

function view(more: Partial<AppealView> = {}): AppealView {
  return {
    id: 'a7',
    name: 'login.bad.example',
    who: 'owner',
    state: 'received',
    createdAtSeconds: 1_800_000_000,
    dueAtSeconds: 1_801_296_000,
    decisionReason: undefined,
    ownerProof: 'none',
    proofToken: 'publish-this-token',
    ...more,
  };
}

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function createPage(reply: AppealReply = { kind: 'unavailable' }, more: TestPageOptions & { statusUrl?: string } = {}) {
  const asked: AppealQuestion[] = [];
  const ask = (question: AppealQuestion) => {
    asked.push(question);
    return Promise.resolve(reply);
  };
  const desk = { ask, retentionDays: 90, statusUrl: more.statusUrl ?? '' };
  const { server } = testWarningPage({ ...more, desk });
  open.push({ close: async () => server.close() });
  const get = (url: string, headers: Record<string, string> = HTML) => server.inject({ url, headers });
  const post = (url: string, payload: string | object, headers: Record<string, string> = FORM) =>
    server.inject({
      url,
      method: 'POST',
      headers,
      remoteAddress: '192.0.2.1',
      payload: typeof payload === 'string' ? payload : new URLSearchParams({ ...payload }).toString(),
    });
  return { server, asked, get, post };
}

describe('the form', () => {
  it('is linked from the page of a blocked name, in the language of the page', async () => {
    const { get } = createPage();
    expect((await get('/?lang=ug')).body).toContain('href="/weir-appeal?lang=ug"');
    const { server } = testWarningPage();
    open.push({ close: async () => server.close() });
    expect((await server.inject({ url: '/', headers: HTML })).body).not.toContain('weir-appeal');
    expect((await server.inject({ url: '/weir-appeal', headers: HTML })).statusCode).toBe(451);
  });

  it.each(PAGE_LANGUAGES)('has a label and words for every field, small, without scripts: %s', async (language) => {
    const { get } = createPage();
    const { statusCode, headers, body } = await get(`/weir-appeal?lang=${language}`);
    expect(statusCode).toBe(200);
    expect(headers['content-security-policy']).toContain("form-action 'self'");
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    for (const id of ['who', 'who-owner', 'contact', 'reason', 'evidence']) {
      expect(body).toContain(`<label for="${id}">`);
      expect(body).toContain(`id="${id}"`);
    }
    for (const [, id] of body.matchAll(/aria-describedby="([^"]+)"/g)) expect(body).toContain(`id="${id}"`);
    expect(body).toContain('login.bad.example');
    expect(body).toMatch(/name="key" value="[\w-]{27}"/);
    expect(body).not.toMatch(/<script|\sstyle=|\son\w+=|undefined|\{days\}/i);
    expect(Buffer.byteLength(body)).toBeLessThan(30_000);
  });

  it('has another key each time', async () => {
    const { get } = createPage();
    const keyOf = async () => /name="key" value="([^"]+)"/.exec((await get('/weir-appeal')).body)?.[1];
    expect(await keyOf()).not.toBe(await keyOf());
  });

  it('is not there for a name that is not blocked, and nothing is asked', async () => {
    const { get, post, asked } = createPage();
    const headers = { ...FORM, host: 'good.example' };
    expect((await get('/weir-appeal', headers)).statusCode).toBe(404);
    expect((await post('/weir-appeal', FIELDS, headers)).statusCode).toBe(405);
    expect(asked).toEqual([]);
  });
});

describe('an objection', () => {
  it('goes to the desk with the block as the policy says it, whatever the form says', async () => {
    const { post, asked } = createPage({ kind: 'filed', appeal: view() });
    const forged = {
      ...FIELDS,
      list: 'other',
      name: 'bank.example',
      entry: 'bank.example',
      incident: 'AAAA-AAAA-AAAA',
    };
    const { statusCode, body } = await post('/weir-appeal', forged);
    expect(statusCode).toBe(201);
    const { key: _key, ...rest } = FIELDS;
    expect(asked).toEqual([
      {
        kind: 'file',
        appeal: {
          ...rest,
          list: 'police-fraud',
          name: 'login.bad.example',
          entry: 'bad.example',
          secret: SECRET,
          client: clientKey('192.0.2.1'),
        },
      },
    ]);
    expect(body).toContain('Your objection has been received');
    expect(body).toMatch(new RegExp(`href="http://[^"/]+/weir-appeal/${SECRET}\\?lang=en"`));
    expect(body).toContain('2027-01-30');
    expect(body).toContain('_weir-appeal.login.bad.example');
    expect(body).toContain('publish-this-token');
    expect(body).not.toContain('wang@mail.example');
  });

  it('keeps the number that the reader was shown, where a newer version of the list says the same', async () => {
    const { post, asked } = createPage({ kind: 'filed', appeal: view() }, { blocked: { incident: '0040-1000-0000' } });
    await post('/weir-appeal', { ...FIELDS, incident: '0041-1000-0000' });
    await post('/weir-appeal', { ...FIELDS, incident: '0041-1000-0001' });
    expect(asked.map((question) => question.kind === 'file' && question.appeal.incident)).toEqual([
      '0041-1000-0000',
      '0040-1000-0000',
    ]);
  });

  it('keeps no number that is not written as the page writes it, however long', async () => {
    const { post, asked } = createPage({ kind: 'filed', appeal: view() }, { blocked: { incident: '0040-1000-0000' } });
    const sent = [
      '0041 1000 0000',
      '004110000000',
      'oo41-1ooo-0000',
      `0041-1000-0000${' \n\u202e'.repeat(500).trim()}`,
    ];
    for (const incident of [...sent, `0041-1000${'-'.repeat(9_000)}0000`])
      await post('/weir-appeal', { ...FIELDS, incident });
    expect(new Set(asked.map((question) => question.kind === 'file' && question.appeal.incident))).toEqual(
      new Set(['0040-1000-0000']),
    );
  });

  it('has its private link where the operator says', async () => {
    const { post } = createPage({ kind: 'filed', appeal: view() }, { statusUrl: 'https://objections.isp.example/' });
    expect((await post('/weir-appeal', FIELDS)).body).toContain(
      `href="https://objections.isp.example/weir-appeal/${SECRET}?lang=en"`,
    );
  });

  it.each([
    ['badWho', 422, 'who'],
    ['badContact', 422, 'contact'],
    ['badReason', 422, 'reason'],
    ['badEvidence', 422, 'evidence'],
    ['badSecret', 400, undefined],
    ['tooManyOfEntry', 409, undefined],
    ['tooManyOfList', 503, undefined],
    ['tooManyOfClient', 429, undefined],
    ['appealsClosed', 403, undefined],
    ['storeFull', 503, undefined],
    ['storeUnavailable', 503, undefined],
  ] as const)(
    'that is refused (%s) comes back with what was written and what was wrong',
    async (code, status, field) => {
      const { post } = createPage({ kind: 'refused', code });
      const { statusCode, body } = await post('/weir-appeal', FIELDS);
      expect(statusCode).toBe(status);
      expect(body).toContain('role="alert"');
      expect(body).toContain('value="wang@mail.example"');
      expect(body).toContain('>\nThis shop sells teapots.</textarea>');
      if (field !== undefined) expect(body).toContain(`<a href="#${field}">`);
      expect(body.includes('aria-invalid')).toBe(field !== undefined && field !== 'who');
      expect(body.includes(SECRET)).toBe(code !== 'badSecret');
    },
  );

  it('that nobody answers for is said not to be kept', async () => {
    const { statusCode, headers, body } = await createPage().post('/weir-appeal', FIELDS);
    expect([statusCode, headers['retry-after']]).toEqual([503, '60']);
    expect(body).toContain('nothing was kept');
  });

  it('cannot bring markup into the page', async () => {
    const evil = '"><img src=x onerror=alert(1)></textarea><script>alert(1)</script>\r\n&#10;';
    const fields = Object.fromEntries(Object.keys(FIELDS).map((key) => [key, evil]));
    for (const code of ['badReason', 'badSecret'] as const) {
      const { body } = await createPage({ kind: 'refused', code }).post('/weir-appeal', fields);
      expect(body).not.toMatch(/<img|<script|onerror=alert\(1\)>/);
      expect(body.match(/<\/textarea>/g)).toHaveLength(1);
    }
    const appeal = view({ decisionReason: evil, proofToken: evil, name: evil, state: 'rejected' });
    const { body } = await createPage({ kind: 'status', appeal }).get(`/weir-appeal/${SECRET}`);
    expect(body).not.toMatch(/<img|<script/);
  });

  it('keeps its paragraphs when it comes back', async () => {
    const { body } = await createPage({ kind: 'refused', code: 'badContact' }).post('/weir-appeal', {
      ...FIELDS,
      reason: 'one\r\n\r\n  two',
    });
    expect(body).toContain('>\none&#10;&#10;  two</textarea>');
  });

  it('may come from a program as JSON', async () => {
    const headers = { host: 'login.bad.example', accept: 'application/json', 'content-type': 'application/json' };
    const { key: _key, incident: _incident, ...fields } = FIELDS;
    const filed = createPage({ kind: 'filed', appeal: view() });
    const response = await filed.post('/weir-appeal', JSON.stringify(fields), headers);
    expect([response.statusCode, response.headers['content-type']]).toEqual([201, 'application/json; charset=utf-8']);
    const { link, ...body } = response.json<Record<string, unknown>>();
    expect(body).toMatchObject({ id: 'a7', state: 'received', dueAt: '2027-01-30T08:00:00.000Z' });
    const [question] = filed.asked;
    expect(link).toContain(question?.kind === 'file' ? question.appeal.secret : '?');
    const refused = await createPage({ kind: 'refused', code: 'badContact' }).post('/weir-appeal', '{}', headers);
    expect([refused.statusCode, refused.headers['content-type']]).toEqual([
      422,
      'application/problem+json; charset=utf-8',
    ]);
    expect(refused.json()).toMatchObject({ code: 'badContact', status: 422 });
  });

  it.each([
    ['no content type', 'who=owner', { 'content-type': '' }],
    ['another content type', '<a/>', { 'content-type': 'text/xml' }],
    ['JSON that is none', '{"who":', { 'content-type': 'application/json' }],
    ['JSON that is a list', '[]', { 'content-type': 'application/json' }],
    ['a field that is no text', '{"who":{"a":1}}', { 'content-type': 'application/json' }],
    ['a file upload', '--x\r\n\r\n--x--', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['too many fields', 'a=1&'.repeat(21), {}],
    ['a body that is too long', `reason=${'x'.repeat(APPEAL_BODY_BYTES_MAX)}`, {}],
  ])('that is no form is refused without asking the desk: %s', async (_what, body, headers) => {
    const { post, asked } = createPage();
    const response = await post('/weir-appeal', body, { ...FORM, ...headers });
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain('The form could not be read');
    expect(asked).toEqual([]);
  });

  it('is read on no other path, and by no other method', async () => {
    const { post, server, asked } = createPage();
    for (const path of ['/', '/weir-appeals', '/weir-appeal/', '/weir%2dappeal', '/weir-appeal/short']) {
      expect((await post(path, FIELDS)).statusCode).toBe(405);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH'] as const) {
      expect((await server.inject({ url: '/weir-appeal', method, headers: HTML })).statusCode).toBe(405);
    }
    expect(asked).toEqual([]);
  });

  it('in absolute form is told that it could not be read', async () => {
    const { server } = createPage();
    const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      'POST http://login.bad.example/weir-appeal HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nAccept-Language: en\r\nContent-Length: 9\r\n\r\nwho=owner',
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*The form could not be read/);
  });
});

describe('the private page', () => {
  it.each(['192.0.2.80', 'good.example', 'login.bad.example', 'isp.example:8080'])(
    'is there at any host: %s',
    async (host) => {
      const { get, asked } = createPage({
        kind: 'status',
        appeal: view({ state: 'rejected', decisionReason: 'A copy.' }),
      });
      const { statusCode, headers, body } = await get(`/weir-appeal/${SECRET}`, { ...HTML, host });
      expect(statusCode).toBe(200);
      expect(asked).toEqual([{ kind: 'status', secret: SECRET }]);
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
      expect(body).toContain('The block stays');
      expect(body).toContain('A copy.');
      expect(body).not.toContain('publish-this-token');
    },
  );

  it('is a 404 for a link that nobody has, and a 503 while nobody can say', async () => {
    const unknown = await createPage({ kind: 'unknown' }).get(`/weir-appeal/${SECRET}`);
    expect([unknown.statusCode, unknown.body.includes('no objection at this link')]).toEqual([404, true]);
    expect((await createPage().get(`/weir-appeal/${SECRET}`)).statusCode).toBe(503);
  });

  it('lets an owner have the proof looked at', async () => {
    const failing = createPage({ kind: 'notProved', appeal: view() });
    expect((await failing.post(`/weir-appeal/${SECRET}`, { by: 'dns' })).body).toContain('was not found there');
    expect(failing.asked).toEqual([{ kind: 'prove', secret: SECRET, by: 'dns' }]);
    const proved = createPage({ kind: 'status', appeal: view({ ownerProof: 'http' }) });
    expect((await proved.post(`/weir-appeal/${SECRET}`, { by: 'http' })).body).toContain('You have shown');
    await proved.post(`/weir-appeal/${SECRET}`, { by: 'ftp' });
    expect(proved.asked.map(({ kind }) => kind)).toEqual(['prove', 'status']);
  });

  it('says nothing of proofs to a subscriber', async () => {
    const { body } = await createPage({ kind: 'status', appeal: view({ who: 'subscriber' }) }).get(
      `/weir-appeal/${SECRET}`,
    );
    expect(body).not.toContain('publish-this-token');
  });
});

it('requests for and with objections are counted by what they came to', async () => {
  const cells = new Float64Array(createCounters());
  const { get, post } = createPage({ kind: 'filed', appeal: view() }, { cells });
  await get('/weir-appeal');
  await post('/weir-appeal', FIELDS);
  await post('/weir-appeal', 'x', { ...FORM, 'content-type': 'text/plain' });
  const count = (outcome: (typeof PAGE_OUTCOMES)[number]) =>
    cells[Counter.pageOutcomes + PAGE_OUTCOMES.indexOf(outcome)];
  expect([count('appealShown'), count('appealFiled'), count('appealRefused')]).toEqual([1, 1, 1]);
});
