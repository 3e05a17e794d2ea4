/** What every transport of upstreams.ts does, whatever carries the queries. */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import type { UpstreamConfig } from '../../../../src/config/config.ts';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { openInBatches } from '../../../../src/data-plane/upstream/batch-datagram-socket.ts';
import {
  type DatagramSocket,
  type OpenDatagramSocket,
  openDgramSocket,
} from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { Attempt, Exchange } from '../../../../src/data-plane/upstream/exchange.ts';
import { writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import type { Transport } from '../../../../src/data-plane/upstream/transport.ts';
import { TRANSPORT_BY_PROTOCOL } from '../../../../src/data-plane/upstream/upstreams.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import {
  TEST_CA,
  TEST_SERVER_NAME,
  startHttpsFront,
  startTlsFront,
  type EncryptedFront,
} from '../../../support/encrypted-front.ts';
import { closeAll, question, track } from '../../../support/upstream-harness.ts';

const transports: Transport[] = [];
const fronts: EncryptedFront[] = [];
afterEach(async () => {
  for (const transport of transports.splice(0)) transport.close();
  for (const front of fronts.splice(0)) await front.stop();
  await closeAll();
});

type Ended = { readonly kind: string; readonly attempt: Attempt | undefined; readonly bytes?: number[] };

type Protocol = UpstreamConfig['protocol'];

/** What a transport of this protocol is to be pointed at so that its queries come to the fake upstream. */
async function reachable(upstream: FakeUpstream, protocol: Protocol): Promise<{ host: string; port: number }> {
  if (protocol === 'udp' || protocol === 'tcp') return upstream;
  const front = await (protocol === 'tls' ? startTlsFront : startHttpsFront)(upstream);
  fronts.push(front);
  return front;
}

async function connectTo(upstream: FakeUpstream, protocol: Protocol, openSocket: OpenDatagramSocket) {
  return connectToAddress(await reachable(upstream, protocol), protocol, openSocket);
}

function ignore(): void {}

function connectToAddress(
  upstream: { readonly host: string; readonly port: number },
  protocol: Protocol,
  openSocket: OpenDatagramSocket,
) {
  const ended: Ended[] = [];
  const events = {
    onResponse: (attempt: Attempt, _match: number, bytes: Uint8Array, start: number, end: number) =>
      void ended.push({ kind: 'response', attempt, bytes: [...bytes.subarray(start, end)] }),
    onFailure: (attempt: Attempt, isRefused: boolean) =>
      void ended.push({ kind: isRefused ? 'refused' : 'failure', attempt }),
    onStranger: () => void ended.push({ kind: 'stranger', attempt: undefined }),
    onUnderAttack: (attempt: Attempt) => void ended.push({ kind: 'attack', attempt }),
  };
  const context = {
    slot: 0,
    sourcePorts: 2,
    openSocket,
    random: new RandomWords(),
    events,
    ca: TEST_CA,
    report: ignore,
  };
  const { host, port } = upstream;
  const config = { url: `${protocol}://${host}:${port}`, protocol, host, port, serverName: TEST_SERVER_NAME };
  const transport = TRANSPORT_BY_PROTOCOL[protocol](config, context, 0);
  transports.push(transport);
  return { transport, ended };
}

function newAttempt(name: string): Attempt {
  const attempt = new Attempt();
  attempt.exchange = new Exchange();
  attempt.exchange.questionEnd = writeQuery(attempt.exchange.query, question(name), { udpPayloadBytes: 1232 });
  return attempt;
}

const libc = loadLibc();
const CASES: readonly (readonly [string, Protocol, OpenDatagramSocket])[] = [
  ['udp', 'udp', openDgramSocket],
  ...(libc.kind === 'ok' ? [['udp in batches', 'udp', openInBatches(libc.libc)] as const] : []),
  ['tcp', 'tcp', openDgramSocket],
  ['tls', 'tls', openDgramSocket],
  ['https', 'https', openDgramSocket],
];

test('this suite runs over every transport', () => {
  expect(new Set(CASES.map(([, protocol]) => protocol))).toEqual(new Set(Object.keys(TRANSPORT_BY_PROTOCOL)));
});

test.each(CASES.filter(([, protocol]) => protocol === 'udp'))(
  '%s: opening calls nobody before it returns',
  async (...[, , openSocket]) => {
    const upstream = track(await startFakeUpstream());
    let isOpening = true;
    const calls: string[] = [];
    const note = (call: string) => () => void calls.push(isOpening ? `${call} while opening` : call);
    const socket = openSocket(upstream.host, upstream.port, {
      onOpen: note('open'),
      onDatagram: note('datagram'),
      onUnsent: note('unsent'),
      onError: note('error'),
    });
    isOpening = false;
    await expect.poll(() => calls).toEqual(['open']);
    socket.close();
  },
);

/** With its zone, as resolv.conf has it where routers announce a resolver; a machine may have none. */
const linkLocal = Object.entries(networkInterfaces())
  .flatMap(([name, addresses]) => (addresses ?? []).map(({ address }) => ({ name, address })))
  .filter(({ address }) => address.startsWith('fe80:'))
  .map(({ name, address }) => `${address}%${name}`)[0];

