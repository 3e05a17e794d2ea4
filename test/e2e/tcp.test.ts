/** DNS over TCP as RFC 7766 has it, from clients that pipeline, cut, dribble, half-close, vanish or never read. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { quietBetweenTests } from '../support/between-tests.ts';
import { ask, decoded, framed, idOf, query, TcpClient } from '../support/dns-client.ts';
import { type FakeQuery, type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { answerWithRecords, aRecord } from '../support/scripted-answers.ts';
import { startWeirProcess, until, type WeirProcess } from '../support/weir-process.ts';
import { option } from '../support/wire.ts';

const MESSAGE_BYTES_MAX = 65_535;
const IDLE_MS = 2_000;
const PIPELINE_MAX = 10;
/** Of a query for "listed.example" with one empty option: what a padding must leave room for. */
const LISTED_QUERY_BYTES = query('listed.example', 1, {
  options: [option(EdnsOption.PADDING, new Uint8Array(0))],
}).length;

let weir: WeirProcess;
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: {
      upstreams: [upstream.url],
      upstreamQueries: { deadlineMs: 20_000, attemptTimeoutMs: 10_000 },
      lists: [{ name: 'list', source: 'list.txt' }],
      tcp: { idleTimeoutMs: IDLE_MS, connectionsPerClientMax: 5, connectionsMax: 8, pipelineMax: PIPELINE_MAX },
      clients: { allow: ['127.0.0.0/8'] },
    },
  });
});

quietBetweenTests(() => ({ weir, upstream }), 'weir_tcp_connections');

function open(): Promise<TcpClient> {
  return TcpClient.open(weir.port);
}

describe('pipelining', () => {
  test('answers come in the order they are ready: a slow upstream holds up nobody else', async () => {
    let held: FakeQuery | undefined;
    upstream.answerWith((asked) => {
      if (asked.name !== 'slow.example') return respond(asked);
      held = asked;
      return undefined;
    });
    const client = await open();
    const [slow, ...quick] = ['slow', 'listed', 'quick1', 'quick2'].map((label) => query(`${label}.example`));
    client.socket.write(Buffer.concat([slow!, ...quick].map(framed)));
    for (const message of quick) await client.responseTo(message);
    expect(client.received.map(idOf)).not.toContain(idOf(slow!));
    held!.reply(respond(held!));
    expect(decoded(await client.responseTo(slow!)).answers).toHaveLength(1);
  });

  test('more queries than may wait at a time are all answered, also behind a half-close', async () => {
    const client = await open();
    const held: FakeQuery[] = [];
    upstream.answerWith((asked) => void held.push(asked));
    const messages = Array.from({ length: PIPELINE_MAX * 5 + 3 }, (_, index) => query(`many${index}.example`));
    client.socket.end(Buffer.concat(messages.map(framed)));
    await until(
      () => held.length,
      (count) => count === PIPELINE_MAX,
      'the pipeline is full',
    );
    upstream.answerWith((asked) => respond(asked));
    for (const asked of held) asked.reply(respond(asked));
    for (const message of messages) expect(decoded(await client.responseTo(message)).rcode).toBe(0);
    await client.closed();
    expect(client.received).toHaveLength(messages.length);
  });
});

