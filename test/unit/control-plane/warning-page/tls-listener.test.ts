import { type Server, connect as connectPlain } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CertificateStore } from '../../../../src/control-plane/warning-page/certificate-store.ts';
import { readAuthority } from '../../../../src/control-plane/warning-page/leaf-certificate.ts';
import {
  ALERT_DESCRIPTION,
  HELLO_TIMEOUT_MS,
  createTlsListener,
} from '../../../../src/control-plane/warning-page/tls-listener.ts';
import { HELLO_OUTCOMES } from '../../../../src/telemetry/counter-labels.ts';
import { Counter, createCounters, pageCounter } from '../../../../src/telemetry/counters.ts';
import { capturedHello, inRecords } from '../../../support/client-hello.ts';
import { CA, fixture } from '../../../support/tls-fixture.ts';
import { BLOCKED, testWarningPage } from '../../../support/warning-page.ts';

const open: Server[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen({ withAuthority = false, config = {} } = {}) {
  const cells = new Float64Array(createCounters());
  const page = testWarningPage({ cells, config });
  await page.server.ready();
  const authority = readAuthority(CA, fixture('ca-key.pem'));
  const server = createTlsListener({
    judge: (host) => (host.endsWith('bad.example') ? { ...BLOCKED, name: host } : undefined),
    connections: page.connections,
    cells,
    certificates: withAuthority
      ? new CertificateStore(authority, 10, { onMade: () => undefined, onRefused: () => undefined })
      : undefined,
    onSecure: (socket) => page.server.server.emit('connection', socket),
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const counts = () =>
    Object.fromEntries(HELLO_OUTCOMES.map((outcome, row) => [outcome, cells[Counter.pageHellos + row]]));
  return { port, cells, counts, connections: page.connections };
}

const NONE = { blocked: 0, notBlocked: 0, noName: 0, malformed: 0, timeout: 0 };

/** Sends octets and reads all that comes back until the other side closes. */
async function exchange(port: number, ...pieces: readonly Uint8Array[]): Promise<string> {
  const socket = connectPlain(port, '127.0.0.1');
  socket.setNoDelay(true);
  for (const piece of pieces) socket.write(piece);
  return Buffer.from(await text(socket.setEncoding('latin1')), 'utf8').toString('latin1');
}

async function handshakeError(port: number, servername: string): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername, ca: CA }, () => reject(new Error('it was secure')));
    socket.once('error', resolve);
  });
}

