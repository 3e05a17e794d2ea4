import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWERED_LATER, DROPPED, type ReplyPath } from '../../../../src/data-plane/listener/arrival.ts';
import type { ConnectionLimits } from '../../../../src/data-plane/listener/connection-count.ts';
import { LISTENERS } from '../../../../src/data-plane/listener/listeners.ts';
import { DohCutRow } from '../../../../src/telemetry/counter-labels.ts';
import { closeClients } from '../../../support/dns-client.ts';
import {
  DNS_MESSAGE,
  DohClient,
  type DohRequestFields,
  type DohResponse,
  getPath,
  requestHttp1,
} from '../../../support/doh-client.ts';
import { answerInPlace, closeListeners, echo, listenerDependencies, track } from '../../../support/listener-harness.ts';
import { CLIENT_TLS } from '../../../support/tls-fixture.ts';
import { until } from '../../../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';
const POST: DohRequestFields = { method: 'POST', headers: { 'content-type': DNS_MESSAGE } };
const MESSAGE = Uint8Array.from([0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

async function listening(handler = echo, limits: Partial<ConnectionLimits> = {}) {
  const { deps, reports } = listenerDependencies(handler, limits);
  const listener = await track(LISTENERS.doh({ host: HOST, port: 0 }, deps));
  return { listener, reports, port: listener.port };
}

/** Keeps every query until the test answers it. */
async function holding(limits: Partial<ConnectionLimits> = {}) {
  const held: ReplyPath[] = [];
  const { listener, reports, port } = await listening((arrival) => {
    held.push(arrival.keepReplyPath());
    return ANSWERED_LATER;
  }, limits);
  const untilHeld = (count: number) =>
    until(
      () => held.length,
      (length) => length === count,
      `${count} queries held`,
    );
  return { listener, reports, port, held, untilHeld };
}

const overHttp2 = async (port: number, fields: DohRequestFields): Promise<DohResponse> =>
  (await DohClient.open(port)).request(fields);

describe.each([
  ['HTTP/2', overHttp2],
  ['HTTP/1.1', requestHttp1],
])('over %s', (_, request) => {
  it('a message by GET and by POST gets its response, octet for octet', async () => {
    const { port, reports } = await listening();
    for (const fields of [{ path: getPath(MESSAGE) }, { ...POST, body: MESSAGE }]) {
      const { status, headers, body } = await request(port, fields);
      expect(status).toBe(200);
      expect(headers).toMatchObject({ 'content-type': DNS_MESSAGE, 'content-length': String(MESSAGE.length) });
      expect(Uint8Array.from(body)).toEqual(MESSAGE);
    }
    expect(reports.statuses).toEqual([200, 200]);
  });

  it('65,535 octets go both ways, and one more does not', async () => {
    const { port } = await listening();
    const longest = new Uint8Array(65_535).fill(1);
    expect(Uint8Array.from((await request(port, { ...POST, body: longest })).body)).toEqual(longest);
    const tooLong = { ...POST, body: new Uint8Array(65_536) };
    expect((await request(port, tooLong)).status).toBe(413);
  });

  it('HEAD gets the fields of a GET and no content', async () => {
    const { port } = await listening();
    const { status, headers, body } = await request(port, { method: 'HEAD', path: getPath(MESSAGE) });
    expect(status).toBe(200);
    expect(headers['content-length']).toBe(String(MESSAGE.length));
    expect(body).toHaveLength(0);
  });

  it.each([
    [400, { path: '/dns-query' }],
    [400, { ...POST, body: MESSAGE.subarray(0, 11) }],
    [404, { path: '/' }],
    [405, { method: 'PUT', headers: { 'content-type': DNS_MESSAGE }, body: MESSAGE }],
    [405, { method: 'OPTIONS', headers: { origin: 'https://x.example', 'access-control-request-method': 'POST' } }],
    [406, { path: getPath(MESSAGE), headers: { accept: 'application/dns-json' } }],
    [414, { path: getPath(new Uint8Array(7000)) }],
    [415, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: MESSAGE }],
  ])('what is wrong is told: %i', async (expected, fields: DohRequestFields) => {
    const { port, reports } = await listening();
    const { status, headers, body } = await request(port, fields);
    expect(status).toBe(expected);
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    expect(body.length).toBeLessThan(100);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    if (expected === 405) expect(headers['allow']).toBe('GET, HEAD, POST');
    expect(reports.statuses).toEqual([expected]);
  });

  it('a response instead of a query is a bad request', async () => {
    const { port } = await listening(() => DROPPED);
    const response = MESSAGE.with(2, 0x81);
    expect((await request(port, { ...POST, body: response })).status).toBe(400);
  });

  it('a query that is dropped gets no HTTP response either', async () => {
    const { port } = await listening(() => DROPPED);
    await expect(request(port, { ...POST, body: MESSAGE })).rejects.toThrow();
  });

  it('an answer that comes later, and one that never does', async () => {
    const { port, held, untilHeld } = await holding();
    const answered = request(port, { path: getPath(MESSAGE) });
    await untilHeld(1);
    held[0]!.send(MESSAGE, MESSAGE.length);
    expect(Uint8Array.from((await answered).body)).toEqual(MESSAGE);
    const abandoned = request(port, { path: getPath(MESSAGE) });
    abandoned.catch(() => undefined);
    await untilHeld(2);
    held[1]!.abandon();
    await expect(abandoned).rejects.toThrow();
  });

  it('close answers what is under way, and then ends', async () => {
    const { listener, port, held, untilHeld } = await holding();
    const answered = request(port, { path: getPath(MESSAGE) });
    await untilHeld(1);
    const closed = listener.close();
    held[0]!.send(MESSAGE, MESSAGE.length);
    expect((await answered).status).toBe(200);
    await closed;
  });
});

describe('a session of HTTP/2', () => {
  it('carries as many streams at a time as the pipeline takes, and no more', async () => {
    const { port, held, untilHeld } = await holding({ pipelineMax: 3 });
    const client = await DohClient.open(port);
    expect(client.session.remoteSettings.maxConcurrentStreams).toBe(3);
    for (let id = 0; id < 5; id++) client.send(MESSAGE.with(1, id + 1));
    await untilHeld(3);
    held[0]!.send(MESSAGE, MESSAGE.length);
    await untilHeld(4);
  });

  it.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
    'that opens streams only to reset them (code %i) is cut, and counted once',
    async (code) => {
      const { port, reports } = await holding();
      const client = await DohClient.open(port);
      for (let sent = 0; sent < 2_000 && !client.session.destroyed; sent++) {
        const stream = client.session.request({ ':path': getPath(MESSAGE) });
        stream.on('error', () => undefined);
        stream.close(code);
        if (sent % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
      }
      await client.closed();
      expect(reports.cuts).toEqual([DohCutRow.resets]);
      // Others are served.
      expect((await overHttp2(port, { path: '/' })).status).toBe(404);
    },
  );

  it('that is cut says so: too much of it', async () => {
    const { port, reports } = await listening(echo, { idleTimeoutMs: 200 });
    const client = await DohClient.open(port);
    const goaway = once(client.session, 'goaway');
    const stream = client.session.request({ ':method': 'POST', ':path': '/dns-query', 'content-type': DNS_MESSAGE });
    stream.on('error', () => undefined);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(reports.cuts).toEqual([DohCutRow.slow]);
  });

  it('whose client takes no responses is cut', async () => {
    const large = new Uint8Array(60_000);
    const { port, reports } = await listening((arrival) => answerInPlace(arrival, large));
    const client = await DohClient.open(port);
    client.session.setLocalWindowSize(65_535);
    for (let id = 0; id < 20 && !client.session.destroyed; id++) {
      const stream = client.session.request({ ':path': getPath(MESSAGE) });
      stream.on('error', () => undefined);
      stream.pause();
    }
    await until(
      () => reports.cuts,
      (cuts) => cuts.includes(DohCutRow.unread),
      'the client is cut',
    );
  });

  it('is told to go elsewhere when the listener stops, and what it has asked is answered', async () => {
    const { listener, port, held, untilHeld } = await holding();
    const client = await DohClient.open(port);
    const answered = client.request({ path: getPath(MESSAGE) });
    await untilHeld(1);
    const goaway = once(client.session, 'goaway');
    listener.stop();
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    held[0]!.send(MESSAGE, MESSAGE.length);
    expect((await answered).status).toBe(200);
    await client.closed();
  });

  it('refuses too many header fields, and fields that are too long', async () => {
    const { port } = await listening();
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, 'y']));
    await expect(overHttp2(port, { path: getPath(MESSAGE), headers: many })).rejects.toThrow();
    const long = { 'x-long': 'y'.repeat(20_000) };
    await expect(overHttp2(port, { path: getPath(MESSAGE), headers: long })).rejects.toThrow();
  });
});

