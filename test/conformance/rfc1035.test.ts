import { describe, expect, it } from 'vitest';
import { expandName, NAME_BYTES_MAX, nameFromText, nameToText } from '../../src/dns/name.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { concat, header, hex, question } from '../support/wire.ts';

const view = new QueryView();

describe('RFC 1035', () => {
  it('2.3.4 "labels: 63 octets or less"', () => {
    expect(nameFromText('a'.repeat(63))).toHaveLength(65);
    expect(nameFromText('a'.repeat(64))).toBeUndefined();
  });

  it('2.3.4 "names: 255 octets or less", in a query too', () => {
    const label = concat(hex('3f'), new Uint8Array(63).fill(0x61));
    const name = (lastBytes: number): Uint8Array =>
      concat(label, label, label, Uint8Array.of(lastBytes), new Uint8Array(lastBytes).fill(0x61), hex('00'));
    for (const [lastBytes, fault] of [
      [61, QueryFault.none],
      [62, QueryFault.malformed],
    ] as const) {
      const message = concat(header(1, 0, { questions: 1 }), name(lastBytes), hex('0001 0001'));
      expect(readQuery(view, message, 0, message.length)).toBe(fault);
    }
  });

  it('4.1.1 the header is twelve octets; the fields are where the figure has them', () => {
    const message = concat(hex('1234 7b10 0001 0000 0000 0000'), question('a'));
    readQuery(view, message, 0, message.length);
    expect(view).toMatchObject({ id: 0x1234, opcode: 15, questionCount: 1 });
    expect(readQuery(view, message, 0, 11)).toBe(QueryFault.tooShort);
  });

  it('4.1.4 "an entire domain name or a list of labels at the end of a domain name is replaced with a pointer"', () => {
    // The example of the section: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
    const message = new Uint8Array(93);
    message.set(hex('01 46 03 495349 04 41525041 00'), 20);
    message.set(hex('03 464f4f c014'), 40);
    message.set(hex('c01a'), 64);
    const out = new Uint8Array(NAME_BYTES_MAX);
    const textAt = (offset: number): string => {
      expect(expandName(message, 0, offset, message.length, out)).toBeGreaterThan(0);
      return nameToText(out, 0);
    };
    expect([20, 40, 64, 92].map(textAt)).toEqual(['f.isi.arpa', 'foo.f.isi.arpa', 'arpa', '.']);
  });

  it('4.1.4 "The 10 and 01 combinations are reserved for future use"', () => {
    for (const labelType of ['40', '80']) {
      const message = concat(header(1, 0, { questions: 1 }), hex(`${labelType} 00 00 0001 0001`));
      expect(readQuery(view, message, 0, message.length)).toBe(QueryFault.malformed);
    }
  });

  it(String.raw`5.1 "\DDD where each D is a digit is the octet corresponding to the decimal number"`, () => {
    expect(nameFromText(String.raw`\065\.b.c`)).toEqual(hex('03 41 2e 62 01 63 00'));
  });
});
