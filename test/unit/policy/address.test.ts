import * as fc from 'fast-check';
import { BlockList, isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ADDRESS_BYTES, addressOctets, writeAddress } from '../../../src/policy/address.ts';

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

function written(text: string): Uint8Array {
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

function isSame(a: string, b: string): boolean {
  const list = new BlockList();
  list.addAddress(a, 'ipv6');
  return list.check(b, 'ipv6');
}

const v4 = fc.ipV4();
const v6 = fc.ipV6();

describe('writeAddress', () => {
  it('writes an IPv4 address as ::ffff:a.b.c.d', () => {
    fc.assert(
      fc.property(v4, (text) => {
        const expected = [...Array<number>(10).fill(0), 0xff, 0xff, ...text.split('.').map(Number)];
        expect([...written(text)]).toEqual(expected);
      }),
    );
  });

  it('writes an IPv6 address as every other program reads it', () => {
    fc.assert(fc.property(v6, (text) => isSame(longForm(written(text)), text)));
  });

  it.each([
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    '::ffff:1.2.3.4',
    'FE80::aB',
  ])('writes %s', (text) => {
    expect(isSame(longForm(written(text)), text)).toBe(true);
  });

  it('ignores a zone', () => {
    expect(written('fe80::1%eth0')).toEqual(written('fe80::1'));
  });

  it('takes what node:net takes for an address, and nothing else', () => {
    const pieces = fc.constantFrom(
      '1',
      '0',
      '00',
      '255',
      '256',
      '01',
      'a',
      'ffff',
      '12345',
      'g',
      ':',
      '::',
      '.',
      '',
      ' ',
      '-1',
    );
    const almost = fc.array(pieces, { maxLength: 16 }).map((parts) => parts.join(''));
    const four = fc.array(fc.constantFrom('1', '0', '00', '01', '255', '256', '0x1', ''), {
      minLength: 4,
      maxLength: 4,
    });
    const groups = fc.array(fc.constantFrom('1', '0', '00', 'ffff', '0000', '12345', 'g', ''), {
      minLength: 3,
      maxLength: 9,
    });
    const texts = fc.oneof(
      almost,
      four.map((parts) => parts.join('.')),
      groups.map((parts) => parts.join(':')),
      fc.tuple(groups, four).map(([before, last]) => `${before.join(':')}:${last.join('.')}`),
      v4,
      v6,
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(writeAddress(text, new Uint8Array(ADDRESS_BYTES))).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5_000 },
    );
  });
});
