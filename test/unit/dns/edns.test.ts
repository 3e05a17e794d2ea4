import { describe, expect, it } from 'vitest';
import {
  appendOptionBytes,
  encodeOption,
  EXTENDED_ERROR_TEXT_BYTES_MAX,
  extendedErrorOption,
  keepaliveOption,
  nsidOption,
  udpResponseBytesMax,
  writeOptRecord,
} from '../../../src/dns/edns.ts';
import { EdnsOption, Rcode } from '../../../src/dns/iana.ts';
import { concat, hex } from '../../support/wire.ts';

describe('OPT record', () => {
  it('is eleven octets: root owner, type, payload size, upper rcode, version 0, flags, no options', () => {
    const bytes = new Uint8Array(20).fill(0xee);
    expect(writeOptRecord(bytes, 3, 1232, Rcode.BADVERS, true)).toBe(14);
    expect(bytes).toEqual(hex('eeeeee 00 0029 04d0 01 00 8000 0000 eeeeeeeeeeee'));
    writeOptRecord(bytes, 3, 512, Rcode.REFUSED, false);
    expect(bytes.subarray(3, 14)).toEqual(hex('00 0029 0200 00 00 0000 0000'));
  });

  it('grows by each option appended', () => {
    const bytes = new Uint8Array(64);
    let end = writeOptRecord(bytes, 0, 1232, 0, false);
    end = appendOptionBytes(bytes, 0, end, encodeOption(EdnsOption.COOKIE, hex('0102')));
    end = appendOptionBytes(bytes, 0, end, encodeOption(EdnsOption.NSID, hex('61')));
    expect(bytes.subarray(9, end)).toEqual(hex('000b 000a 0002 0102 0003 0001 61'));
  });

  it('leaves an option out that the buffer has no room for', () => {
    const bytes = new Uint8Array(16);
    const end = writeOptRecord(bytes, 0, 1232, 0, false);
    expect(appendOptionBytes(bytes, 0, end, hex('000100020102'))).toBe(end);
    expect(bytes.subarray(9)).toEqual(hex('0000 0000000000'));
    expect(appendOptionBytes(bytes, 0, end, hex('0001000102'))).toBe(16);
  });
});

describe('options', () => {
  it('carry an extended error with its text in UTF-8', () => {
    expect(extendedErrorOption(16)).toEqual(hex('000f 0002 0010'));
    expect(extendedErrorOption(16, 'é')).toEqual(hex('000f 0004 0010 c3a9'));
  });

  it('cut a long text at the end of a character', () => {
    const option = extendedErrorOption(0, `a${'é'.repeat(EXTENDED_ERROR_TEXT_BYTES_MAX)}`);
    expect(option).toHaveLength(4 + 2 + EXTENDED_ERROR_TEXT_BYTES_MAX - 1);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(option.subarray(6))).not.toThrow();
  });

  it('give the keepalive timeout in tenths of a second, within 16 bits', () => {
    expect(keepaliveOption(10_000)).toEqual(hex('000b 0002 0064'));
    expect(keepaliveOption(Infinity)).toEqual(hex('000b 0002 ffff'));
    expect(keepaliveOption(-1)).toEqual(hex('000b 0002 0000'));
  });

  it('name the server', () => {
    expect(nsidOption('w1')).toEqual(concat(hex('0003 0002'), new TextEncoder().encode('w1')));
  });
});

describe('udpResponseBytesMax', () => {
  it.each([
    [0, 512],
    [64, 512],
    [512, 512],
    [513, 513],
    [1232, 1232],
    [4096, 1232],
  ])('a client that says %i gets at most %i', (client, expected) => {
    expect(udpResponseBytesMax(client, 1232)).toBe(expected);
  });
});
