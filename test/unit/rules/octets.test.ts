/**
 * A Buffer's `slice` shares its memory, a Uint8Array's copies it, and the types cannot tell them apart: octets on the
 * query path, which nearly always lie in Buffers, are copied by copyOctets or looked at through subarray, never sliced.
 */
import { expect, test } from 'vitest';
import { filesMatching } from '../../support/source-files.ts';

const OCTETS_SLICED = /\b(bytes|octets|message|buffer|body|datagram|query|response|names|chunk|data)\.slice\(/;

test('no octets are sliced on the query path', () => {
  const files = filesMatching('src/data-plane/**/*.ts');
  expect(files.length).toBeGreaterThan(40);
  const sliced = files.filter(({ code }) => OCTETS_SLICED.test(code)).map(({ path }) => path);
  expect(sliced).toEqual([]);
  expect(OCTETS_SLICED.test('copy.octets = this.octets.slice(start, end);')).toBe(true);
});
