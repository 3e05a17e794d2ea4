/** Malformed messages over every transport: each gets the rcode of its row in the table, or silence, and the next good query is answered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { closeClients, decoded, idOf, query, TcpClient, UdpClient } from '../support/dns-client.ts';
import { DNS_MESSAGE, DohClient } from '../support/doh-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { closeListeners, listenerDependencies, track } from '../support/listener-harness.ts';
import { malformedMessages } from '../support/malformed-messages.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { until } from '../support/weir-process.ts';

const HOST = '127.0.0.1';
const messages = malformedMessages();
const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
weir.upstream.always = {};

/** What came back for a message; the good query behind it is the sign that silence is all there will be. */
type Exchange = (message: Uint8Array, isAnswered: boolean) => Promise<Uint8Array | undefined>;

function inOrder(client: UdpClient | TcpClient): Exchange {
  return async (message, isAnswered) => {
    const marker = query('listed.example');
    client.received.length = 0;
    client.send(message);
    client.send(marker);
    await client.responseTo(marker);
    const others = (): Uint8Array[] => client.received.filter((response) => idOf(response) !== idOf(marker));
    if (isAnswered) await until(others, ({ length }) => length > 0, 'a response');
    expect(others().length).toBeLessThan(2);
    return others()[0];
  };
}

function overHttps(client: DohClient): Exchange {
  return async (message) => {
    const headers = { 'content-type': DNS_MESSAGE };
    const { status, body } = await client.request({ method: 'POST', headers, body: message });
    await client.exchange(query('listed.example'));
    if (status === 200) return body;
    expect(status).toBe(400);
    return undefined;
  };
}

const transports: readonly (readonly [string, () => Promise<Exchange>])[] = [
  ['UDP', async () => inOrder(await UdpClient.open(await listening('udp')))],
  ['TCP', async () => inOrder(await TcpClient.open(await listening('tcp')))],
  ['TLS', async () => inOrder(await DotClient.open(await listening('dot')))],
  ['HTTPS', async () => overHttps(await DohClient.open(await listening('doh')))],
];

async function listening(kind: keyof typeof LISTENERS): Promise<number> {
  const { deps } = listenerDependencies((arrival) => weir.resolver.resolve(arrival));
  return (await track(LISTENERS[kind]({ host: HOST, port: 0 }, deps))).port;
}

it('there are 54 messages of others and more of our own', () => {
  expect(messages.length).toBeGreaterThan(54 + 40);
});

describe.each(transports)('over %s', (_, open) => {
  let exchange: Exchange;

  beforeAll(async () => {
    exchange = await open();
  });

  afterAll(async () => {
    closeClients();
    await closeListeners();
    expect(weir.bugs).toEqual([]);
  });

  it.each(messages)('$name: $expect ($source)', async ({ octets, expect: outcome }) => {
    const response = await exchange(octets, outcome !== 'silence');
    if (outcome === 'silence') {
      expect(response).toBeUndefined();
      return;
    }
    const { rcode, id, flags } = decoded(response!);
    expect(rcode).toBe(Rcode[outcome]);
    expect(id).toBe((octets[0]! << 8) | octets[1]!);
    expect(flags & HeaderFlag.QR).toBe(HeaderFlag.QR);
  });
});
