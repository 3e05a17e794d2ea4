/** RFC 7858, DNS over Transport Layer Security. What it takes over from DNS over TCP is checked on the same code. */
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWERED_LATER, type ReplyPath } from '../../src/data-plane/listener/arrival.ts';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { closeClients, framed, query, TcpClient } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { closeListeners, echo, listenerDependencies, messageOf, track } from '../support/listener-harness.ts';
import { until } from '../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';

async function listening(handler = echo, limits = {}) {
  const { deps } = listenerDependencies(handler, limits);
  return (await track(LISTENERS.dot({ host: HOST, port: 0 }, deps))).port;
}

describe('RFC 7858', () => {
  it('3.1 "This port MUST NOT be used to transport cleartext DNS messages"', async () => {
    const seen: Uint8Array[] = [];
    const port = await listening((arrival) => {
      seen.push(messageOf(arrival));
      return echo(arrival);
    });
    const client = await TcpClient.open(port);
    client.send(query('a.example'));
    await client.closed();
    expect(client.received).toEqual([]);
    expect(seen).toEqual([]);
  });

  it('3.3 "messages ... MUST use the two-octet length field described in Section 4.2.2 of [RFC1035]"', async () => {
    const client = await DotClient.open(await listening());
    const message = query('a.example');
    const frame = framed(message);
    for (const octet of frame) client.socket.write(Uint8Array.of(octet));
    expect(await client.responseTo(message)).toEqual(message);
  });

  it('3.3 "clients SHOULD pipeline multiple queries over a TLS session ... responses ... out of order"', async () => {
    const held: { octets: Uint8Array; reply: ReplyPath }[] = [];
    const port = await listening((arrival) => {
      held.push({ octets: messageOf(arrival), reply: arrival.keepReplyPath() });
      return ANSWERED_LATER;
    });
    const client = await DotClient.open(port);
    const messages = [query('a.example'), query('b.example'), query('c.example')];
    client.socket.write(Buffer.concat(messages.map(framed)));
    await until(
      () => held.length,
      (length) => length === messages.length,
      'all are held',
    );
    for (const { octets, reply } of held.toReversed()) reply.send(octets, octets.length);
    await client.responseTo(messages[0]!);
    expect(client.received).toEqual(messages.toReversed());
  });

  it('3.4 "clients and servers SHOULD NOT immediately close a connection after each response"', async () => {
    const client = await DotClient.open(await listening());
    for (const name of ['a.example', 'b.example']) {
      const message = query(name);
      expect(await client.exchange(message)).toEqual(message);
    }
    expect(client.isClosed).toBe(false);
  });

  it('3.4 "DNS ... servers SHOULD ... close ... idle ... and MUST be robust to termination of an idle connection": with a TLS closure alert', async () => {
    const client = await DotClient.open(await listening(undefined, { idleTimeoutMs: 100 }));
    let ended = false;
    client.socket.on('end', () => (ended = true));
    await client.closed();
    expect(ended).toBe(true);
  });

  it('4.1 the opportunistic profile: a client need not authenticate', async () => {
    const client = await DotClient.open(await listening(), HOST, { ca: [], rejectUnauthorized: false });
    const message = query('a.example');
    expect(await client.exchange(message)).toEqual(message);
  });
});