/** A TLS connection that speaks for itself. */
async function raw(port: number, protocol: string) {
  const socket = tlsConnect({ port, host: HOST, ...CLIENT_TLS, ALPNProtocols: [protocol] });
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  let isClosed = false;
  socket.on('close', () => (isClosed = true));
  await once(socket, 'secureConnect');
  const closed = () =>
    until(
      () => isClosed,
      (value) => value,
      'the server closes',
    );
  return { socket, closed, text: () => text };
}

describe('a slow client', () => {
  it('that dribbles the head of a request, or only sits there, is closed when idle', async () => {
    const { port } = await listening(echo, { idleTimeoutMs: 200 });
    for (const protocol of ['http/1.1', 'h2']) {
      const quiet = await raw(port, protocol);
      const slow = await raw(port, 'http/1.1');
      slow.socket.write('GET /dns-query?dns=');
      const dribble = setInterval(() => slow.socket.write('A'), 20);
      await Promise.all([quiet.closed(), slow.closed()]);
      clearInterval(dribble);
    }
  });

  it('that dribbles a body is cut, over HTTP/2 and HTTP/1.1', async () => {
    const { port, reports } = await listening(echo, { idleTimeoutMs: 200 });
    const client = await DohClient.open(port);
    const stream = client.session.request({ ':method': 'POST', ':path': '/dns-query', 'content-type': DNS_MESSAGE });
    stream.on('error', () => undefined);
    const http1 = await raw(port, 'http/1.1');
    http1.socket.write(
      `POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Type: ${DNS_MESSAGE}\r\nContent-Length: 100\r\n\r\n`,
    );
    const dribble = setInterval(() => {
      if (!stream.destroyed) stream.write('A');
      http1.socket.write('A');
    }, 20);
    await Promise.all([client.closed(), http1.closed()]);
    clearInterval(dribble);
    expect(reports.cuts).toEqual([DohCutRow.slow, DohCutRow.slow]);
  });

  it('that waits for an answer is not idle', async () => {
    const { port, held, untilHeld } = await holding({ idleTimeoutMs: 100 });
    const answered = overHttp2(port, { path: getPath(MESSAGE) });
    await untilHeld(1);
    await (await raw(port, 'http/1.1')).closed();
    held[0]!.send(MESSAGE, MESSAGE.length);
    expect((await answered).status).toBe(200);
  });
});

