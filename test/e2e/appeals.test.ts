/** Objections to blocks in the real process: from the form of the warning page to a name that answers on every thread. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RecordType } from '../../src/dns/iana.ts';
import { ask } from '../support/dns-client.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { maintainerOf, type Maintainer } from '../support/maintainer.ts';
import { answerWithRecords } from '../support/scripted-answers.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';
import { record } from '../support/wire.ts';

const SINKHOLE = '192.0.2.53';
const REAL = '192.0.2.1';
const SOCKETS = 8;
/** Starts of a process, on a machine that may be busy. */
const PROCESS_MS = 120_000;
const FIELDS = { who: 'owner', contact: 'wang@mail.example', reason: 'This shop sells teapots.', evidenceUrl: '' };

vi.setConfig({ testTimeout: PROCESS_MS, hookTimeout: PROCESS_MS });

let upstream: FakeUpstream;
const published = new Map<string, string>();
beforeAll(async () => {
  upstream = await startFakeUpstream((query) => {
    if (query.qtype !== RecordType.TXT) return respond(query);
    const token = published.get(query.name);
    const answers = token === undefined ? [] : [record(query.name, RecordType.TXT, 60, characterString(token))];
    return answerWithRecords(query, { answers });
  });
});
afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

function characterString(value: string): Uint8Array {
  return Uint8Array.of(value.length, ...Buffer.from(value));
}

async function addressesOf(weir: WeirProcess, name: string): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < SOCKETS; i++) seen.add((await ask({ port: weir.port }, name)).answers.at(-1)?.data ?? 'none');
  return [...seen];
}

interface PageReply {
  readonly status: number;
  readonly body: string;
}

/** One request to the warning page, as a browser sends it. */
async function page(weir: WeirProcess, host: string, path: string, form?: Record<string, string>): Promise<PageReply> {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      host,
      accept: 'text/html',
      'accept-language': 'en',
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const method = body === undefined ? 'GET' : 'POST';
    httpRequest(new URL(path, weir.pageUrl), { method, headers, agent: false }, resolve).on('error', reject).end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** Fills the form in and sends it; the path of the private page. */
async function fileAppeal(weir: WeirProcess, host: string, more: Partial<typeof FIELDS> = {}): Promise<string> {
  const form = await page(weir, host, '/weir-appeal?lang=en');
  expect(form.status).toBe(200);
  const hidden = Object.fromEntries(
    [...form.body.matchAll(/name="(key|incident)" value="([^"]+)"/g)].map(([, name, value]) => [name!, value!]),
  );
  const filed = await page(weir, host, '/weir-appeal?lang=en', { ...FIELDS, ...more, ...hidden });
  expect([filed.status, filed.body.includes('has been received')]).toEqual([201, true]);
  return `/weir-appeal/${hidden['key']}?lang=en`;
}

const config = (more: Readonly<Record<string, unknown>> = {}) => ({
  workers: 2,
  upstreams: [upstream.url],
  listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '127.0.0.1:0' },
  sinkhole: { addresses: [SINKHOLE] },
  lists: [{ name: 'desk', source: 'push', twoPersons: true, appealDays: 7 }],
  appeals: { enabled: true },
  ...more,
});