describe('HTTPS without an authority', () => {
  it('ends with a fatal alert that says the name is not known here, and counts what was asked for', async () => {
    const { port, counts } = await listen();
    const blocked = await handshakeError(port, 'login.bad.example');
    const other = await handshakeError(port, 'good.example');
    expect([blocked.code, other.code]).toEqual(Array(2).fill('ERR_SSL_TLSV1_UNRECOGNIZED_NAME'));
    expect(counts()).toEqual({ ...NONE, blocked: 1, notBlocked: 1 });
  });

  it('answers one alert of seven octets to a hello in pieces, and nothing else', async () => {
    const { port, counts } = await listen();
    const hello = inRecords(await capturedHello('bad.example'), 60);
    const alert = await exchange(port, hello.subarray(0, 3), hello.subarray(3, 100), hello.subarray(100));
    expect([...Buffer.from(alert, 'latin1')]).toEqual([21, 3, 3, 0, 2, 2, ALERT_DESCRIPTION]);
    expect(counts()).toEqual({ ...NONE, blocked: 1 });
  });

  it('takes a name that is none as not blocked', async () => {
    const { port, counts } = await listen();
    await exchange(port, await capturedHello('bad.example'.replace('bad', '*')));
    await exchange(port, await capturedHello());
    expect(counts()).toEqual({ ...NONE, notBlocked: 1, noName: 1 });
  });

  it('says nothing to what is no TLS', async () => {
    const { port, counts } = await listen();
    expect(await exchange(port, Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('');
    expect(counts()).toEqual({ ...NONE, malformed: 1 });
  });

  it('gives up on a hello that comes octet by octet', async () => {
    const { port, counts } = await listen();
    const socket = connectPlain(port, '127.0.0.1');
    socket.setNoDelay(true);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    const hello = await capturedHello('bad.example');
    let at = 0;
    const next = (): void => {
      if (socket.destroyed || at === hello.length) return;
      socket.write(hello.subarray(at, ++at), () => setImmediate(next));
    };
    next();
    await closed;
    expect(at).toBeLessThan(hello.length);
    expect(counts()).toEqual({ ...NONE, malformed: 1 });
  });

  it('waits for a hello a few seconds and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { port, counts } = await listen();
    const [server] = open;
    const accepted = new Promise((resolve) => server!.once('connection', resolve));
    const answer = exchange(port, (await capturedHello('bad.example')).subarray(0, 50));
    await accepted;
    vi.advanceTimersByTime(HELLO_TIMEOUT_MS);
    expect(await answer).toBe('');
    expect(counts()).toEqual({ ...NONE, timeout: 1 });
  });
});

describe('HTTPS on a managed network', () => {
  it('shows the page by a certificate for the blocked name, counted as https', async () => {
    const { port, cells, counts } = await listen({ withAuthority: true });
    const socket = connect({ port, host: '127.0.0.1', servername: 'login.bad.example', ca: CA });
    socket.write('GET / HTTP/1.1\r\nHost: login.bad.example\r\nAccept-Language: en\r\nConnection: close\r\n\r\n');
    const response = await text(socket);
    expect(socket.authorized).toBe(true);
    expect(response).toMatch(/^HTTP\/1\.1 451 /);
    expect(response).toContain('This website has been blocked');
    expect([cells[pageCounter(0, 1)], cells[pageCounter(1, 1)]]).toEqual([0, 1]);
    expect(counts()).toEqual({ ...NONE, blocked: 1 });
  });

  it('keeps a connection that asks, where one that is silent can make room', async () => {
    const { port, connections } = await listen({ withAuthority: true, config: { connectionsMax: 2 } });
    const asking = connect({ port, host: '127.0.0.1', servername: 'bad.example', ca: CA });
    const ask = async (): Promise<unknown> => {
      asking.write('GET / HTTP/1.1\r\nHost: bad.example\r\nAccept: application/json\r\n\r\n');
      return new Promise((resolve) => asking.once('data', resolve));
    };
    await ask();
    const silent = connectPlain(port, '127.0.0.1');
    const isSilentClosed = new Promise((resolve) => silent.once('close', resolve));
    await expect.poll(() => connections.openCount).toBe(2);
    await ask();
    const third = connectPlain(port, '127.0.0.1');
    await isSilentClosed;
    await ask();
    asking.destroy();
    third.destroy();
    await expect.poll(() => connections.openCount).toBe(0);
  });

  it('closes the connection behind a TLS connection that makes room', async () => {
    const { port, connections } = await listen({ withAuthority: true, config: { connectionsMax: 1 } });
    const first = connect({ port, host: '127.0.0.1', servername: 'bad.example', ca: CA });
    first.on('error', () => undefined);
    const isClosed = new Promise((resolve) => first.once('close', resolve));
    await new Promise((resolve) => first.once('secureConnect', resolve));
    const second = connectPlain(port, '127.0.0.1');
    await isClosed;
    expect(connections.openCount).toBe(1);
    second.destroy();
    await expect.poll(() => connections.openCount).toBe(0);
  });

  it('shows no certificate for a name that is not blocked', async () => {
    const { port } = await listen({ withAuthority: true });
    expect((await handshakeError(port, 'good.example')).code).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  });

  it('can be read in pieces, too', async () => {
    const { port } = await listen({ withAuthority: true });
    const hello = inRecords(await capturedHello('bad.example'), 60);
    const client = connectPlain(port, '127.0.0.1');
    client.write(hello.subarray(0, 90));
    client.write(hello.subarray(90));
    const first = await new Promise<Buffer>((resolve) => client.once('data', resolve));
    client.destroy();
    // A handshake record: a ServerHello, not an alert.
    expect([first[0], first[5]]).toEqual([22, 2]);
  });
});
