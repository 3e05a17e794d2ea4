/** The contract of every list format, run over the table: what it writes it reads, and it knows its own files. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMATS, formatNamed } from '../../../../../src/control-plane/list-sync/format/formats.ts';
import type { ListEntry, ListFormat } from '../../../../../src/control-plane/list-sync/format/list-format.ts';
import { detectFormat } from '../../../../../src/control-plane/list-sync/format/read-list-file.ts';
import { CATEGORIES } from '../../../../../src/policy/category.ts';
import { brief, readText } from '../../../../support/read-text.ts';

const label = fc.stringMatching(/^[a-z0-9_](?:[a-z0-9_-]{0,20}[a-z0-9])?$/);
const name = fc.tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.constantFrom('example', 'test', 'xn--p1ai'));
const words = fc.stringMatching(/^[a-z0-9"][a-z0-9 ,;"'|]{0,30}[a-z0-9"]$/);
const entry: fc.Arbitrary<ListEntry> = fc
  .record({
    name: name.map(([labels, top]) => [...labels, top].join('.')),
    scope: fc.constantFrom('exact' as const, 'subtree' as const),
    kind: fc.constantFrom('block' as const, 'exception' as const),
    category: fc.option(fc.constantFrom(...CATEGORIES), { nil: undefined }),
    expiresAtSeconds: fc.option(fc.integer({ min: 1, max: 4_000_000_000 }), { nil: undefined }),
    reference: fc.option(words, { nil: undefined }),
  })
  .map(({ category, expiresAtSeconds, reference, ...rest }) => ({
    ...rest,
    ...(category === undefined ? {} : { category }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAtSeconds }),
    ...(reference === undefined ? {} : { provenance: { reference } }),
  }));
const entries = fc.uniqueArray(entry, { selector: (one) => one.name, minLength: 1, maxLength: 30 });

/** Formats that keep everything an entry can say. */
const COMPLETE = new Set(['jsonl', 'json', 'csv']);

function written(format: ListFormat, list: readonly ListEntry[]): string {
  return format.write.header('sample') + list.map(format.write.entry).join('') + format.write.footer();
}

function sayable(format: ListFormat, list: readonly ListEntry[]): ListEntry[] {
  return list.filter((one) => format.write.entry(one) !== '');
}

describe.each(FORMATS.map((format) => [format.name, format] as const))('%s', (formatName, format) => {
  test('reads what it writes, and leaves out only what it cannot say', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const expected = sayable(format, list);
        const read = await readText(written(format, list), { format: formatName });
        expect(brief(read.entries)).toEqual(brief(expected));
        expect(read.skipped).toEqual([]);
        if (COMPLETE.has(formatName)) expect(read.entries).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('can say a blocked subtree', () => {
    expect(format.write.entry({ name: 'a.example', scope: 'subtree', kind: 'block' })).toContain('a.example');
  });

  test('knows its own files', () => {
    fc.assert(
      fc.property(entries, (list) => {
        if (sayable(format, list).length > 0) expect(detectFormat(written(format, list))?.name).toBe(formatName);
      }),
      { numRuns: 50 },
    );
  });

  test('reads the same with a BOM, CRLF and no line end at the end', async () => {
    const list: ListEntry[] = ['a.example', 'b.example', 'c.example'].map((one) => ({
      name: one,
      scope: 'subtree',
      kind: 'block',
    }));
    const text = written(format, list).trimEnd().replaceAll('\n', '\r\n');
    const read = await readText(`\ufeff${text}`);
    expect(read.outcome.report?.format).toBe(formatName);
    expect(brief(read.entries)).toEqual(['a.example', 'b.example', 'c.example']);
    expect(read.skipped).toEqual([]);
  });

  test('reads the same however the bytes are cut', async () => {
    const list: ListEntry[] = ['a.example', 'b.example'].map((one) => ({ name: one, scope: 'subtree', kind: 'block' }));
    const bytes = Buffer.from(written(format, list));
    const read = await readText([...bytes].map((octet) => Uint8Array.of(octet)));
    expect(brief(read.entries)).toEqual(['a.example', 'b.example']);
  });

  test('gives the reason and the line of what is wrong', async () => {
    const good = format.write.entry({ name: 'a.example', scope: 'subtree', kind: 'block' });
    if (formatName === 'json') return;
    const bad = `${format.write.header('x')}${good}\u0001 this is not a rule (at all\n`;
    const read = await readText(bad, { format: formatName });
    const line = bad.split('\n').length - 1;
    expect(read.skipped).toHaveLength(1);
    expect(read.skipped[0]).toMatch(new RegExp(`:${line}$`));
  });
});

describe('the table of formats', () => {
  test('has one row a name', () => {
    expect(new Set(FORMATS.map((format) => format.name)).size).toBe(FORMATS.length);
  });

  test('finds formats by name, CSV with its column, and nothing else', () => {
    expect(formatNamed('rpz')?.name).toBe('rpz');
    expect(formatNamed('csv:host')?.name).toBe('csv:host');
    expect(formatNamed('csv:')).toBeUndefined();
    expect(formatNamed('xml')).toBeUndefined();
  });
});
