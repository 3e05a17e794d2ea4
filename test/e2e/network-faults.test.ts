/** A network that loses, delays, reorders and doubles, and an upstream that lies: what clients get all the same. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { aRecord, answerWithRecords, soaOf } from '../support/scripted-answers.ts';
import { startUdpRelay } from '../support/udp-relay.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const FORGED = '192.0.2.66';
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});

afterEach(() => {
  closeClients();
  upstream.answerWith((asked) => respond(asked));
});

afterAll(async () => {
  await stopAllWeirs();
  await upstream.stop();
});

/** An address that only this name has: 198.18.0.0/15 is for tests (RFC 2544). */
function addressOf(index: number): string {
  return `198.18.${index >>> 8}.${index & 0xff}`;
}

const indexOf = (name: string): number => Number(/\d+/.exec(name)?.[0]);

const ATTEMPTS_MAX = 10;
/**
 * Why a limit: of 400 queries with ten attempts each, one that loses all ten is rightly SERVFAIL, and with a fifth of the
 * datagrams lost that is one run in 68. Half of the attempts are left for what a busy machine's own buffers drop.
 */
const LOSSES_OF_ONE_MAX = ATTEMPTS_MAX / 2;

describe.each([
  ['a fifth of all datagrams lost', { loss: 0.2, doubled: 0, delayMs: [0, 5] }],
  ['delays of up to 80 ms, so that the order is lost', { loss: 0, doubled: 0, delayMs: [1, 80] }],
  ['loss, delay, and a third of all datagrams doubled', { loss: 0.1, doubled: 0.33, delayMs: [1, 40] }],
] as const)('between Weir and its upstream %s', (_, faults) => {
  test('every query with attempts left is answered once, with the answer to it', async () => {
    upstream.answerWith((asked) => respond(asked, { addresses: [addressOf(indexOf(asked.name))] }));
    const relay = await startUdpRelay(upstream.port, {
      seed: 20_260_101,
      lossesOfOneMax: LOSSES_OF_ONE_MAX,
      ...faults,
    });
    const weir = await startWeirProcess({
      config: {
        upstreams: [relay.url],
        upstreamQueries: { deadlineMs: 15_000, attemptTimeoutMs: 300, attemptsMax: ATTEMPTS_MAX },
      },
    });
    const client = await UdpClient.open(weir.port);
    const messages = Array.from({ length: 400 }, (__, index) => query(`host${index}.example`));
    for (const message of messages) client.send(message);
    await until(
      () => client.received.length,
      (count) => count >= messages.length,
      'all are answered',
    );
    const answers = client.received.map((message) => decoded(message));
    expect(answers.filter(({ rcode }) => rcode !== 0)).toEqual([]);
    const given = answers.map(({ questions: [asked], answers: [record] }) => [indexOf(asked!.name), record?.data]);
    const expected = messages.map((__, index) => [index, addressOf(index)]);
    expect(given.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual(expected);
    if (faults.loss > 0) expect(relay.lost).toBeGreaterThan(20);
    // Three of 400 that a fifth is lost of: (1 - 0.36 ** 3) ** 400, less than once in a hundred million runs, have none.
    if (faults.loss === 0.2) expect(relay.lostOfOne).toBeGreaterThanOrEqual(3);
    if (faults.doubled > 0) expect(relay.doubled).toBeGreaterThan(20);
    expect(relay.reordered).toBeGreaterThan(20);
    await weir.stop();
    await relay.stop();
  });
});

describe('an upstream that lies', () => {
  const DEADLINE_MS = 1_500;
  let weir: WeirProcess;

  beforeAll(async () => {
    weir = await startWeirProcess({
      config: { upstreams: [upstream.url], upstreamQueries: { deadlineMs: DEADLINE_MS, attemptTimeoutMs: 700 } },
    });
  });

  const forgedBy = (change: (forged: Uint8Array) => void) => (asked: FakeQuery) => {
    const forged = respond(asked, { addresses: [FORGED] });
    change(forged);
    return forged;
  };
  const lies: Record<string, (asked: FakeQuery) => Uint8Array> = {
    'another id': forgedBy((forged) => void (forged[1]! ^= 1)),
    'another name': forgedBy((forged) => void (forged[13]! ^= 1)),
    'another type': forgedBy((forged) => void (forged[forged.indexOf(0, 12) + 2]! ^= 2)),
    garbage: (asked) => Uint8Array.from({ length: 40 }, (_, at) => (at < 2 ? asked.message[at]! : 0xff)),
  };

  const label = (lie: string): string => lie.replaceAll(' ', '-');

  test.each(Object.keys(lies))('%s before the truth: the truth is the answer', async (lie) => {
    upstream.answerWith((asked) => {
      asked.reply(lies[lie]!(asked));
      return respond(asked);
    });
    expect((await ask({ port: weir.port }, `truth.${label(lie)}.example`)).answers.map(({ data }) => data)).toEqual([
      '192.0.2.1',
    ]);
  });

  test.each(Object.keys(lies))('%s and nothing else: SERVFAIL in time, and never the lie', async (lie) => {
    upstream.answerWith((asked) => lies[lie]!(asked));
    const response = await ask({ port: weir.port }, `lies.${label(lie)}.example`);
    expect([response.rcode, response.answers]).toEqual([2, []]);
  });

  test('from another port: the lie is not the answer', async () => {
    upstream.answerWith(() => undefined);
    const client = await UdpClient.open(weir.port);
    const message = query('port.example');
    const before = upstream.queries.length;
    client.send(message);
    await upstream.received(before + 1);
    const asked = upstream.queries.at(-1);
    await upstream.sendFromElsewhere(respond(asked!, { addresses: [FORGED] }), asked!.clientPort);
    asked!.reply(respond(asked!));
    expect(decoded(await client.responseTo(message)).answers.map(({ data }) => data)).toEqual(['192.0.2.1']);
  });

  test('records of names that nobody asked for do not become the answer to those names', async () => {
    upstream.answerWith((asked) =>
      asked.name === 'bait.example'
        ? answerWithRecords(asked, {
            answers: [aRecord('bait.example', '192.0.2.7'), aRecord('bank.example', FORGED)],
            authorities: [soaOf('example')],
            additionals: [aRecord('bank.example', FORGED), aRecord('www.bank.example', FORGED)],
          })
        : respond(asked),
    );
    await ask({ port: weir.port }, 'bait.example');
    for (const name of ['bank.example', 'www.bank.example'])
      expect((await ask({ port: weir.port }, name)).answers.map(({ data }) => data)).toEqual(['192.0.2.1']);
    expect(upstream.queries.slice(-3).map(({ name }) => name)).toEqual([
      'bait.example',
      'bank.example',
      'www.bank.example',
    ]);
  });
});
