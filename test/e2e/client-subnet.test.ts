/** EDNS Client Subnet (RFC 7871): what clients say of theirs stays here; upstream goes nothing, or the operator's prefix. */
import { afterAll, afterEach, expect, test } from 'vitest';
import { EdnsOption } from '../../src/dns/iana.ts';
import { closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';
import { concat, hex, option } from '../support/wire.ts';

afterEach(closeClients);
afterAll(stopAllWeirs);

/** 198.51.100.0/24, a malformed one, and the one that says "do not". */
const OPTIONS = ['0001 18 00 c63364', '0001 18 00', '0001 00 00'];

test.each([
  [undefined, []],
  ['strip', []],
  ['203.0.113.0/24', ['00011800cb0071']],
  ['2001:db8::/32', ['0002200020010db8']],
])('edns.clientSubnet: %s', async (clientSubnet, expected) => {
  const upstream = await startFakeUpstream();
  const edns = clientSubnet === undefined ? {} : { edns: { clientSubnet } };
  const weir = await startWeirProcess({ config: { upstreams: [upstream.url], ...edns } });
  const client = await UdpClient.open(weir.port);
  for (const [index, data] of OPTIONS.entries()) {
    const options = [option(EdnsOption.ECS, hex(data))];
    const reply = decoded(await client.exchange(query(`n${index}.example`, 1, { options })));
    expect(reply.answers).toHaveLength(1);
    expect(reply.edns?.options).toEqual([]);
    const sent = decoded(upstream.queries[index]!.message).edns?.options ?? [];
    expect(sent.map((each) => [each.code, Buffer.from(each.data).toString('hex')])).toEqual(
      expected.map((hexData) => [EdnsOption.ECS, hexData]),
    );
  }
  // One answer for all, whatever subnet they say.
  await client.exchange(query('n0.example', 1, { options: [concat(option(EdnsOption.ECS, hex('0001 08 00 0a')))] }));
  expect(upstream.queries).toHaveLength(OPTIONS.length);
  await upstream.stop();
});
