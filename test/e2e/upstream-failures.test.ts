/** Upstreams that are dead, slow, failing or lying, and what clients get meanwhile: in time, and once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { ask, closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { answerWithRecords, soaOf } from '../support/scripted-answers.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';
import { option } from '../support/wire.ts';

const SERVFAIL = 2;
const RD = 0x0100;
/** Asks for the AD bit of the answer (RFC 6840 5.7). */
const AD = 0x0020;
const CD = 0x0010;
const DEADLINE_MS = 2_500;

let weir: WeirProcess;
let first: FakeUpstream;
let second: FakeUpstream;
let alone: WeirProcess;
let lonely: FakeUpstream;

const settings = { upstreamQueries: { deadlineMs: DEADLINE_MS, attemptTimeoutMs: 200, attemptsMax: 4 } };

beforeAll(async () => {
  [first, second, lonely] = [await startFakeUpstream(), await startFakeUpstream(), await startFakeUpstream()];
  [weir, alone] = await Promise.all([
    startWeirProcess({ config: { ...settings, upstreams: [first.url, second.url] } }),
    startWeirProcess({ config: { ...settings, upstreams: [lonely.url] } }),
  ]);
});

afterEach(() => {
  closeClients();
  for (const upstream of [first, second, lonely]) upstream.answerWith((asked) => respond(asked));
});

afterAll(async () => {
  await stopAllWeirs();
  for (const upstream of [first, second, lonely]) await upstream.stop();
});

const codes = (response: ReturnType<typeof decoded>): unknown => [
  response.rcode,
  response.edns?.extendedErrors.map(({ infoCode }) => infoCode),
];

describe('one of two upstreams', () => {
  const bad: Record<string, (asked: FakeQuery) => Uint8Array | undefined> = {
    silent: () => undefined,
    SERVFAIL: (asked) => respond(asked, { rcode: 2 }),
    REFUSED: (asked) => respond(asked, { rcode: 5 }),
    garbage: () => new Uint8Array(30).fill(0xff),
    'an answer cut short': (asked) => respond(asked).subarray(0, -3),
  };
  for (const [what, script] of Object.entries(bad)) {
    test(`${what}: every query is answered by the other`, async () => {
      first.answerWith(script);
      for (let i = 0; i < 12; i++) {
        const { rcode, answers } = await ask({ port: weir.port }, `n${i}.${what.replaceAll(' ', '-')}.example`);
        expect([rcode, answers[0]?.data]).toEqual([0, '192.0.2.1']);
      }
    });
  }

  test('dead: every query is answered by the other, and the metric says which is down', async () => {
    const { port, url } = first;
    await first.stop();
    let asked = 0;
    const isUp = async (): Promise<number> => {
      for (let i = 0; i < 10; i++) expect((await ask({ port: weir.port }, `dead${asked++}.example`)).rcode).toBe(0);
      return weir.metric('weir_upstream_up', `upstream="${url}"`);
    };
    await until(isUp, (up) => up === 0, 'the metric says that it is down');
    expect(await weir.metric('weir_upstream_up', `upstream="${second.url}"`)).toBe(1);
    first = await startFakeUpstream(undefined, port);
    await until(isUp, (up) => up === 1, 'the metric says that it is back');
  });
});

const isStale = (response: ReturnType<typeof decoded>): boolean => response.edns?.extendedErrors[0]?.infoCode === 3;

const nxdomain = (asked: FakeQuery): Uint8Array =>
  answerWithRecords(asked, { rcode: 3, authorities: [soaOf('example', 1)] });