describe('framing', () => {
  test('a message in pieces of two octets is one message', async () => {
    const client = await open();
    const [first, second] = [query('listed.example'), query('pieces.example')];
    const octets = Buffer.concat([framed(first), framed(second)]);
    for (let at = 0; at < octets.length; at += 2) {
      await new Promise((resolve) => client.socket.write(octets.subarray(at, at + 2), resolve));
    }
    expect(decoded(await client.responseTo(first)).answers[0]?.data).toBe('192.0.2.53');
    expect(decoded(await client.responseTo(second)).answers[0]?.data).toBe('192.0.2.1');
  });

  test('a message of no octets, of one and of eleven is passed over', async () => {
    const client = await open();
    const before = await weir.metric('weir_dropped_queries_total', 'reason="tooShort"');
    client.socket.write(
      Buffer.concat([framed(new Uint8Array(0)), framed(new Uint8Array(1)), framed(new Uint8Array(11))]),
    );
    await client.exchange(query('listed.example'));
    expect(client.received).toHaveLength(1);
    expect((await weir.metric('weir_dropped_queries_total', 'reason="tooShort"')) - before).toBe(3);
  });

  test('a query of 65,535 octets is answered', async () => {
    const padding = option(EdnsOption.PADDING, new Uint8Array(MESSAGE_BYTES_MAX - LISTED_QUERY_BYTES));
    const message = query('listed.example', 1, { options: [padding] });
    expect(message).toHaveLength(MESSAGE_BYTES_MAX);
    const client = await open();
    expect(decoded(await client.exchange(message)).answers[0]?.data).toBe('192.0.2.53');
  });

  test('65,535 octets of rubbish get FORMERR, and the connection goes on', async () => {
    const client = await open();
    const rubbish = new Uint8Array(MESSAGE_BYTES_MAX).fill(0x5a);
    rubbish.set(query('x.example').subarray(0, 12));
    expect((await client.exchange(rubbish))[3]! & 0x0f).toBe(1);
    expect(decoded(await client.exchange(query('listed.example'))).rcode).toBe(0);
  });

  test('a length without its message, and then the end: the connection is closed without an answer', async () => {
    const client = await open();
    client.socket.end(Buffer.from([0xff, 0xff, 1, 2, 3]));
    await client.closed();
    expect(client.received).toEqual([]);
  });

  test('an answer too long for UDP is cut there with TC and whole over TCP', async () => {
    const answers = Array.from({ length: 200 }, (_, index) => aRecord('large.example', `192.0.2.${index}`));
    upstream.answerWith((asked) =>
      asked.transport === 'udp' ? respond(asked, { truncated: true }) : answerWithRecords(asked, { answers }),
    );
    const cut = await ask({ port: weir.port }, 'large.example');
    expect([cut.flags & 0x0200, cut.answers, cut.edns?.udpPayloadBytes]).toEqual([0x0200, [], 1232]);
    const whole = await ask({ port: weir.port, transport: 'tcp' }, 'large.example');
    expect([whole.flags & 0x0200, whole.answers.length]).toEqual([0, 200]);
  });

  test('an answer of 65,535 octets comes through', async () => {
    const fixed = answerWithRecords(
      { message: query('huge.example', 1, { udpPayloadBytes: 1232 }), name: 'huge.example', qtype: 1 },
      {},
    ).length;
    const recordBytes = aRecord('huge.example').length;
    const count = Math.floor((MESSAGE_BYTES_MAX - fixed) / recordBytes);
    const answers = Array.from({ length: count }, (_, index) =>
      aRecord('huge.example', `10.0.${index >> 8}.${index & 0xff}`),
    );
    upstream.answerWith((asked) =>
      asked.transport === 'udp' ? respond(asked, { truncated: true }) : answerWithRecords(asked, { answers }),
    );
    expect((await ask({ port: weir.port, transport: 'tcp' }, 'huge.example')).answers).toHaveLength(count);
  });
});

