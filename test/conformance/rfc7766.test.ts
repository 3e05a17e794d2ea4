/** RFC 7766, DNS Transport over TCP - Implementation Requirements: a listener with a query path behind it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { HeaderFlag } from '../../src/dns/iana.ts';
import { closeClients, decoded, framed, idOf, query, TcpClient, UdpClient } from '../support/dns-client.ts';
import { closeListeners, listenerDependencies, track } from '../support/listener-harness.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { until } from '../support/weir-process.ts';

const HOST = '127.0.0.1';
let weir: ResolverHarness;
let port: number;

async function listening(kind: 'tcp' | 'udp' = 'tcp', limits = {}): Promise<number> {
  const { deps } = listenerDependencies((arrival) => weir.resolver.resolve(arrival), limits);
  return (await track(LISTENERS[kind]({ host: HOST, port: 0 }, deps))).port;
}

beforeEach(async () => {
  weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
  port = await listening();
});

afterEach(async () => {
  closeClients();
  await closeListeners();
});

async function upstreamAsked(count: number): Promise<void> {
  await until(
    () => weir.upstream.asks.length,
    (asks) => asks >= count,
    'the upstream is asked',
  );
}

/** The upstream's answer to the ask with this index. */
function answer(index: number): void {
  const ask = weir.upstream.asks[index]!;
  ask.answer({ answers: [aRecord(Buffer.from(ask.question.qname.subarray(1, 2)).toString('latin1') + '.example')] });
}

describe('RFC 7766', () => {
  it('5 "All general-purpose DNS implementations MUST support both UDP and TCP transport": with the same answers', async () => {
    const messages = [query('listed.example'), query('localhost'), query('x.example', 1, { recursionDesired: false })];
    const udp = await UdpClient.open(await listening('udp'));
    const tcp = await TcpClient.open(port);
    for (const message of messages) expect(await tcp.exchange(message)).toEqual(await udp.exchange(message));
  });

  it('5 what TC cuts over UDP comes whole over TCP', async () => {
    const answers = Array.from({ length: 200 }, (_, index) => aRecord('a.example', `192.0.2.${index}`));
    weir.upstream.always = { answers };
    const cut = decoded(await (await UdpClient.open(await listening('udp'))).exchange(query('a.example')));
    expect([cut.flags & HeaderFlag.TC, cut.answers.length]).toEqual([HeaderFlag.TC, 0]);
    const whole = decoded(await (await TcpClient.open(port)).exchange(query('a.example')));
    expect([whole.flags & HeaderFlag.TC, whole.answers.length]).toEqual([0, 200]);
  });

  it('6.2.1 a connection serves many queries, one after the other', async () => {
    const client = await TcpClient.open(port);
    for (let count = 0; count < 20; count++) {
      const response = decoded(await client.exchange(query(`n${count}.listed.example`)));
      expect(response.answers).toHaveLength(1);
    }
    expect(client.isClosed).toBe(false);
  });

  it('6.2.1.1 queries are pipelined: all are taken before any is answered', async () => {
    const client = await TcpClient.open(port);
    const messages = ['a', 'b', 'c', 'd'].map((label) => query(`${label}.example`));
    client.socket.write(Buffer.concat(messages.map(framed)));
    await upstreamAsked(4);
    expect(client.received).toEqual([]);
    for (const index of [0, 1, 2, 3]) answer(index);
    for (const message of messages) expect(decoded(await client.responseTo(message)).answers).toHaveLength(1);
  });

  it('7 responses are made in parallel and sent out of order: what takes long holds up nothing', async () => {
    const client = await TcpClient.open(port);
    const [slow, late, fast] = [query('a.example'), query('b.example'), query('listed.example')];
    client.socket.write(Buffer.concat([slow, late, fast].map(framed)));
    await client.responseTo(fast);
    await upstreamAsked(2);
    answer(1);
    await client.responseTo(late);
    answer(0);
    await client.responseTo(slow);
    expect(client.received.map(idOf)).toEqual([fast, late, slow].map(idOf));
  });

  it('7 a response is told from others by its id and question: both are the query’s', async () => {
    const client = await TcpClient.open(port);
    const messages = [query('A.example'), query('a.EXAMPLE'), query('a.example', 28)];
    client.socket.write(Buffer.concat(messages.map(framed)));
    await upstreamAsked(2);
    answer(1);
    answer(0);
    for (const message of messages) {
      const response = await client.responseTo(message);
      expect(response.subarray(12, 27)).toEqual(message.subarray(12, 27));
    }
  });

  it('8 the length field and the message may come in segments of any cut', async () => {
    const message = query('listed.example');
    const frame = framed(message);
    for (const cuts of [[1], [2], [3], [1, 2, 14], [frame.length - 1]]) {
      const client = await TcpClient.open(port);
      let from = 0;
      for (const to of [...cuts, frame.length]) {
        client.socket.write(frame.subarray(from, to));
        // Why a turn between: so that each is a segment of its own.
        await new Promise((resolve) => setImmediate(resolve));
        from = to;
      }
      expect(decoded(await client.responseTo(message)).answers).toHaveLength(1);
    }
  });

  it('8 length field and message are sent together, in one write', async () => {
    const client = await TcpClient.open(port);
    const chunks: Buffer[] = [];
    client.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const response = await client.exchange(query('listed.example'));
    expect(chunks.map(({ length }) => length)).toEqual([2 + response.length]);
  });

  it('6.2.4 a client that has said all still gets what it waits for', async () => {
    const client = await TcpClient.open(port);
    const message = query('a.example');
    client.socket.end(framed(message));
    await upstreamAsked(1);
    answer(0);
    expect(decoded(await client.responseTo(message)).answers).toHaveLength(1);
    await client.closed();
  });

  it('6.2.3 an idle connection is closed by the server, one that waits for an answer is not', async () => {
    const idlePort = await listening('tcp', { idleTimeoutMs: 100 });
    const waiting = await TcpClient.open(idlePort);
    const message = query('a.example');
    waiting.send(message);
    await upstreamAsked(1);
    await (await TcpClient.open(idlePort)).closed();
    expect(waiting.isClosed).toBe(false);
    answer(0);
    expect(decoded(await waiting.responseTo(message)).answers).toHaveLength(1);
  });

  it('10 a client that begins a message and does not end it keeps no other from its answer', async () => {
    const stalled = await TcpClient.open(port);
    stalled.socket.write(framed(query('listed.example')).subarray(0, 5));
    expect(decoded(await (await TcpClient.open(port)).exchange(query('listed.example'))).answers).toHaveLength(1);
  });
});
