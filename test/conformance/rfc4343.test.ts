import { describe, expect, it } from 'vitest';
import { FOLD, nameFromText, namesEqual, nameToText } from '../../src/dns/name.ts';
import { hex, wireName } from '../support/wire.ts';

describe('RFC 4343', () => {
  it(String.raw`2.1 octets outside 0x21 to 0x7e, the dot and the backslash are written with an escape`, () => {
    expect(nameToText(hex('06 4d 2e 41 5c 20 7f 00'), 0)).toBe(String.raw`M\.A\\\032\127`);
    expect(nameFromText(String.raw`Donald\032E\.\032Eastlake\0323rd.example`)).toEqual(
      wireName(String.raw`\068onald\032E\.\032Eastlake\0323rd.example`),
    );
  });

  it('3 "comparisons on name lookup for DNS queries should be case insensitive": ASCII letters only', () => {
    expect(namesEqual(wireName('ExAmPle'), 0, wireName('eXaMpLE'), 0)).toBe(true);
    for (let octet = 0; octet < 256; octet += 1) {
      const isLetter = octet >= 0x41 && octet <= 0x5a;
      expect(FOLD[octet]).toBe(isLetter ? octet + 0x20 : octet);
    }
    expect(namesEqual(hex('01 c4 00'), 0, hex('01 e4 00'), 0)).toBe(false);
  });
});
