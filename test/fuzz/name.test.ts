/** Invariants of names: text and wire are each other's inverse; no octets make a reader throw, hang or write too far. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expandName,
  FOLD,
  LABEL_BYTES_MAX,
  LABELS_MAX,
  labelStartsOf,
  NAME_BYTES_MAX,
  nameBytes,
  nameFromText,
  namesEqual,
  nameToText,
  skipName,
} from '../../src/dns/name.ts';

/** Any legal name, with any octets in its labels. */
const wire = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: LABEL_BYTES_MAX }), { maxLength: 20 })
  .map((labels) => Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]))
  .filter((name) => name.length <= NAME_BYTES_MAX);

/** Octets that look like names and pointers more often than random ones would. */
const octets = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 3, 63, 64, 0x80, 0xc0, 12)), { maxLength: 400 });

describe('names', () => {
  it('to text and back are the same octets', () => {
    fc.assert(
      fc.property(wire, (name) => {
        expect(nameFromText(nameToText(name, 0))).toEqual(name);
      }),
    );
  });

  it('from any text are undefined or legal, and their text reads back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const name = nameFromText(text);
        if (name === undefined) return;
        expect(nameBytes(name, 0)).toBe(name.length);
        expect(nameFromText(nameToText(name, 0))).toEqual(name);
      }),
    );
  });

  it('equal themselves in any case, and expansion folds them', () => {
    fc.assert(
      fc.property(wire, (name) => {
        const upper = name.map((octet) => (octet >= 0x61 && octet <= 0x7a ? octet - 0x20 : octet));
        const message = Uint8Array.from([...new Uint8Array(12), ...name]);
        const out = new Uint8Array(NAME_BYTES_MAX);
        expect(namesEqual(name, 0, upper, 0)).toBe(true);
        expect(expandName(message, 0, 12, message.length, out)).toBe(name.length);
        expect(out.slice(0, name.length)).toEqual(name.map((octet) => FOLD[octet] ?? 0));
      }),
    );
  });

  it('agree on their length however it is measured', () => {
    const starts = new Uint8Array(LABELS_MAX);
    fc.assert(
      fc.property(wire, (name) => {
        const count = labelStartsOf(name, 0, starts);
        expect(skipName(name, 0, name.length)).toBe(name.length);
        expect(nameBytes(name, 0)).toBe(name.length);
        const last = count === 0 ? 0 : (starts[count - 1] ?? 0);
        expect(count === 0 ? 1 : last + 1 + (name[last] ?? 0) + 1).toBe(name.length);
      }),
    );
  });
});

describe('any octets', () => {
  it('are read without a throw, without a read behind the end, and never give an illegal name', () => {
    const starts = new Uint8Array(LABELS_MAX);
    fc.assert(
      fc.property(octets, fc.nat(400), (list, offset) => {
        const bytes = Uint8Array.from(list);
        const out = new Uint8Array(NAME_BYTES_MAX + 1).fill(0xee);
        const written = expandName(bytes, 0, offset, bytes.length, out);
        if (written >= 0) expect(nameBytes(out, 0)).toBe(written);
        expect(out[NAME_BYTES_MAX]).toBe(0xee);
        const behind = skipName(bytes, offset, bytes.length);
        expect(behind === -1 || (behind > offset && behind <= bytes.length)).toBe(true);
        if (written >= 0) expect(behind).toBeGreaterThan(offset);
        expect(labelStartsOf(bytes, offset, starts)).toBeLessThanOrEqual(127);
        expect(nameBytes(bytes, offset)).toBeLessThanOrEqual(NAME_BYTES_MAX);
        expect(nameToText(bytes, offset).length).toBeLessThanOrEqual(NAME_BYTES_MAX * 4 + LABEL_BYTES_MAX * 4);
        expect(namesEqual(bytes, offset, bytes, offset)).toBe(nameBytes(bytes, offset) > 0);
      }),
      { numRuns: 2000 },
    );
  });
});