test.skipIf(linkLocal === undefined).each(CASES.filter(([, protocol]) => protocol === 'udp'))(
  '%s: a link-local upstream is reached by its zone',
  async (...[, , openSocket]) => {
    const echo = createSocket('udp6').on('message', (message, { port, address }) => echo.send(message, port, address));
    await new Promise<void>((resolve) => echo.bind(0, linkLocal, resolve));
    const came: string[] = [];
    const socket: DatagramSocket = openSocket(linkLocal!, echo.address().port, {
      onOpen: () => socket.send(Buffer.from('hello'), 5),
      onDatagram: (bytes, start, end) => void came.push(Buffer.from(bytes.subarray(start, end)).toString()),
      onUnsent: (id) => void came.push(`${id} unsent`),
      onError: (code) => void came.push(code),
    });
    await expect.poll(() => came).toEqual(['hello']);
    socket.close();
    echo.close();
  },
);

describe.each(CASES)('%s', (_case, protocol, openSocket) => {
  test('hands over the response to each query, which then no longer waits', async () => {
    const upstream = track(await startFakeUpstream());
    const { transport, ended } = await connectTo(upstream, protocol, openSocket);
    const attempts = Array.from({ length: 20 }, (_, index) => newAttempt(`n${index}.example.com`));
    for (const attempt of attempts) expect(transport.send(attempt, 0)).toBe(true);
    await expect.poll(() => ended.length).toBe(20);
    expect(new Set(ended.map(({ kind }) => kind))).toEqual(new Set(['response']));
    expect(new Set(ended.map(({ attempt }) => attempt))).toEqual(new Set(attempts));
    for (const { attempt, bytes } of ended) {
      expect(attempt!.port).toBeUndefined();
      const asked = upstream.queries.find(({ name }) => name === `n${attempts.indexOf(attempt!)}.example.com`);
      expect(bytes).toEqual([...respond(asked!)]);
    }
  });

  test("a response to a query that was released is nobody's", async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const { transport, ended } = await connectTo(upstream, protocol, openSocket);
    const attempt = newAttempt('www.example.com');
    transport.send(attempt, 0);
    await upstream.received(1);
    attempt.port!.release(attempt);
    upstream.queries[0]!.reply(respond(upstream.queries[0]!));
    const kept = newAttempt('kept.example.com');
    transport.send(kept, 0);
    await upstream.received(2);
    upstream.queries[1]!.reply(respond(upstream.queries[1]!));
    // Over HTTPS a query that is released ends its stream, and with it what would have come.
    const strangers = protocol === 'https' ? [] : ['stranger'];
    await expect.poll(() => ended.map(({ kind }) => kind).toSorted()).toEqual(['response', ...strangers]);
    expect(ended.find(({ kind }) => kind === 'response')?.attempt).toBe(kept);
  });

  test('loses no query when it opens something new in the place of what is old', async () => {
    const upstream = track(await startFakeUpstream());
    const { transport, ended } = await connectTo(upstream, protocol, openSocket);
    expect(transport.send(newAttempt('www.example.com'), 0)).toBe(true);
    await expect.poll(() => ended.length).toBe(1);
    for (let round = 1; round <= 8; round++) {
      expect(transport.send(newAttempt(`n${round}.example.com`), round * 61_000)).toBe(true);
      await expect.poll(() => ended.map(({ kind }) => kind)).toEqual(Array(round + 1).fill('response'));
    }
  });

  test('says that a closed port refuses', async () => {
    const upstream = await startFakeUpstream();
    const closed = await reachable(upstream, protocol);
    await upstream.stop();
    await fronts.pop()?.stop();
    const { transport, ended } = connectToAddress(closed, protocol, openSocket);
    const attempt = newAttempt('www.example.com');
    transport.send(attempt, 0);
    await expect.poll(() => ended).toEqual([{ kind: 'refused', attempt }]);
  });

  test('retired, it takes no more queries and hears what waits', async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const { transport, ended } = await connectTo(upstream, protocol, openSocket);
    transport.send(newAttempt('www.example.com'), 0);
    await upstream.received(1);
    transport.retire();
    expect(transport.send(newAttempt('www.example.net'), 0)).toBe(false);
    upstream.queries[0]!.reply(respond(upstream.queries[0]!));
    await expect.poll(() => ended.map(({ kind }) => kind)).toEqual(['response']);
  });

  test('closed, it says nothing more', async () => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const { transport, ended } = await connectTo(upstream, protocol, openSocket);
    transport.send(newAttempt('www.example.com'), 0);
    await upstream.received(1);
    transport.close();
    upstream.queries[0]!.reply(respond(upstream.queries[0]!));
    const other = await connectTo(upstream, protocol, openSocket);
    other.transport.send(newAttempt('www.example.net'), 0);
    await upstream.received(2);
    upstream.queries[1]!.reply(respond(upstream.queries[1]!));
    await expect.poll(() => other.ended.length).toBe(1);
    expect(ended).toEqual([]);
  });
});
