import { once } from 'node:events';
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWERED_LATER, type ReplyPath } from '../../../../src/data-plane/listener/arrival.ts';
import type { ConnectionLimits } from '../../../../src/data-plane/listener/connection-count.ts';
import { LISTENERS } from '../../../../src/data-plane/listener/listeners.ts';
import { TlsContext } from '../../../../src/data-plane/listener/tls-server.ts';
import { HandshakeRow } from '../../../../src/telemetry/counter-labels.ts';
import { closeClients, framed, TcpClient } from '../../../support/dns-client.ts';
import { DotClient } from '../../../support/dot-client.ts';
import {
  closeListeners,
  echo,
  listenerDependencies,
  messageOf,
  numbered as message,
  sendWithoutReading,
  track,
} from '../../../support/listener-harness.ts';
import { CLIENT_TLS, tlsMaterial } from '../../../support/tls-fixture.ts';
import { until } from '../../../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';

async function listening(
  limits: Partial<ConnectionLimits> = {},
  handler = echo,
  context = new TlsContext(tlsMaterial()),
) {
  const { deps, reports } = listenerDependencies(handler, limits, context);
  const listener = await track(LISTENERS.dot({ host: HOST, port: 0 }, deps));
  const untilHandshake = (row: number) =>
    until(
      () => reports.handshakes,
      (rows) => rows.includes(row),
      `a handshake that ends as ${row}`,
    );
  return { listener, reports, port: listener.port, context, deps, untilHandshake };
}

describe('a handshake', () => {
  it('gives TLS 1.3, or 1.2 to clients that have no more, with forward secrecy', async () => {
    const { port } = await listening();
    expect((await DotClient.open(port)).tls.getProtocol()).toBe('TLSv1.3');
    const old = await DotClient.open(port, HOST, { maxVersion: 'TLSv1.2' });
    expect(old.tls.getProtocol()).toBe('TLSv1.2');
    expect(old.tls.getCipher().name).toMatch(/^ECDHE-.*(?:GCM|POLY1305)/);
    expect(await old.exchange(message(1))).toEqual(message(1));
  });

  it.each([
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }],
    ['a cipher without authenticated encryption', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }],
  ] as const)('is refused with %s, and counted', async (_, options) => {
    const { port, untilHandshake } = await listening();
    await expect(DotClient.open(port, HOST, options)).rejects.toThrow();
    await untilHandshake(HandshakeRow.noVersion);
  });

  it('needs no ALPN, takes "dot", and ends where a client speaks only something else', async () => {
    const { port, untilHandshake } = await listening();
    const named = await DotClient.open(port, HOST, { ALPNProtocols: ['h2', 'dot'] });
    expect(named.tls.alpnProtocol).toBe('dot');
    const socket = tlsConnect({ port, host: HOST, ...CLIENT_TLS });
    await once(socket, 'secureConnect');
    expect(await new DotClient(socket).exchange(message(1))).toEqual(message(1));
    await expect(DotClient.open(port, HOST, { ALPNProtocols: ['h2'] })).rejects.toThrow('no application protocol');
    await untilHandshake(HandshakeRow.noProtocol);
  });

  it('that is none is counted, and harms nobody', async () => {
    const { port, untilHandshake } = await listening();
    const client = await TcpClient.open(port);
    client.socket.write(framed(message(1, 40)));
    await client.closed();
    await untilHandshake(HandshakeRow.malformed);
    expect(await (await DotClient.open(port)).exchange(message(2))).toEqual(message(2));
  });

  it('under way counts as a connection of its client', async () => {
    const { port, reports } = await listening({ connectionsPerClientMax: 2 });
    for (let count = 0; count < 2; count++) await TcpClient.open(port);
    await until(
      () => reports.connections.length,
      (length) => length === 2,
      'both are counted',
    );
    const third = tcpConnect(port, HOST);
    third.on('error', () => undefined);
    await once(third, 'close');
    expect(reports.rejected).toBe(1);
    closeClients();
    await until(
      () => reports.connections.length,
      (length) => length === 4,
      'both are given back',
    );
    expect(await (await DotClient.open(port)).exchange(message(1))).toEqual(message(1));
  });
});

