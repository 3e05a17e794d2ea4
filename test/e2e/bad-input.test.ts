/** Octets that are no query: what each gets, which counter moves, and that the next good query is answered. */
import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, closeClients, decoded, idOf, query, UdpClient } from '../support/dns-client.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';
import { concat, header, hex, opt, option, question, record, words } from '../support/wire.ts';

const RANDOM_MESSAGES = 3_000;
const ID = 0xbeef;
const RD = 0x0100;
const QR = 0x8000;

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: { upstreams: ['udp://127.0.0.1:9'], lists: [{ name: 'list', source: 'list.txt' }] },
  });
});

afterEach(async () => {
  closeClients();
  expect((await ask({ port: weir.port }, 'listed.example')).answers).toHaveLength(1);
  expect(weir.logs().filter(({ level }) => level === 'error')).toEqual([]);
});

afterAll(stopAllWeirs);

/** What a message gets, with a good query behind it as the sign that it has been dealt with. */
async function responseTo(message: Uint8Array): Promise<Uint8Array | undefined> {
  const client = await UdpClient.open(weir.port);
  client.send(message);
  const marker = query('listed.example');
  await client.exchange(marker);
  const others = client.received.filter((response) => idOf(response) !== idOf(marker));
  expect(others.length).toBeLessThan(2);
  return others[0];
}

function dropped(reason: string): Promise<number> {
  return weir.metric('weir_dropped_queries_total', `reason="${reason}"`);
}

describe('no answer at all', () => {
  test('to 0 to 11 octets', async () => {
    const before = await dropped('tooShort');
    for (let length = 0; length < 12; length++) {
      expect(await responseTo(query('listed.example').subarray(0, length)), `${length}`).toBeUndefined();
    }
    expect((await dropped('tooShort')) - before).toBe(12);
  });

  test('to a response, or two servers would answer each other for ever', async () => {
    const before = await dropped('response');
    const response = query('listed.example');
    response[2] = response[2]! | 0x80;
    expect(await responseTo(response)).toBeUndefined();
    expect(await responseTo(header(ID, QR | 0x7800 | 0x000f))).toBeUndefined();
    expect((await dropped('response')) - before).toBe(2);
  });
});

const ONE = { questions: 1 };
const GOOD = question('listed.example');
const COOKIE = 10;
const FORMERR: Record<string, Uint8Array> = {
  'a header that promises a question': header(ID, RD, ONE),
  'a pointer to itself for a qname': concat(header(ID, RD, ONE), hex('c00c 0001 0001')),
  'a pointer into the header for a qname': concat(header(ID, RD, ONE), hex('c000 0001 0001')),
  'two pointers at each other': concat(header(ID, RD, ONE), hex('c00e c00c 0001 0001')),
  'a label of 64 octets': concat(header(ID, RD, ONE), hex('40'), new Uint8Array(64).fill(97), hex('00 0001 0001')),
  'a label of the reserved type 10': concat(header(ID, RD, ONE), hex('80 61 00 0001 0001')),
  'a name of 256 octets': concat(
    header(ID, RD, ONE),
    ...Array.from({ length: 4 }, () => concat(hex('3e'), new Uint8Array(62).fill(97))),
    hex('02 6161 00 0001 0001'),
  ),
  'a name without an end': concat(header(ID, RD, ONE), hex('03 777777')),
  'a question without a class': concat(header(ID, RD, ONE), GOOD.subarray(0, -2)),
  'an octet behind the question': concat(header(ID, RD, ONE), GOOD, hex('00')),
  'octets behind the OPT': concat(header(ID, RD, { ...ONE, additionals: 1 }), GOOD, opt(), hex('deadbeef')),
  'more records promised than there are': concat(header(ID, RD, { ...ONE, additionals: 9 }), GOOD, opt()),
  'two OPT records': concat(header(ID, RD, { ...ONE, additionals: 2 }), GOOD, opt(), opt()),
  'an OPT that is not at the root': concat(
    header(ID, RD, { ...ONE, additionals: 1 }),
    GOOD,
    record('x.example', 41, 0, new Uint8Array(0), 1232),
  ),
  'an option longer than the OPT': concat(header(ID, RD, { ...ONE, additionals: 1 }), GOOD, opt(hex('000a 00ff 01'))),
  'half an option': concat(header(ID, RD, { ...ONE, additionals: 1 }), GOOD, opt(hex('000a 00'))),
  'a cookie of 7 octets': concat(
    header(ID, RD, { ...ONE, additionals: 1 }),
    GOOD,
    opt(option(COOKIE, new Uint8Array(7))),
  ),
  'a cookie of 9 octets': concat(
    header(ID, RD, { ...ONE, additionals: 1 }),
    GOOD,
    opt(option(COOKIE, new Uint8Array(9))),
  ),
  'a cookie of 41 octets': concat(
    header(ID, RD, { ...ONE, additionals: 1 }),
    GOOD,
    opt(option(COOKIE, new Uint8Array(41))),
  ),
  'an answer record': concat(
    header(ID, RD, { ...ONE, answers: 1 }),
    GOOD,
    record('a.example', 1, 1, new Uint8Array(4)),
  ),
  'an authority record': concat(
    header(ID, RD, { ...ONE, authorities: 1 }),
    GOOD,
    record('a.example', 1, 1, words(1, 2)),
  ),
  'no question': header(ID, RD),
  'two questions': concat(header(ID, RD, { questions: 2 }), GOOD, question('x.example')),
  '65,535 questions': concat(header(ID, RD, { questions: 65_535 }), GOOD),
  'type 0': concat(header(ID, RD, ONE), question('x.example', 0)),
  'type OPT in the question': concat(header(ID, RD, ONE), question('x.example', 41)),
};

