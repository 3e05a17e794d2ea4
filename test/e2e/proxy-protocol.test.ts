/** The PROXY protocol of balancers: whose query it is, to whom the response goes, and what is never believed. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { closeClients, decoded, keepOpen, query, TcpClient, UdpClient } from '../support/dns-client.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';
import { concat, hex, words } from '../support/wire.ts';

const BALANCER = '127.0.0.2';
/** Served, and not served. */
const CLIENT = hex('c6336407');
const STRANGER = hex('cb007107');
const CLIENT_IPV6 = hex('20010db8000000000000000000000007');
const NOERROR = 0;
const REFUSED = 5;

let weir: WeirProcess;

beforeAll(async () => {
  weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: {
      listen: {
        do53: ['127.0.0.1:0'],
        admin: '127.0.0.1:0',
        warningPageHttp: '',
        proxyProtocol: [`${BALANCER}/32`],
      },
      lists: [{ name: 'list', source: 'list.txt' }],
      clients: { allow: ['198.51.100.0/24', '2001:db8::/32', '127.0.0.3/32'] },
      limits: { queriesPerSecondMax: 1, queriesBurstMax: 3, excess: 'refuse' },
    },
  });
});

afterEach(closeClients);
afterAll(stopAllWeirs);

function header(client: Uint8Array, command = 0x21, tlvs = hex('04 0003 000000')): Uint8Array {
  const family = client.length === 4 ? 0x12 : 0x22;
  const body = concat(client, client, words(54_321, 53), tlvs);
  return concat(hex('0d0a0d0a000d0a515549540a'), Uint8Array.of(command, family), words(body.length), body);
}

/** The rcode that a query with this header in front gets over UDP. */
async function rcode(front: Uint8Array, from = BALANCER): Promise<number> {
  const client = await UdpClient.open(weir.port, '127.0.0.1', from);
  const message = query('listed.example');
  client.send(concat(front, message));
  return decoded(await client.responseTo(message)).rcode;
}

function dropped(): Promise<number> {
  return weir.metric('weir_dropped_queries_total', 'reason="proxyHeader"');
}

test('over UDP the client of the header is the client: for who is served, for limits and for metrics', async () => {
  expect(await rcode(header(STRANGER))).toBe(REFUSED);
  for (let count = 0; count < 3; count++) expect(await rcode(header(CLIENT))).toBe(NOERROR);
  expect(await rcode(header(CLIENT))).toBe(REFUSED);
  expect(await weir.metric('weir_limited_queries_total', 'limit="queries"', 'outcome="refused"')).toBe(1);
  expect(await rcode(header(CLIENT_IPV6))).toBe(NOERROR);
  expect(await weir.metric('weir_queries_total', 'family="ipv6"')).toBe(1);
  // The client before it was of IPv6: nothing of it may stay.
  expect(await rcode(header(hex('c6336408')))).toBe(NOERROR);
  expect(await rcode(hex(''), '127.0.0.3')).toBe(NOERROR);
});

test('over UDP many at once, each with its own client, come back to the balancer', async () => {
  const client = await UdpClient.open(weir.port, '127.0.0.1', BALANCER);
  const messages = Array.from({ length: 200 }, () => query('listed.example'));
  for (const [index, message] of messages.entries()) {
    const front = index % 2 === 0 ? header(concat(hex('c63364'), Uint8Array.of(index))) : header(STRANGER);
    client.send(concat(front, message));
  }
  const rcodes: number[] = [];
  for (const message of messages) rcodes.push(decoded(await client.responseTo(message)).rcode);
  expect(rcodes).toEqual(messages.map((_, index) => (index % 2 === 0 ? NOERROR : REFUSED)));
});

test('LOCAL, a health check: the balancer speaks for itself, and is not served here', async () => {
  expect(await rcode(header(CLIENT, 0x20))).toBe(REFUSED);
});

test('without a header, or with a malformed one, a balancer’s datagram is dropped and counted', async () => {
  const before = await dropped();
  const client = await UdpClient.open(weir.port, '127.0.0.1', BALANCER);
  client.send(query('listed.example'));
  client.send(header(CLIENT).subarray(0, 20));
  client.send(concat(header(CLIENT, 0x31), query('listed.example')));
  const good = query('listed.example');
  client.send(concat(header(STRANGER), good));
  await client.responseTo(good);
  expect(client.received).toHaveLength(1);
  expect((await dropped()) - before).toBe(3);
});

test('from anybody else a header is believed by nobody', async () => {
  const client = await UdpClient.open(weir.port, '127.0.0.1', '127.0.0.1');
  const forged = concat(header(CLIENT), query('listed.example'));
  expect(decoded(await client.exchange(forged)).rcode).toBe(REFUSED);
});

test('over TCP the header comes once, in pieces too, and holds for the connection', async () => {
  const socket = connect({ port: weir.port, host: '127.0.0.1', localAddress: BALANCER, noDelay: true });
  keepOpen({ close: () => socket.destroy() });
  await once(socket, 'connect');
  const client = new TcpClient(socket);
  const front = header(hex('c63364c8'));
  socket.write(front.subarray(0, 9));
  await weir.untilMetric((open) => open > 0, 'weir_tcp_connections');
  socket.write(front.subarray(9));
  for (let count = 0; count < 2; count++)
    expect(decoded(await client.exchange(query('listed.example'))).rcode).toBe(NOERROR);
  const stranger = connect({ port: weir.port, host: '127.0.0.1', localAddress: BALANCER, noDelay: true });
  keepOpen({ close: () => stranger.destroy() });
  await once(stranger, 'connect');
  const refused = new TcpClient(stranger);
  stranger.write(header(STRANGER));
  expect(decoded(await refused.exchange(query('listed.example'))).rcode).toBe(REFUSED);
});

test('over TCP a balancer’s connection without a header is closed and counted', async () => {
  const before = await dropped();
  const socket = connect({ port: weir.port, host: '127.0.0.1', localAddress: BALANCER });
  keepOpen({ close: () => socket.destroy() });
  await once(socket, 'connect');
  const client = new TcpClient(socket);
  client.send(query('listed.example'));
  await client.closed();
  expect(client.received).toEqual([]);
  expect((await dropped()) - before).toBe(1);
});
