/**
 * Every list format against hostile files. Invariants, for any octets in any format: reading ends with a report or a coded
 * refusal and never throws; every entry is a name that can be asked for and goes into a segment and back; every skipped
 * line has a reason of the closed set and a line number within the file.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { FORMATS } from '../../src/control-plane/list-sync/format/formats.ts';
import { SKIP_REASONS, type ListEntry } from '../../src/control-plane/list-sync/format/list-format.ts';
import { normaliseName } from '../../src/control-plane/list-sync/format/normalise-name.ts';
import { REFUSAL_CODES } from '../../src/control-plane/list-sync/format/read-report.ts';
import { readSegment, SegmentWriter } from '../../src/control-plane/list-sync/list-segment.ts';
import { decodeSegmentFile } from '../../src/control-plane/list-sync/list-segment-file.ts';
import { mutated } from '../support/mutate.ts';
import { readText } from '../support/read-text.ts';
import { segmentEntryToListEntry } from '../support/segment-entry.ts';

const SAMPLE: readonly ListEntry[] = [
  { name: 'a.example', scope: 'subtree', kind: 'block' },
  { name: 'b_c.example', scope: 'exact', kind: 'block', category: 'loan' },
  { name: 'good.a.example', scope: 'subtree', kind: 'exception' },
  { name: 'xn--bcher-kva.example', scope: 'subtree', kind: 'block', provenance: { note: 'x,"y' } },
];

const SEEDS = FORMATS.map(({ write }) =>
  Buffer.from(write.header('sample') + SAMPLE.map(write.entry).join('') + write.footer()),
);

/** Text in the letters that list formats turn on. */
const syntaxText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'||^@@$/#=*.,;:"\'[]{}()\\ \t\r\n\0%_-!<>'.split('')),
      fc.constantFrom(
        'a.example',
        '192.0.2.1',
        '::1',
        'CNAME .',
        'local-zone:',
        'address=/',
        'server=/',
        'xn--',
        'http://',
        'ü',
        '。',
        '\u200b',
        '\ud800',
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')));

const content = fc.oneof(
  mutated(SEEDS),
  syntaxText,
  mutated([gzipSync(SEEDS[0] ?? ''), zstdCompressSync(SEEDS[1] ?? '')]),
);

async function checkInvariants(octets: Uint8Array, format: string): Promise<void> {
  const { outcome, entries, skipped, reasons } = await readText(octets, { format, decompressedBytesMax: 1_000_000 });
  if (outcome.kind === 'refused') expect(REFUSAL_CODES).toContain(outcome.code);
  const lines = outcome.report?.lines ?? Number.POSITIVE_INFINITY;
  for (const reason of reasons) expect(SKIP_REASONS).toContain(reason);
  for (const one of skipped) expect(Number(one.split(':')[1])).toBeLessThanOrEqual(lines);
  const writer = new SegmentWriter();
  for (const entry of entries) {
    expect(normaliseName(entry.name)).toEqual({ kind: 'name', name: entry.name, hasPath: false });
    expect(writer.add(entry)).toBe(true);
  }
  const back: ListEntry[] = [];
  readSegment(writer.payload(), (entry) => {
    back.push(segmentEntryToListEntry(entry));
  });
  expect(back).toEqual(entries);
}

describe.each([...FORMATS.map(({ name }) => name), 'auto', 'csv:2'])('%s', (format) => {
  test('whatever the octets, a read ends with a report or a coded refusal, and every entry is a name', async () => {
    await fc.assert(
      fc.asyncProperty(content, (octets) => checkInvariants(octets, format)),
      { numRuns: 300 },
    );
  });
});

/** Runs of what patterns stumble over: nested quantifiers take quadratic time on them, and 200 lines of it for ever. */
const RUNS = [
  ' ',
  '.',
  'a.',
  '/',
  '|',
  '#',
  '@',
  ',',
  '"',
  '\u2028',
  '$',
  '^',
  '*',
  ';',
  '(',
  '[',
  '\\\\',
  '%',
  ':',
  '-',
  '=',
];
const PREFIXES = [
  '',
  'a',
  '||a',
  'address=/a',
  'address',
  'local-zone: ',
  'local-data: "a A',
  'a CNAME',
  'a 1 IN A',
  '0.0.0.0 a',
  'http://a',
  '{"name":"',
  '["',
];

describe.each(FORMATS.map(({ name }) => name))('%s', (format) => {
  test('long lines of any one thing come to an end', async () => {
    for (const prefix of PREFIXES) {
      const lines = RUNS.map((run) => `${prefix}${run.repeat(60_000 / run.length)}x\u2028y\n`);
      const { outcome } = await readText(lines.join(''), { format });
      expect(['read', 'refused']).toContain(outcome.kind);
    }
  });
});

describe('names', () => {
  test('normalising is idempotent, whatever the text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.webUrl(),
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(text, (word) => {
        const first = normaliseName(word);
        if (first.kind === 'skip') expect(SKIP_REASONS).toContain(first.reason);
        else expect(normaliseName(first.name)).toEqual({ kind: 'name', name: first.name, hasPath: false });
      }),
      { numRuns: 3000 },
    );
  });
});

describe('segments', () => {
  test('octets that are no segment are never more than -1, and no segment file is anything but damaged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        let seen = 0;
        const count = readSegment(octets, (entry) => {
          seen++;
          expect(entry.nameOffset + entry.nameBytes).toBeLessThanOrEqual(octets.length);
          expect(segmentEntryToListEntry(entry).name.length).toBeGreaterThan(0);
        });
        expect(count === -1 || count === seen).toBe(true);
        expect(decodeSegmentFile(octets).kind).toBe('damaged');
      }),
      { numRuns: 2000 },
    );
  });
});
