import { expect, it } from 'vitest';
import { subscriberOf } from '../../../src/control-plane/subscriber.ts';
import { ADDRESS_BYTES, writeAddress } from '../../../src/policy/address.ts';

it.each([
  ['192.0.2.1', [192, 0, 2, 1]],
  ['::ffff:192.0.2.1', [192, 0, 2, 1]],
  ['2001:db8:1:2:3:4:5:6', [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2]],
  ['::fffe:192.0.2.1', [0, 0, 0, 0, 0, 0, 0, 0]],
])('one subscriber has the whole of an IPv4 address and the first 64 bits of IPv6: %s', (text, octets) => {
  const address = new Uint8Array(ADDRESS_BYTES);
  expect(writeAddress(text, address)).toBe(true);
  expect([...subscriberOf(address)]).toEqual(octets);
});