describe('over HTTP/1.1', () => {
  it('several requests go over one connection in turn', async () => {
    const { port } = await listening();
    const { socket, text } = await raw(port, 'http/1.1');
    const request = `GET ${getPath(MESSAGE)} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.write(request + request);
    await until(text, (all) => all.split('HTTP/1.1 200').length === 3, 'two responses');
  });

  it('a client that sends requests without end and waits for none is cut', async () => {
    const { port, reports } = await holding({ pipelineMax: 5 });
    const { socket, closed } = await raw(port, 'http/1.1');
    socket.write(`GET ${getPath(MESSAGE)} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(10));
    await closed();
    expect(reports.cuts).toEqual([DohCutRow.protocol]);
  });

  it.each([
    [431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`],
    [400, 'NONSENSE\r\n\r\n'],
  ])('what is no request gets %i and the end', async (status, octets) => {
    const { port, reports } = await listening();
    const { socket, closed, text } = await raw(port, 'http/1.1');
    socket.write(octets);
    await closed();
    expect(text()).toContain(`HTTP/1.1 ${status}`);
    expect(reports.statuses).toEqual([status]);
  });

  it('is what a client speaks that names no protocol', async () => {
    const { port } = await listening();
    const socket = tlsConnect({ port, host: HOST, ...CLIENT_TLS });
    socket.write(`GET ${getPath(MESSAGE)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [chunk]: Buffer[] = await once(socket, 'data');
    expect(chunk!.toString('latin1')).toContain('HTTP/1.1 200');
    socket.destroy();
  });
});
