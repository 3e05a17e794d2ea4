import { describe, expect, it } from 'vitest';
import {
  expandName,
  expandNameAsSent,
  labelStartsOf,
  LABELS_MAX,
  NAME_BYTES_MAX,
  nameBytes,
  nameFromText,
  namesEqual,
  nameToText,
  POINTERS_MAX,
  skipName,
} from '../../../src/dns/name.ts';
import { concat, hex, wireName, words } from '../../support/wire.ts';

const LONGEST_LABEL = 'a'.repeat(63);
/** 255 octets: three labels of 63, one of 61, four length octets, the root. */
const LONGEST_NAME = [LONGEST_LABEL, LONGEST_LABEL, LONGEST_LABEL, 'b'.repeat(61)].join('.');

const pointerChain = (pointers: number): Uint8Array =>
  concat(
    new Uint8Array(12),
    hex('00'),
    ...Array.from({ length: pointers }, (_, i) => words(0xc000 | (i === 0 ? 12 : 11 + i * 2))),
  );

describe('nameFromText', () => {
  it.each([
    ['.', '00'],
    ['example.com', '07 6578616d706c65 03 636f6d 00'],
    ['example.com.', '07 6578616d706c65 03 636f6d 00'],
    ['ExAmple', '07 457841 6d706c65 00'],
    [String.raw`a\.b`, '03 612e62 00'],
    [String.raw`\097\\`, '02 615c 00'],
    [String.raw`\000\255`, '02 00ff 00'],
    ['_dmarc.a', '06 5f646d617263 01 61 00'],
  ])('reads %s', (text, octets) => {
    expect(nameFromText(text)).toEqual(hex(octets));
  });

  it.each([
    '',
    '..',
    '.a',
    'a..b',
    'a..',
    String.raw`\256`,
    '\\',
    String.raw`\25`,
    'ä',
    '例.example',
    `a${LONGEST_LABEL}`,
  ])('refuses %j', (text) => {
    expect(nameFromText(text)).toBeUndefined();
  });

  it('takes 255 octets and not one more', () => {
    expect(nameFromText(LONGEST_NAME)).toHaveLength(NAME_BYTES_MAX);
    expect(nameFromText(`${LONGEST_NAME}.`)).toHaveLength(NAME_BYTES_MAX);
    expect(nameFromText(`${LONGEST_NAME}b`)).toBeUndefined();
    expect(nameFromText(Array.from({ length: 127 }, () => 'a').join('.'))).toHaveLength(NAME_BYTES_MAX);
    expect(nameFromText(Array.from({ length: 128 }, () => 'a').join('.'))).toBeUndefined();
  });
});

describe('nameToText', () => {
  it('writes the root as a dot and no dot behind other names', () => {
    expect(nameToText(hex('00'), 0)).toBe('.');
    expect(nameToText(wireName('Example.COM.'), 0)).toBe('Example.COM');
  });

  it('escapes what is not printable, the dot and the backslash', () => {
    expect(nameToText(hex('05 2e 5c 20 00 ff 00'), 0)).toBe(String.raw`\.\\\032\000\255`);
  });

  it('stops where a malformed name ends', () => {
    expect(nameToText(hex('01 61 c0 0c'), 0)).toBe('a');
    expect(nameToText(hex('05 61 62'), 0)).toBe('ab');
    expect(nameToText(hex(''), 0)).toBe('.');
  });
});

describe('skipName', () => {
  it('ends behind the root label or the first pointer', () => {
    expect(skipName(hex('01 61 00 ff'), 0, 4)).toBe(3);
    expect(skipName(hex('01 61 c0 0c ff'), 0, 5)).toBe(4);
    expect(skipName(hex('00'), 0, 1)).toBe(1);
  });

  it.each(['', '01', '01 61', 'c0', '40 00', '80 00', '01 61 c0'])('finds %j malformed', (octets) => {
    const bytes = hex(octets);
    expect(skipName(bytes, 0, bytes.length)).toBe(-1);
  });

  it('does not read behind the end it is given', () => {
    expect(skipName(hex('01 61 00'), 0, 2)).toBe(-1);
  });

  it('refuses 256 octets', () => {
    const name = concat(...Array.from({ length: 128 }, () => hex('01 61')), hex('00'));
    expect(skipName(name, 0, name.length)).toBe(-1);
  });
});