describe('connections', () => {
  test('half-closed: what waits is answered, then the server closes', async () => {
    let held: FakeQuery | undefined;
    upstream.answerWith((asked) => void (held = asked));
    const client = await open();
    const message = query('half.example');
    client.socket.end(framed(message));
    const asked = (await until(
      () => held,
      (seen) => seen !== undefined,
      'the upstream is asked',
    ))!;
    expect(client.isClosed).toBe(false);
    asked.reply(respond(asked));
    expect(decoded(await client.responseTo(message)).answers).toHaveLength(1);
    await client.closed();
  });

  test('quiet ones are closed, and so is one that sends an octet now and then', async () => {
    const [quiet, dribbles] = [await open(), await open()];
    const octets = framed(query('listed.example'));
    let at = 0;
    const timer = setInterval(() => dribbles.socket.write(octets.subarray(at, ++at)), IDLE_MS / 4);
    await quiet.closed();
    await dribbles.closed();
    clearInterval(timer);
    expect(at).toBeLessThan(octets.length);
    expect(dribbles.received).toEqual([]);
  });

  test('one that waits for a slow upstream is not idle', async () => {
    const client = await open();
    upstream.answerWith((asked) => void setTimeout(() => asked.reply(respond(asked)), IDLE_MS * 2));
    expect(decoded(await client.exchange(query('patient.example'))).answers).toHaveLength(1);
  });

  test('one client may hold so many, all clients together so many; the rest are closed at once and counted', async () => {
    const rejected = () => weir.metric('weir_tcp_connections_rejected_total');
    const before = await rejected();
    const mine = await Promise.all(Array.from({ length: 5 }, open));
    for (const client of mine) await client.exchange(query('listed.example'));
    await (await open()).closed();
    expect((await rejected()) - before).toBe(1);
    const others = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'].map((localAddress) => {
      const socket = connect({ port: weir.port, host: '127.0.0.1', localAddress });
      socket.on('error', () => undefined);
      return socket;
    });
    await new Promise((resolve) => others[3]!.once('close', resolve));
    expect(await weir.metric('weir_tcp_connections')).toBe(8);
    expect((await rejected()) - before).toBe(2);
    for (const socket of others) socket.destroy();
    mine[0]!.close();
    await weir.untilMetric((count) => count === 4, 'weir_tcp_connections');
    const again = await open();
    expect(decoded(await again.exchange(query('listed.example'))).rcode).toBe(0);
  });

  test('a client that never reads is cut off; others are served meanwhile', async () => {
    const socket = connect({ port: weir.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.pause();
    await once(socket, 'connect');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const flood = Buffer.concat(Array.from({ length: 200 }, () => framed(query('listed.example'))));
    const pump = setInterval(() => {
      if (socket.writableLength < 4 * flood.length) for (let i = 0; i < 50; i++) socket.write(flood);
    }, 1);
    await closed;
    clearInterval(pump);
    expect(decoded(await (await open()).exchange(query('listed.example'))).rcode).toBe(0);
    expect(await weir.metric('weir_dropped_queries_total', 'reason="sendFailed"')).toBeGreaterThan(0);
  });

  test('a client that resets while its query is under way hurts nobody', async () => {
    const held: FakeQuery[] = [];
    upstream.answerWith((asked) => void held.push(asked));
    const client = await open();
    client.send(query('vanishes.example'));
    await until(
      () => held.length,
      (count) => count > 0,
      'the upstream is asked',
    );
    client.socket.resetAndDestroy();
    await weir.untilMetric((count) => count === 0, 'weir_tcp_connections');
    for (const asked of held) asked.reply(respond(asked));
    upstream.answerWith((asked) => respond(asked));
    expect((await ask({ port: weir.port, transport: 'tcp' }, 'vanishes.example')).answers).toHaveLength(1);
  });

  test('the keepalive option is answered over TCP, with the idle time, and not over UDP', async () => {
    const options = [option(EdnsOption.KEEPALIVE, new Uint8Array(0))];
    for (const name of ['listed.example', 'plain.example']) {
      const overTcp = await ask({ port: weir.port, transport: 'tcp' }, name, 1, { options });
      const keepalive = overTcp.edns?.options.find(({ code }) => code === EdnsOption.KEEPALIVE);
      expect(keepalive && Buffer.from(keepalive.data).readUInt16BE(), name).toBe(IDLE_MS / 100);
      const overUdp = await ask({ port: weir.port }, name, 1, { options });
      expect(
        overUdp.edns?.options.map(({ code }) => code),
        name,
      ).not.toContain(EdnsOption.KEEPALIVE);
    }
  });
});
