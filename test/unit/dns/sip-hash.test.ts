/** SipHash-2-4 against the vectors of its reference implementation: key 00..0f, message 00, 01, 02, ... */
import { expect, test } from 'vitest';
import { SipHash } from '../../../src/dns/sip-hash.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index);
const MESSAGE = Uint8Array.from({ length: 64 }, (_, index) => index);
/** By length of the message. */
const VECTORS: readonly (readonly [number, string])[] = [
  [0, '726fdb47dd0e0e31'],
  [1, '74f839c593dc67fd'],
  [7, 'ab0200f58b01d137'],
  [8, '93f5f5799a932462'],
  [15, 'a129ca6149be45e5'],
  [63, '958a324ceb064572'],
];

function hex({ low, high }: SipHash): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

test.each(VECTORS)('a message of %i octets', (length, expected) => {
  const hasher = new SipHash(KEY);
  hasher.hash(MESSAGE, 0, length);
  expect(hex(hasher)).toBe(expected);
});

test('reads the octets between start and end, and nothing of the message before', () => {
  const hasher = new SipHash(KEY);
  hasher.hash(MESSAGE, 0, 63);
  const shifted = new Uint8Array(80);
  shifted.set(MESSAGE.subarray(0, 15), 3);
  shifted[18] = 0xaa;
  hasher.hash(shifted, 3, 18);
  expect(hex(hasher)).toBe('a129ca6149be45e5');
});

test('a key of another length is a mistake of the caller', () => {
  expect(() => new SipHash(new Uint8Array(15))).toThrow(RangeError);
});