describe('expandName', () => {
  const out = new Uint8Array(NAME_BYTES_MAX);
  const head = new Uint8Array(12);

  it('follows pointers backwards and folds letters', () => {
    const message = concat(head, hex('03 434f4d 00'), hex('01 41 c00c'));
    expect(expandName(message, 0, 17, message.length, out)).toBe(7);
    expect(nameToText(out, 0)).toBe('a.com');
    expect(expandNameAsSent(message, 0, 17, message.length, out)).toBe(7);
    expect(nameToText(out, 0)).toBe('A.COM');
  });

  it('takes pointers as relative to the message', () => {
    const message = concat(hex('ffffff'), head, hex('03 434f4d 00'), hex('c00c'));
    expect(expandName(message, 3, 20, message.length, out)).toBe(5);
  });

  it.each([
    ['itself', 'c00c'],
    ['a later place', 'c010 0000 00'],
    ['its own label', '0161 c00c'],
    ['the header', 'c000'],
    ['behind the message', 'ffff'],
  ])('refuses a pointer to %s', (_, octets) => {
    const message = concat(head, hex(octets));
    expect(expandName(message, 0, 12, message.length, out)).toBe(-1);
  });

  it('gives up on a chain of more than POINTERS_MAX pointers', () => {
    const longest = pointerChain(POINTERS_MAX);
    expect(expandName(longest, 0, longest.length - 2, longest.length, out)).toBe(1);
    const tooLong = pointerChain(POINTERS_MAX + 1);
    expect(expandName(tooLong, 0, tooLong.length - 2, tooLong.length, out)).toBe(-1);
  });

  it('refuses a name that only its pointers make too long', () => {
    const label = concat(hex('3f'), new Uint8Array(63).fill(0x61));
    const message = concat(head, label, label, label, hex('00'), label, hex('c00c'));
    expect(expandName(message, 0, 12, message.length, out)).toBe(193);
    expect(expandName(message, 0, 12 + 193, message.length, out)).toBe(-1);
  });
});

describe('walk and comparison', () => {
  const starts = new Uint8Array(LABELS_MAX);

  it('finds the start of each label', () => {
    expect(labelStartsOf(concat(hex('ff'), wireName('www.example.com')), 1, starts)).toBe(3);
    expect([...starts.subarray(0, 3)]).toEqual([0, 4, 12]);
    expect(labelStartsOf(hex('00'), 0, starts)).toBe(0);
    expect(labelStartsOf(wireName(Array.from({ length: 127 }, () => 'a').join('.')), 0, starts)).toBe(127);
  });

  it.each(['', '01 61', '01 61 c0 0c', '40'])('finds %j malformed', (octets) => {
    expect(labelStartsOf(hex(octets), 0, starts)).toBe(-1);
    expect(nameBytes(hex(octets), 0)).toBe(-1);
  });

  it('measures a name', () => {
    expect(nameBytes(wireName('a.example'), 0)).toBe(11);
    expect(nameBytes(wireName(LONGEST_NAME), 0)).toBe(NAME_BYTES_MAX);
    expect(nameBytes(new Uint8Array(300).fill(1), 0)).toBe(-1);
  });

  it('compares without regard to case, whole names only', () => {
    expect(namesEqual(wireName('wWw.Example'), 0, wireName('WwW.eXAMPLE'), 0)).toBe(true);
    expect(namesEqual(concat(hex('ff'), wireName('a')), 1, wireName('A'), 0)).toBe(true);
    expect(namesEqual(wireName('a.example'), 0, wireName('a.example.com'), 0)).toBe(false);
    expect(namesEqual(wireName('[.example'), 0, wireName('{.example'), 0)).toBe(false);
    expect(namesEqual(hex('01 61'), 0, hex('01 61'), 0)).toBe(false);
    expect(namesEqual(hex('c00c'), 0, hex('c00c'), 0)).toBe(false);
  });
});
