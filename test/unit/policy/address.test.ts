import { describe, expect, it } from 'vitest';
import { addressOctets } from '../../../src/policy/address.ts';

function hex(text: string): string | undefined {
  const octets = addressOctets(text);
  return octets === undefined ? undefined : Buffer.from(octets).toString('hex');
}

describe('the octets of an address', () => {
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::', `20010db8${'0'.repeat(24)}`],
    ['2001:DB8:0:1:2:3:4:5', '20010db8000000010002000300040005'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:192.0.2.1', `${'0'.repeat(20)}ffffc0000201`],
    ['64:ff9b::192.0.2.33', `0064ff9b${'0'.repeat(16)}c0000221`],
  ])('of %s are %s', (text, octets) => {
    expect(hex(text)).toBe(octets);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.x',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    'fe80::1%eth0',
    '2001:db8::/32',
    'x',
  ])('are undefined for %j', (text) => {
    expect(addressOctets(text)).toBeUndefined();
  });
});
