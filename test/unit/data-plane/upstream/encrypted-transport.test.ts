/** What TLS and HTTPS add to the transports' contract: nothing is sent before the upstream has proved who it is. */
import { X509Certificate, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { UpstreamConfig } from '../../../../src/config/config.ts';
import { openDgramSocket } from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { Attempt, Exchange } from '../../../../src/data-plane/upstream/exchange.ts';
import { writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import type { Transport } from '../../../../src/data-plane/upstream/transport.ts';
import { TRANSPORT_BY_PROTOCOL } from '../../../../src/data-plane/upstream/upstreams.ts';
import { startFakeUpstream, type FakeUpstream } from '../../../support/fake-upstream.ts';
import {
  TEST_CA,
  TEST_SERVER_NAME,
  TEST_TLS,
  startHttpsFront,
  startTlsFront,
  type EncryptedFront,
} from '../../../support/encrypted-front.ts';
import { closeAll, question, track } from '../../../support/upstream-harness.ts';

const PADDING_BLOCK_BYTES = 128;
const transports: Transport[] = [];
const fronts: EncryptedFront[] = [];

afterEach(async () => {
  for (const transport of transports.splice(0)) transport.close();
  for (const front of fronts.splice(0)) await front.stop();
  await closeAll();
});

function pinOf(certificate: string): string {
  const { publicKey } = new X509Certificate(readFileSync(join(TEST_TLS, `${certificate}.pem`)));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

interface Opened {
  readonly upstream: FakeUpstream;
  readonly front: EncryptedFront;
  readonly ended: string[];
  readonly reports: string[];
  readonly ask: (name: string) => void;
}

async function open(
  protocol: 'tls' | 'https',
  identity: Partial<UpstreamConfig> = {},
  ca: string = TEST_CA,
): Promise<Opened> {
  const upstream = track(await startFakeUpstream());
  const front = await (protocol === 'tls' ? startTlsFront : startHttpsFront)(upstream);
  fronts.push(front);
  const ended: string[] = [];
  const reports: string[] = [];
  const events = {
    onResponse: () => void ended.push('response'),
    onFailure: (_: Attempt, isRefused: boolean) => void ended.push(isRefused ? 'refused' : 'failure'),
    onStranger: () => void ended.push('stranger'),
    onUnderAttack: () => void ended.push('attack'),
  };
  const { host, port } = front;
  const config = {
    url: `${protocol}://${host}:${port}`,
    protocol,
    host,
    port,
    serverName: TEST_SERVER_NAME,
    ...identity,
  };
  const report = (reason: string): void => void reports.push(reason);
  const context = {
    slot: 0,
    sourcePorts: 2,
    openSocket: openDgramSocket,
    random: new RandomWords(),
    events,
    ca,
    report,
  };
  const transport = TRANSPORT_BY_PROTOCOL[protocol](config, context, 0);
  transports.push(transport);
  const ask = (name: string): void => {
    const attempt = new Attempt();
    attempt.exchange = new Exchange();
    attempt.exchange.questionEnd = writeQuery(attempt.exchange.query, question(name), { udpPayloadBytes: 1232 });
    expect(transport.send(attempt, 0)).toBe(true);
  };
  return { upstream, front, ended, reports, ask };
}

describe.each(['tls', 'https'] as const)('%s', (protocol) => {
  test.each<[string, Partial<UpstreamConfig>, string | undefined]>([
    ['a certificate for its name', {}, undefined],
    ['a certificate for its address', { serverName: '127.0.0.1' }, undefined],
    ['a pinned key, whoever signed for it', { pins: [pinOf('server-2'), pinOf('server')] }, ''],
  ])('%s proves the upstream', async (...[, identity, ca]) => {
    const { upstream, ended, reports, ask } = await open(protocol, identity, ca);
    ask('www.example.com');
    await expect.poll(() => ended).toEqual(['response']);
    expect(upstream.queries.map(({ name }) => name)).toEqual(['www.example.com']);
    expect(reports).toEqual([]);
  });

  test.each<[string, Partial<UpstreamConfig>, string | undefined, RegExp]>([
    ['a certificate for another name', { serverName: 'other.example.test' }, undefined, /altname|does not match/i],
    ['a certificate by an unknown authority', {}, '', /self.signed|unable to (?:get|verify)|issuer/i],
    ['a key that is not the pinned one', { pins: [pinOf('server-2')] }, undefined, /none of those pinned/],
  ])('%s fails every query, and none is sent', async (...[, identity, ca, words]) => {
    const { upstream, ended, reports, ask } = await open(protocol, identity, ca);
    ask('one.example.com');
    ask('two.example.com');
    await expect.poll(() => ended).toEqual(['failure', 'failure']);
    expect(upstream.queries).toEqual([]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatch(words);
  });

  test('queries are padded to blocks of 128 octets (RFC 8467 4.1)', async () => {
    const { upstream, ended, ask } = await open(protocol);
    ask('a.example');
    ask(`${'long-label-'.repeat(5)}.${'another-label-'.repeat(4)}.example.com`);
    await expect.poll(() => ended).toEqual(['response', 'response']);
    const lengths = upstream.queries.map(({ message }) => message.length);
    expect(lengths.map((length) => length % PADDING_BLOCK_BYTES)).toEqual([0, 0]);
    expect(new Set(lengths)).toEqual(new Set([128, 256]));
    for (const { message } of upstream.queries) {
      // One OPT record, whose only option is padding, fills the message.
      expect(message[11]).toBe(1);
      const text = Buffer.from(message).toString('hex');
      expect(text).toMatch(/000029[0-9a-f]{12}[0-9a-f]{4}000c[0-9a-f]{4}0+$/);
    }
  });

  test('a broken connection fails what waits, and the next query opens another', async () => {
    const { upstream, front, ended, ask } = await open(protocol);
    upstream.answerWith(() => undefined);
    ask('lost.example.com');
    await upstream.received(1);
    front.breakConnections();
    await expect.poll(() => ended).toEqual(['failure']);
    upstream.answerWith((query) => query.message.slice(0, 12));
    const again = await open(protocol);
    again.ask('www.example.com');
    await expect.poll(() => again.ended).toEqual(['response']);
  });
});

test('a TLS session is resumed, but not where keys are pinned', async () => {
  const opened = await open('tls');
  opened.ask('one.example.com');
  await expect.poll(() => opened.ended).toEqual(['response']);
  opened.front.breakConnections();
  await expect
    .poll(() => {
      opened.ask(`again-${opened.ended.length}.example.com`);
      return opened.front.resumed.includes(true);
    })
    .toBe(true);

  const pinned = await open('tls', { pins: [pinOf('server')] });
  pinned.ask('one.example.com');
  await expect.poll(() => pinned.ended).toEqual(['response']);
  pinned.front.breakConnections();
  await expect
    .poll(() => {
      pinned.ask(`again-${pinned.ended.length}.example.com`);
      return pinned.front.resumed.length > 1;
    })
    .toBe(true);
  expect(pinned.front.resumed).not.toContain(true);
});

describe('https', () => {
  test('each query is a POST of a DNS message to the path, with id 0 (RFC 8484 4.1)', async () => {
    const { upstream, front, ended, ask } = await open('https', { path: '/resolve/here' });
    ask('www.example.com');
    await expect.poll(() => ended).toEqual(['response']);
    expect(front.requests).toEqual([
      { path: '/resolve/here', contentType: 'application/dns-message', bodyBytes: PADDING_BLOCK_BYTES },
    ]);
    expect([...upstream.queries[0]!.message.subarray(0, 2)]).toEqual([0, 0]);
  });

  test('many queries share a connection', async () => {
    const { front, ended, ask } = await open('https');
    ask('first.example.com');
    await expect.poll(() => ended.length).toBe(1);
    for (let index = 0; index < 50; index++) ask(`n${index}.example.com`);
    await expect.poll(() => ended.length).toBe(51);
    expect(front.resumed.length).toBeLessThanOrEqual(4);
  });

  test.each([404, 500, 302])('status %i is a failure, and said', async (status) => {
    const { front, ended, reports, ask } = await open('https');
    front.answerWithStatus(status);
    ask('www.example.com');
    await expect.poll(() => ended).toEqual(['failure']);
    expect(reports[0]).toContain(`status ${status}`);
  });

  test('a response that answers another question is none', async () => {
    const { upstream, ended, ask } = await open('https');
    upstream.answerWith(({ message }) => {
      const lie = Uint8Array.from(message);
      lie[2] = 0x80;
      lie[13]! ^= 0x01;
      return lie;
    });
    ask('www.example.com');
    await expect.poll(() => ended).toEqual(['stranger', 'failure']);
  });
});
