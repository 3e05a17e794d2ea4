import { describe, expect, it } from 'vitest';
import { HeaderFlag, Rcode } from '../../../src/dns/iana.ts';
import { soaRecord } from '../../../src/dns/negative-answer.ts';
import {
  copyOctets,
  readUint16,
  readUint32,
  responseFlags,
  setCounts,
  setFlags,
  setId,
  writeUint16,
  writeUint32,
} from '../../../src/dns/patch.ts';
import { patchTtls, saneTtl } from '../../../src/dns/ttl.ts';
import { concat, hex, long } from '../../support/wire.ts';

describe('numbers', () => {
  it('are written and read in network order, up to the largest', () => {
    const bytes = new Uint8Array(8);
    writeUint16(bytes, 1, 0xfffe);
    writeUint32(bytes, 3, 0xfffe_fdfc);
    expect(bytes).toEqual(hex('00 fffe fffefdfc 00'));
    expect(readUint16(bytes, 1)).toBe(0xfffe);
    expect(readUint32(bytes, 3)).toBe(0xfffe_fdfc);
  });
});

describe('copyOctets', () => {
  it.each([0, 1, 31, 32, 33, 64, 300])('copies %i octets and no other', (count) => {
    const from = Uint8Array.from({ length: 400 }, (_, index) => index);
    const to = new Uint8Array(400).fill(0xee);
    copyOctets(from, 7, count, to, 11);
    expect(to.subarray(11, 11 + count)).toEqual(from.subarray(7, 7 + count));
    expect(to.subarray(0, 11).every((octet) => octet === 0xee)).toBe(true);
    expect(to.subarray(11 + count).every((octet) => octet === 0xee)).toBe(true);
  });

  it.each([16, 100])('copies %i octets where both lie in one Buffer of a larger piece of memory', (count) => {
    const whole = Buffer.from(Uint8Array.from({ length: 600 }, (_, index) => index & 0x7f));
    const view = whole.subarray(50, 550);
    copyOctets(view, 3, count, view, 250);
    expect(whole.subarray(300, 300 + count)).toEqual(whole.subarray(53, 53 + count));
  });
});

describe('header', () => {
  it('is patched field by field', () => {
    const bytes = new Uint8Array(14).fill(0xee);
    setId(bytes, 1, 0x1234);
    setFlags(bytes, 1, 0x8183);
    setCounts(bytes, 1, 1, 2, 3, 4);
    expect(bytes).toEqual(hex('ee 1234 8183 0001 0002 0003 0004 ee'));
  });

  it('of an answer copies opcode, RD and CD, sets QR and RA, and clears AA, TC, AD and Z', () => {
    expect(responseFlags(0xffff & ~HeaderFlag.QR, Rcode.NXDOMAIN)).toBe(0xf993);
    expect(responseFlags(0, Rcode.NOERROR)).toBe(HeaderFlag.QR | HeaderFlag.RA);
    expect(responseFlags(0, Rcode.BADVERS)).toBe(HeaderFlag.QR | HeaderFlag.RA);
  });
});

describe('TTLs', () => {
  it('count down to the floor and not below', () => {
    const bytes = concat(hex('ffff'), long(300), long(10), long(0x8000_0000), long(0x7fff_ffff));
    patchTtls(bytes, 2, Uint8Array.of(0, 0, 0, 4, 0, 8, 0, 12), 0, 4, 100, 0);
    expect(bytes).toEqual(concat(hex('ffff'), long(200), long(0), long(0), long(0x7fff_ffff - 100)));
    patchTtls(bytes, 2, Uint8Array.of(0xff, 0, 0, 0, 4), 1, 2, 1000, 30);
    expect(bytes.subarray(2, 10)).toEqual(concat(long(30), long(30)));
  });

  it('with the top bit set are 0', () => {
    expect(saneTtl(0x7fff_ffff)).toBe(0x7fff_ffff);
    expect(saneTtl(0x8000_0000)).toBe(0);
  });
});

describe('soaRecord', () => {
  it('has its TTL as MINIMUM too, so that no negative answer outlives it', () => {
    const soa = soaRecord({ ttlSeconds: 30 });
    expect(soa.subarray(0, 8)).toEqual(concat(hex('0006 0001'), long(30)));
    expect(readUint16(soa, 8)).toBe(soa.length - 10);
    expect(soa.subarray(soa.length - 4)).toEqual(long(30));
  });

  it('refuses a name that is none', () => {
    expect(() => soaRecord({ ttlSeconds: 30, mname: 'a..b' })).toThrow('not a domain name: a..b');
  });
});