describe('FORMERR', () => {
  for (const [what, message] of Object.entries(FORMERR)) {
    test(`for ${what}`, async () => {
      const response = await responseTo(message);
      expect(response, 'a response').toBeDefined();
      const { rcode, flags, id, answers, authorities } = decoded(response!);
      expect([id, rcode, flags & QR, answers, authorities]).toEqual([ID, 1, QR, [], []]);
    });
  }
});

test('a listed name in the longest form is blocked, one label deeper than fits is not', async () => {
  const labels = [...Array.from({ length: 119 }, () => 'a'), 'listed.example'].join('.');
  expect(labels.length + 2).toBe(254);
  expect((await ask({ port: weir.port }, labels)).answers[0]?.data).toBe('192.0.2.53');
});

test('a label with a dot, a NUL or a space in it is not the name it looks like', async () => {
  for (const label of ['listed\\.example', 'listed\\000.example', 'listed\\032.example']) {
    const { answers } = await ask({ port: weir.port }, `x.${label}`, 1, { recursionDesired: false });
    expect(answers, label).toEqual([]);
  }
});

test('random octets and mutated queries are answered or not; nothing else comes of it', async () => {
  const client = await UdpClient.open(weir.port);
  const sent = new Set<number>();
  let seed = 12_345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed % below;
  };
  for (let i = 0; i < RANDOM_MESSAGES; i++) {
    const message =
      i % 2 === 0
        ? Uint8Array.from({ length: random(80) }, () => random(256))
        : query('listed.example', 1, { dnssecOk: i % 3 === 0 });
    if (i % 2 === 1) for (let n = random(4); n >= 0; n--) message[random(message.length)] = random(256);
    if (message.length >= 2) sent.add(idOf(message));
    client.send(message);
    if (i % 50 === 49) await client.exchange(query('listed.example'));
  }
  for (const response of client.received) {
    expect(response[2]! & 0x80).toBe(0x80);
    expect(response.length).toBeGreaterThanOrEqual(12);
    expect(() => decoded(response)).not.toThrow();
  }
  expect(await dropped('internalError')).toBe(0);
});

test('the largest datagram gets its answer', async () => {
  const message = concat(header(ID, RD, ONE), GOOD, new Uint8Array(65_507 - 12 - GOOD.length));
  expect(decoded((await responseTo(message))!).rcode).toBe(1);
});

test('an empty datagram from a port that is closed at once hurts nobody', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.send(query('listed.example'), weir.port, '127.0.0.1', () => resolve()));
  socket.close();
  await until(
    () => weir.metric('weir_responses_total', 'verdict="blocked"'),
    (count) => count > 0,
    'it is answered',
  );
});