describe('the only upstream', () => {
  test('silent: SERVFAIL with EDE 22 at the deadline, not before', async () => {
    lonely.answerWith(() => undefined);
    const response = await ask({ port: alone.port }, 'silent.example');
    expect(codes(response)).toEqual([SERVFAIL, [22]]);
    const seconds = await alone.metric('weir_query_duration_seconds_sum', 'verdict="error"');
    expect(Math.round(seconds * 1000)).toBeGreaterThanOrEqual(DEADLINE_MS);
  });

  test('SERVFAIL and REFUSED are passed on', async () => {
    lonely.answerWith((asked) => respond(asked, { rcode: asked.name.startsWith('servfail') ? 2 : 5 }));
    expect((await ask({ port: alone.port }, 'servfail.example')).rcode).toBe(SERVFAIL);
    expect((await ask({ port: alone.port }, 'refused.example')).rcode).toBe(5);
  });

  test('answers that are malformed: SERVFAIL, and never the octets', async () => {
    lonely.answerWith((asked) => {
      const response = respond(asked, { withEdns: false });
      response[7] = 9;
      return response;
    });
    const response = await ask({ port: alone.port }, 'malformed.example');
    expect([response.rcode, response.answers]).toEqual([SERVFAIL, []]);
  });

  test('stale: an expired answer serves while it fails, with EDE 3 and TTL 30, and the new one when it is back', async () => {
    lonely.answerWith((asked) => respond(asked, { ttlSeconds: 1 }));
    await ask({ port: alone.port }, 'stale.example');
    lonely.answerWith((asked) => respond(asked, { rcode: 2 }));
    const { rcode, answers } = await until(() => ask({ port: alone.port }, 'stale.example'), isStale, 'a stale answer');
    expect([rcode, answers[0]?.ttlSeconds, answers[0]?.data]).toEqual([0, 30, '192.0.2.1']);
    expect(await alone.metric('weir_cache_stale_answers_total')).toBeGreaterThan(0);
  });

  test('stale: a silent upstream keeps nobody waiting until the deadline, and NXDOMAIN says EDE 19', async () => {
    lonely.answerWith(nxdomain);
    expect((await ask({ port: alone.port }, 'stale-nx.example')).rcode).toBe(3);
    lonely.answerWith(() => undefined);
    const response = await until(
      () => ask({ port: alone.port }, 'stale-nx.example'),
      ({ edns }) => (edns?.extendedErrors.length ?? 0) > 0,
      'a stale answer',
    );
    expect(codes(response)).toEqual([3, [19]]);
    expect(response.authorities[0]?.ttlSeconds).toBe(30);
  });
});

describe('what upstreams see', () => {
  test('identical questions under way are one exchange; each client gets its own id and letters back', async () => {
    const held: FakeQuery[] = [];
    lonely.answerWith((asked) => void held.push(asked));
    const client = await UdpClient.open(alone.port);
    const names = ['shared.example', 'SHARED.example', 'Shared.Example', 'shared.EXAMPLE'];
    const waiting = names.map((name) => query(name));
    for (const message of waiting) client.send(message);
    await alone.untilMetric((count) => count >= 3, 'weir_shared_exchanges_total');
    expect(new Set(held.map(({ message }) => `${message[0]} ${message[1]}`)).size).toBeLessThanOrEqual(2);
    for (const asked of held) asked.reply(respond(asked));
    for (const [index, message] of waiting.entries()) {
      const { questions, answers } = decoded(await client.responseTo(message));
      expect([questions[0]?.name, answers.length]).toEqual([names[index], 1]);
    }
  });

  test('never a client subnet, cookie, NSID or padding; RD and AD set; DO and CD as asked; our payload size', async () => {
    const options = [
      option(EdnsOption.ECS, Uint8Array.from([0, 1, 24, 0, 203, 0, 113])),
      option(EdnsOption.COOKIE, new Uint8Array(8).fill(7)),
      option(EdnsOption.NSID, new Uint8Array(0)),
      option(EdnsOption.PADDING, new Uint8Array(20)),
    ];
    const before = lonely.queries.length;
    await ask({ port: alone.port }, 'secret.example', 1, { options, udpPayloadBytes: 4096 });
    await ask({ port: alone.port }, 'secret.example', 1, { dnssecOk: true, checkingDisabled: true });
    const [plain, dnssec] = lonely.queries.slice(before).map(({ message }) => decoded(message));
    expect([plain!.edns?.options, plain!.edns?.udpPayloadBytes, plain!.edns?.dnssecOk]).toEqual([[], 1232, false]);
    expect([plain!.flags, dnssec!.flags]).toEqual([RD | AD, RD | AD | CD]);
    expect(dnssec!.edns?.dnssecOk).toBe(true);
  });

  test('an answer to another question, id or port does not count', async () => {
    lonely.answerWith((asked) => {
      const lie = respond(asked, { addresses: ['203.0.113.66'] });
      asked.reply(Uint8Array.from([lie[0]! ^ 1, ...lie.subarray(1)]));
      asked.reply(respond(asked, { qname: Uint8Array.from([4, 0x65, 0x76, 0x69, 0x6c]), addresses: ['203.0.113.66'] }));
      void lonely.sendFromElsewhere(lie, asked.clientPort).then(() => asked.reply(respond(asked)));
      return undefined;
    });
    for (let i = 0; i < 10; i++) {
      const { answers } = await ask({ port: alone.port }, `good${i}.example`);
      expect(answers.map(({ data }) => data)).toEqual(['192.0.2.1']);
    }
  });
});
