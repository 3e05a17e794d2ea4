import * as fc from 'fast-check';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ADDRESS_BYTES, writeAddress } from '../../../src/policy/address.ts';
import { ClientAccess } from '../../../src/data-plane/client-address.ts';

function octets(text: string): Uint8Array {
  const out = new Uint8Array(ADDRESS_BYTES).fill(0xaa);
  expect(writeAddress(text, out)).toBe(true);
  return out;
}

/** As the long form with eight groups of four digits, which any reader of addresses can be compared with. */
function longForm(address: Uint8Array): string {
  return Array.from({ length: 8 }, (_, i) =>
    Buffer.from(address)
      .readUInt16BE(i * 2)
      .toString(16),
  ).join(':');
}

function isMapped(text: string): boolean {
  return longForm(octets(text)).startsWith('0:0:0:0:0:ffff:');
}

const v4 = fc.ipV4();
const v6 = fc.ipV6();
/** Few different octets, so that prefixes are met, and edges of prefixes too. */
const nearV4 = fc.tuple(fc.constantFrom(10, 11), fc.constantFrom(0, 127, 128, 255), fc.nat(255), fc.nat(1));
const nearV6 = fc.array(fc.constantFrom('0', '1', '8000', 'ffff'), { minLength: 8, maxLength: 8 });

describe('ClientAccess', () => {
  const prefix4 = fc.tuple(
    fc.oneof(
      v4,
      nearV4.map((parts) => parts.join('.')),
    ),
    fc.nat(32),
  );
  const prefix6 = fc.tuple(
    fc.oneof(
      v6,
      nearV6.map((parts) => parts.join(':')),
    ),
    fc.nat(128),
  );
  const address = fc.oneof(
    v4,
    v6,
    nearV4.map((parts) => parts.join('.')),
    nearV6.map((parts) => parts.join(':')),
  );

  it('serves exactly the clients that node:net finds in the prefixes of their family', () => {
    const prefixes = fc.array(fc.oneof(prefix4, prefix6), { maxLength: 6 });
    fc.assert(
      fc.property(prefixes, address, (list, client) => {
        // Why: the place of IPv4 within IPv6 belongs to both families.
        fc.pre([client, ...list.map(([text]) => text)].every((text) => isIPv4(text) || !isMapped(text)));
        const access = new ClientAccess(list.map(([text, bits]) => `${text}/${bits}`));
        const ofFamily = new BlockList();
        for (const [text, bits] of list) {
          if (isIPv4(text) && isIPv4(client)) ofFamily.addSubnet(text, bits, 'ipv4');
          if (isIPv6(text) && isIPv6(client)) ofFamily.addSubnet(text, bits, 'ipv6');
        }
        expect(access.allows(octets(client))).toBe(ofFamily.check(client, isIPv4(client) ? 'ipv4' : 'ipv6'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not take a prefix of IPv6 for one of IPv4: ::/0 opens nothing to 0.0.0.0/0', () => {
    expect(new ClientAccess(['::/0', '10.0.0.0/8']).allows(octets('192.0.2.1'))).toBe(false);
    expect(new ClientAccess(['::/0']).allows(octets('2001:db8::1'))).toBe(true);
    expect(new ClientAccess(['0.0.0.0/0']).allows(octets('192.0.2.1'))).toBe(true);
    expect(new ClientAccess(['0.0.0.0/0']).allows(octets('2001:db8::1'))).toBe(false);
  });

  it('takes an address without a length for itself alone', () => {
    expect(new ClientAccess(['192.0.2.1']).allows(octets('192.0.2.1'))).toBe(true);
    expect(new ClientAccess(['192.0.2.1']).allows(octets('192.0.2.0'))).toBe(false);
    expect(new ClientAccess(['2001:db8::1']).allows(octets('2001:db8::1'))).toBe(true);
  });

  it('serves no one without prefixes', () => {
    expect(new ClientAccess([]).allows(octets('127.0.0.1'))).toBe(false);
  });

  it('refuses what is no prefix', () => {
    expect(() => new ClientAccess(['10.0.0/8'])).toThrow('not an address prefix: 10.0.0/8');
  });
});