describe('an objection', () => {
  let weir: WeirProcess;
  let desk: Maintainer;
  let judge: Maintainer;
  beforeAll(async () => {
    weir = await startWeirProcess({ config: config() });
    desk = maintainerOf(weir, ['*'], ['push', 'approve', 'read'], 'Fraud desk');
    judge = maintainerOf(weir, ['desk'], ['approve'], 'Province');
    await desk.push('desk', ['bad.example']);
  });

  test('that is upheld lifts the block on every thread, and its private page says so', async () => {
    expect(await addressesOf(weir, 'shop.bad.example')).toEqual([SINKHOLE]);
    expect((await page(weir, 'shop.bad.example', '/')).body).toContain('href="/weir-appeal?lang=en"');
    const path = await fileAppeal(weir, 'shop.bad.example');
    expect((await page(weir, '192.0.2.53', path)).body).toContain('<b>Received</b>');

    const { body } = await judge.get('/v1/appeals?state=received');
    expect(body).toMatchObject({
      appeals: [
        { id: 'a1', name: 'shop.bad.example', entry: 'bad.example', contact: 'wang@mail.example', who: 'owner' },
      ],
    });
    await weir.untilMetric((value) => value === 1, 'weir_appeals', 'state="received"');
    expect(await weir.metric('weir_appeals_overdue', 'list="desk"')).toBe(0);
    expect((await judge.post('/v1/appeals/a1/review', {})).status).toBe(200);
    expect((await page(weir, '192.0.2.53', path)).body).toContain('Somebody is looking at it');

    const own = await desk.post('/v1/appeals/a1/uphold', { reason: 'mine' });
    expect([own.status, own.body]).toMatchObject([403, { code: 'samePerson' }]);
    expect(await addressesOf(weir, 'shop.bad.example')).toEqual([SINKHOLE]);

    const upheld = await judge.post('/v1/appeals/a1/uphold', { reason: 'A shop indeed.' });
    expect([upheld.status, upheld.body]).toMatchObject([200, { version: 2, stillBlockedBy: null }]);
    expect(await addressesOf(weir, 'shop.bad.example')).toEqual([REAL]);
    const after = await page(weir, '192.0.2.53', path);
    expect([after.body.includes('the block is lifted'), after.body.includes('A shop indeed.')]).toEqual([true, true]);
    expect((await page(weir, 'shop.bad.example', '/weir-appeal')).status).toBe(404);
    expect(weir.program.output()).not.toMatch(/wang|teapots|shop\.bad/);
  });

  test('of an owner who has published the token below the name shows it, though the name is blocked', async () => {
    await desk.push('desk', ['evil.example']);
    const path = await fileAppeal(weir, 'evil.example');
    const before = await page(weir, '192.0.2.53', path, { by: 'dns' });
    expect(before.body).toContain('was not found there');
    published.set('_weir-appeal.evil.example', /<p class="token" translate="no">([^<]+)/.exec(before.body)![1]!);
    expect((await page(weir, '192.0.2.53', path, { by: 'dns' })).body).toContain('You have shown');
    const { body } = await judge.get('/v1/appeals/a2');
    expect(body).toMatchObject({ appeal: { ownerProof: 'dns' } });
  });

  test('that a help desk takes in by telephone is followed by its private path', async () => {
    await desk.push('desk', ['called.example']);
    const sent = { name: 'called.example', who: 'subscriber', contact: '+86 10 1234', reason: 'It is my own bank.' };
    const filed = await desk.post('/v1/appeals', sent);
    expect([filed.status, filed.body]).toMatchObject([200, { appeal: { state: 'received', entry: 'called.example' } }]);
    const { privatePath } = filed.body as { privatePath: string };
    expect((await page(weir, '192.0.2.53', `${privatePath}?lang=en`)).body).toContain('<b>Received</b>');
    expect((await desk.post('/v1/appeals', { ...sent, name: 'good.example' })).body).toMatchObject({
      code: 'notBlocked',
    });
  });

  test('is limited for one connection a day', async () => {
    await desk.push('desk', ['c.example', 'd.example', 'e.example', 'f.example']);
    for (const host of ['c.example', 'd.example', 'e.example']) await fileAppeal(weir, host);
    const refused = await page(weir, 'f.example', '/weir-appeal?lang=en', { ...FIELDS, key: 'x'.repeat(27) });
    expect([refused.status, refused.body.includes('several objections today')]).toEqual([429, true]);
  });
});

describe('an objection to a list that is pulled', () => {
  test('that is upheld keeps the entry out, now, in the next version, and after a restart', async () => {
    const lists = { lists: [{ name: 'police', source: 'police.txt' }] };
    const weir = await startWeirProcess({
      files: { 'police.txt': 'bad.example\nworse.example\n' },
      config: config(lists),
    });
    await fileAppeal(weir, 'www.bad.example');
    const judge = maintainerOf(weir, ['police'], ['approve']);
    const upheld = await judge.post('/v1/appeals/a1/uphold', { reason: 'a bank' });
    expect([upheld.status, upheld.body]).toMatchObject([200, { stillBlockedBy: null }]);
    expect(await addressesOf(weir, 'www.bad.example')).toEqual([REAL]);
    expect(await addressesOf(weir, 'worse.example')).toEqual([SINKHOLE]);
    weir.write('police.txt', 'bad.example\nworse.example\nworst.example\n');
    await expect.poll(() => addressesOf(weir, 'worst.example'), { timeout: 20_000 }).toEqual([SINKHOLE]);
    expect(await addressesOf(weir, 'www.bad.example')).toEqual([REAL]);
    expect(await judge.get('/v1/holds')).toMatchObject({ body: { holds: [{ name: 'bad.example', guard: 'appeal' }] } });
    await weir.stop();
    const again = await startWeirProcess({ folder: weir.folder, config: config(lists) });
    await expect.poll(() => addressesOf(again, 'www.bad.example'), { timeout: 20_000 }).toEqual([REAL]);
    expect(await addressesOf(again, 'worse.example')).toEqual([SINKHOLE]);
  });
});

describe('where nobody takes objections', () => {
  test('there is no form, and a reload opens it', async () => {
    const weir = await startWeirProcess({ config: config({ appeals: {} }) });
    const desk = maintainerOf(weir);
    await desk.push('desk', ['bad.example']);
    const closed = await page(weir, 'bad.example', '/weir-appeal', FIELDS);
    expect([closed.status, closed.body.includes('weir-appeal')]).toEqual([405, false]);
    weir.writeConfig(config());
    weir.program.signal('SIGHUP');
    await expect.poll(async () => (await page(weir, 'bad.example', '/weir-appeal')).status).toBe(200);
    await fileAppeal(weir, 'bad.example');
  });
});
