import { describe, expect, test } from 'vitest';
import type { ListEntry } from '../../../../src/control-plane/list-sync/format/list-format.ts';
import {
  PROVENANCE_BYTES_MAX,
  readSegment,
  SegmentWriter,
} from '../../../../src/control-plane/list-sync/list-segment.ts';
import {
  decodeSegmentFile,
  encodeSegmentFile,
  type SegmentHeader,
} from '../../../../src/control-plane/list-sync/list-segment-file.ts';
import { segmentEntryToListEntry } from '../../../support/segment-entry.ts';

const ENTRIES: readonly ListEntry[] = [
  { name: 'a.example', scope: 'subtree', kind: 'block' },
  { name: 'b.example', scope: 'exact', kind: 'exception' },
  { name: '.', scope: 'subtree', kind: 'block' },
  {
    name: `${'x'.repeat(63)}.${'y'.repeat(63)}.example`,
    scope: 'exact',
    kind: 'block',
    category: 'other',
    expiresAtSeconds: 4_000_000_000,
    provenance: { authority: '警察', reference: 'case 7', categoryWord: 'lottery' },
  },
  { name: 'c.example', scope: 'subtree', kind: 'block', category: 'fraud' },
];

function segmentOf(entries: readonly ListEntry[]): SegmentWriter {
  const writer = new SegmentWriter(1);
  for (const entry of entries) writer.add(entry);
  return writer;
}

function read(bytes: Uint8Array): { entries: ListEntry[]; count: number } {
  const entries: ListEntry[] = [];
  const count = readSegment(bytes, (entry) => {
    entries.push(segmentEntryToListEntry(entry));
  });
  return { entries, count };
}

describe('a segment', () => {
  test('gives back every entry as it was, in its order', () => {
    const writer = segmentOf(ENTRIES);
    expect(writer.entryCount).toBe(5);
    expect(read(writer.payload())).toEqual({ entries: ENTRIES, count: 5 });
  });

  test('grows as it is written', () => {
    const many = Array.from({ length: 5000 }, (_, index): ListEntry => {
      return { name: `name-${index}.example`, scope: 'subtree', kind: 'block' };
    });
    expect(read(segmentOf(many).payload()).entries).toEqual(many);
  });

  test('stores names in lower case and takes nothing that is no name', () => {
    const writer = new SegmentWriter();
    const block = { scope: 'subtree', kind: 'block' } as const;
    const bad = ['', '..', 'a..b', `${'a'.repeat(64)}.x`, 'ü.example', 'a.', `${'a.'.repeat(130)}x`];
    expect(bad.map((name) => writer.add({ name, ...block }))).toEqual(bad.map(() => false));
    expect(writer.add({ name: 'A.Example', ...block })).toBe(true);
    expect(read(writer.payload()).entries).toEqual([{ name: 'a.example', ...block }]);
  });

  test('cuts provenance that is too long down to its reference', () => {
    const provenance = { reference: 'case 7', note: 'n'.repeat(PROVENANCE_BYTES_MAX) };
    const { entries } = read(segmentOf([{ name: 'a.example', scope: 'subtree', kind: 'block', provenance }]).payload());
    expect(entries[0]?.provenance).toEqual({ reference: 'case 7' });
  });

  test.each([
    [-5, 1],
    [0, 1],
    [1.9, 1],
    [4_294_967_295, 4_294_967_295],
    [4_294_967_296, 4_294_967_295],
    [1e300, 4_294_967_295],
  ])('keeps an expiry within what it can hold: %d is %d', (expiresAtSeconds, kept) => {
    const writer = segmentOf([{ name: 'a.example', scope: 'subtree', kind: 'block', expiresAtSeconds }]);
    const seen: number[] = [];
    readSegment(writer.payload(), (entry) => void seen.push(entry.expiresAtSeconds));
    expect(seen).toEqual([kept]);
  });

  test('stops where the visitor says so', () => {
    const seen: number[] = [];
    expect(readSegment(segmentOf(ENTRIES).payload(), (entry) => seen.push(entry.nameOffset) < 2)).toBe(2);
  });

  test('is no segment when cut anywhere inside an entry', () => {
    const bytes = segmentOf(ENTRIES.slice(3, 4)).payload();
    const counts = Array.from({ length: bytes.length - 1 }, (_, index) => read(bytes.subarray(0, index + 1)).count);
    expect(new Set(counts)).toEqual(new Set([-1]));
  });
});

describe('the last good copy on disk', () => {
  const header: SegmentHeader = {
    list: 'sample',
    version: 7,
    format: 'plain',
    sourceSha256: 'ab',
    entries: 5,
    skippedByReason: { syntax: 1 },
    samples: { syntax: [{ lineNumber: 3, text: 'x y' }] },
    createdAt: '2026-01-01T00:00:00Z',
    etag: '"x"',
  };
  const file = encodeSegmentFile(header, segmentOf(ENTRIES).payload());

  test('comes back whole', () => {
    const decoded = decodeSegmentFile(file);
    expect(decoded).toMatchObject({ kind: 'ok', header });
    if (decoded.kind === 'ok') expect(read(decoded.payload).entries).toEqual(ENTRIES);
  });

  test('is known to be damaged whichever octet changes', () => {
    const kinds = Array.from(file, (octet, index) => decodeSegmentFile(file.with(index, octet ^ 0x10)).kind);
    expect(new Set(kinds)).toEqual(new Set(['damaged']));
  });

  test('is known to be damaged wherever it is cut', () => {
    const kinds = Array.from(file, (_, index) => decodeSegmentFile(file.subarray(0, index)).kind);
    expect(new Set(kinds)).toEqual(new Set(['damaged']));
  });

  test('says what is wrong', () => {
    expect(decodeSegmentFile(Buffer.from('x'))).toEqual({ kind: 'damaged', message: 'it is too short' });
    expect(decodeSegmentFile(file.with(0, 0))).toEqual({
      kind: 'damaged',
      message: 'it is no list segment of this version',
    });
    expect(decodeSegmentFile(file.with(file.length - 1, (file.at(-1) ?? 0) ^ 1))).toEqual({
      kind: 'damaged',
      message: 'its checksum does not match',
    });
    expect(decodeSegmentFile(file.subarray(1))).toMatchObject({ kind: 'damaged' });
  });
});