describe('a session', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is resumed with another thread that has the same keys (%s)',
    async (maxVersion) => {
      const material = tlsMaterial();
      const first = await listening({}, echo, new TlsContext(material));
      const second = await listening({}, echo, new TlsContext(material));
      const client = await DotClient.open(first.port, HOST, { maxVersion });
      await client.exchange(message(1));
      const session = await client.session();
      const resumed = await DotClient.open(second.port, HOST, { maxVersion, session });
      expect(resumed.tls.isSessionReused()).toBe(true);
      expect(await resumed.exchange(message(2))).toEqual(message(2));
      expect(second.reports.handshakes).toEqual([HandshakeRow.resumed]);
      const stranger = await listening();
      const anew = await DotClient.open(stranger.port, HOST, { maxVersion, session });
      expect(anew.tls.isSessionReused()).toBe(false);
    },
  );

  it('goes on when the certificate changes; the next sees the new one', async () => {
    const { port, context } = await listening();
    const open = await DotClient.open(port);
    const { fingerprint256: before } = open.tls.getPeerCertificate();
    context.replace(tlsMaterial('server-2'));
    expect(await open.exchange(message(1))).toEqual(message(1));
    const next = await DotClient.open(port);
    expect(next.tls.getPeerCertificate().fingerprint256).not.toBe(before);
    expect(await next.exchange(message(2))).toEqual(message(2));
  });

  it('that is idle is ended with a word, and so is one whose client dribbles octets', async () => {
    const { port } = await listening({ idleTimeoutMs: 200 });
    const quiet = await DotClient.open(port);
    // Why "end": an end without close_notify would be an error to a client that looks for truncation.
    const ended = once(quiet.socket, 'end');
    const slow = await DotClient.open(port);
    slow.socket.write(Uint8Array.of(0, 200));
    const dribble = setInterval(() => slow.socket.write(Uint8Array.of(1)), 20);
    await Promise.all([ended, slow.closed()]);
    clearInterval(dribble);
  });

  it('half-closed by the client still carries every answer, and is then closed', async () => {
    const held: { octets: Uint8Array; reply: ReplyPath }[] = [];
    const { port } = await listening({}, (arrival) => {
      held.push({ octets: messageOf(arrival), reply: arrival.keepReplyPath() });
      return ANSWERED_LATER;
    });
    const client = await DotClient.open(port, HOST);
    client.socket.end(Buffer.concat([1, 2].map((id) => framed(message(id)))));
    await until(
      () => held.length,
      (length) => length === 2,
      'two queries',
    );
    for (const { octets, reply } of held.toReversed()) reply.send(octets, octets.length);
    await client.closed();
    expect(client.received).toEqual([message(2), message(1)]);
  });

  it('carries many answers to a client that sends many queries at once', async () => {
    const { port, reports } = await listening();
    const client = await DotClient.open(port);
    client.socket.write(Buffer.concat(Array.from({ length: 2_000 }, (_, id) => framed(message(id + 1, 400)))));
    await until(
      () => client.received.length,
      (length) => length === 2_000,
      'two thousand answers',
    );
    expect(reports.sendsFailed).toBe(0);
  });

  it('whose client does not read is asked for nothing more, and cut when it stays so, and counted', async () => {
    const { port, reports } = await listening({ idleTimeoutMs: 500 });
    const client = await DotClient.open(port);
    sendWithoutReading(client);
    await until(
      () => reports.connections.length,
      (length) => length === 2,
      'the connection is cut',
    );
    expect(reports.sendsFailed).toBe(1);
  });
});

describe('close', () => {
  it('ends handshakes and sessions, and frees the port', async () => {
    const { listener, port, reports } = await listening();
    await TcpClient.open(port);
    const client = await DotClient.open(port);
    await client.exchange(message(1));
    await listener.close();
    await client.closed();
    expect(reports.connections).toEqual([1, 1, -1, -1]);
    await expect(DotClient.open(port)).rejects.toThrow('ECONNREFUSED');
  });
});
