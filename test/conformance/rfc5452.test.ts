/** RFC 5452, Measures for Making DNS More Resilient against Forged Answers: what the upstream side accepts and sends. */
import { afterEach, expect, test } from 'vitest';
import { respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { ask, closeAll, messageOf, openPool, outcomes, track } from '../support/upstream-harness.ts';
import { wireName } from '../support/wire.ts';

afterEach(closeAll);

const FORGED = ['192.0.2.66'];

function addressOf(message: Uint8Array): string {
  const address = message.subarray(message.length - 4 - (message[11] === 1 ? 11 : 0));
  return address.subarray(0, 4).join('.');
}

test.each<[string, (forged: Uint8Array) => void]>([
  ['another id', (forged) => void (forged[1]! ^= 1)],
  ['another name', (forged) => void (forged[13]! ^= 1)],
  ['another type', (forged) => void (forged[forged.indexOf(0, 12) + 2]! ^= 2)],
  ['another class', (forged) => void (forged[forged.indexOf(0, 12) + 4]! ^= 2)],
  ['QR clear', (forged) => void (forged[2]! &= 0x7f)],
])(
  '9.1: "MUST match responses to all of the following attributes": %s is ignored, and the query waits on',
  async (_, change) => {
    const upstream = track(
      await startFakeUpstream((query) => {
        const forged = respond(query, { addresses: FORGED });
        change(forged);
        query.reply(forged);
        return respond(query, { addresses: ['192.0.2.1'] });
      }),
    );
    const pool = openPool([upstream]);
    expect(addressOf(messageOf(await ask(pool, 'www.example.com')))).toBe('192.0.2.1');
    expect(upstream.queries).toHaveLength(1);
    expect(outcomes(pool, 0)).toEqual({ answered: 1, mismatched: 1 });
  },
);

test('9.1: "remote address", "remote port": the right response from another port is ignored', async () => {
  const upstream = track(await startFakeUpstream(() => undefined));
  const pool = openPool([upstream]);
  const outcome = ask(pool, 'www.example.com');
  await upstream.received(1);
  const [query] = upstream.queries;
  await upstream.sendFromElsewhere(respond(query!, { addresses: FORGED }), query!.clientPort);
  query!.reply(respond(query!, { addresses: ['192.0.2.1'] }));
  expect(addressOf(messageOf(await outcome))).toBe('192.0.2.1');
  expect(outcomes(pool, 0)).toEqual({ answered: 1 });
});

test('9.1: "local port": a response to another of our ports is ignored', async () => {
  const upstream = track(await startFakeUpstream((query) => (query.index < 40 ? respond(query) : undefined)));
  const pool = openPool([upstream]);
  for (let count = 0; count < 40; count++) await ask(pool, 'www.example.com');
  const outcome = ask(pool, 'www.example.com');
  await upstream.received(41);
  const query = upstream.queries[40]!;
  const elsewhere = upstream.queries.find(({ clientPort }) => clientPort !== query.clientPort)!;
  elsewhere.reply(respond(query, { addresses: FORGED }));
  await expect.poll(() => outcomes(pool, 0)['mismatched']).toBe(1);
  query.reply(respond(query, { addresses: ['192.0.2.1'] }));
  expect(addressOf(messageOf(await outcome))).toBe('192.0.2.1');
});

test('9.2: "use an unpredictable source port for outgoing queries": every port of the set is used', async () => {
  const upstream = track(await startFakeUpstream());
  const pool = openPool([upstream], { sourcePorts: 8 });
  // With 8 ports and 300 queries a port stays unused in fewer than one run in 10^16.
  for (let count = 0; count < 300; count++) await ask(pool, 'www.example.com');
  expect(new Set(upstream.queries.map(({ clientPort }) => clientPort)).size).toBe(8);
});

test('9.2: "use an unpredictable query ID for outgoing queries, utilizing the full range available"', async () => {
  const upstream = track(await startFakeUpstream());
  const pool = openPool([upstream]);
  for (let count = 0; count < 300; count++) await ask(pool, 'www.example.com');
  const ids = upstream.queries.map(({ message }) => (message[0]! << 8) | message[1]!);
  expect(new Set(ids).size).toBeGreaterThan(290);
  expect(ids.reduce((bits, id) => bits | id, 0)).toBe(0xffff);
});

test('9.3: many messages that nobody waits for on one port take the query away from it, to TCP', async () => {
  const upstream = track(
    await startFakeUpstream((query) => {
      if (query.transport === 'tcp') return respond(query, { addresses: ['192.0.2.1'] });
      for (let guess = 0; guess < 40; guess++) {
        const forged = respond(query, { addresses: FORGED });
        forged[0] = guess;
        forged[1]! ^= 1;
        query.reply(forged);
      }
      return undefined;
    }),
  );
  const pool = openPool([upstream], { attemptTimeoutMs: 20_000 });
  expect(addressOf(messageOf(await ask(pool, 'www.example.com')))).toBe('192.0.2.1');
  expect(upstream.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
});

test('draft dns0x20: with random case, a response in other letters is not believed over UDP', async () => {
  const upstream = track(
    await startFakeUpstream((query) =>
      query.transport === 'tcp'
        ? respond(query, { addresses: ['192.0.2.1'], qname: wireName(query.name) })
        : respond(query, { addresses: FORGED, qname: wireName(query.name) }),
    ),
  );
  const pool = openPool([upstream], { randomizeCase: true });
  const name = 'abcdefghijklmnopqrstuvwxyz.example.com';
  expect(addressOf(messageOf(await ask(pool, name)))).toBe('192.0.2.1');
  expect(upstream.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
});

test('draft dns0x20: the letters go out in random case and come back as they were asked', async () => {
  const upstream = track(await startFakeUpstream());
  const pool = openPool([upstream], { randomizeCase: true });
  const name = 'abcdefghijklmnopqrstuvwxyz.Example.com';
  const qname = wireName(name);
  const sent = new Set<string>();
  for (let count = 0; count < 10; count++) {
    const message = messageOf(await ask(pool, name));
    expect(Array.from(message.subarray(12, 12 + qname.length))).toEqual([...qname]);
    sent.add(Buffer.from(upstream.queries[count]!.message.subarray(12, 12 + qname.length)).toString('latin1'));
  }
  expect(sent.size).toBeGreaterThan(8);
  expect(upstream.queries.every(({ transport }) => transport === 'udp')).toBe(true);
});
