import * as fc from 'fast-check';
import { rename, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../../../src/control-plane/list-sync/buffer-pool.ts';
import { compileBase, type CompileList } from '../../../../src/control-plane/list-sync/compiler.ts';
import type { ListEntry } from '../../../../src/control-plane/list-sync/format/list-format.ts';
import { SegmentWriter } from '../../../../src/control-plane/list-sync/list-segment.ts';
import { OVERLAY_ENTRIES_MAX, compileOverlay } from '../../../../src/control-plane/list-sync/overlay.ts';
import type { NameSetBuffers, PublishedPolicy } from '../../../../src/policy/published.ts';
import { SyncHarness, isProtected, judged, testConfig } from '../../../support/list-sync-harness.ts';
import { publishedList } from '../../../support/publish-policy.ts';

const NAMES = ['a.example', 'b.a.example', 'c.b.a.example', 'd.example', 'e.d.example', 'f.example'];
const SEED = 7;

function segmentOf(entries: readonly ListEntry[]): Uint8Array {
  const writer = new SegmentWriter();
  for (const entry of entries) writer.add(entry);
  return writer.payload();
}

function listOf(index: number, entries: readonly ListEntry[], held: readonly number[] = []): CompileList {
  const mode = index === 2 ? 'shadow' : 'enforce';
  return {
    settings: { name: `list-${index}`, category: 'fraud', mode, action: 'sinkhole' },
    segment: { kind: 'memory', payload: segmentOf(entries) },
    held: Uint32Array.from(held),
    entries: entries.length,
    nameBytes: undefined,
  };
}

function policyOf(base: NameSetBuffers, overlay: NameSetBuffers | undefined): PublishedPolicy {
  return {
    generation: 1,
    base,
    overlay,
    lists: [0, 1, 2].map((index) => publishedList({}, index)),
    allowSources: ['x'],
  };
}

function many(count: number, word: string): ListEntry[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${word}${i}.example`, scope: 'subtree', kind: 'block' }));
}

const entryArbitrary: fc.Arbitrary<ListEntry> = fc.record({
  name: fc.constantFrom(...NAMES),
  scope: fc.constantFrom('exact', 'subtree'),
  kind: fc.constantFrom('block', 'block', 'block', 'exception'),
});
const contentArbitrary = fc.array(entryArbitrary, { maxLength: 6 });
const allow = [segmentOf([{ name: 'f.example', scope: 'exact', kind: 'block' }])];
const protectedNames = ['b.a.example'];

describe('an overlay', () => {
  test('gives every name the verdict of a new base, whatever changed and how often', () => {
    fc.assert(
      fc.property(
        fc.tuple(contentArbitrary, contentArbitrary, contentArbitrary),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), contentArbitrary, fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        }),
        (first, edits) => {
          const contents = first.map((entries, index) => listOf(index, entries));
          const { base } = compileBase({ seed: SEED, lists: contents, allow, protectedNames }, new BufferPool());
          let overlay: NameSetBuffers | undefined;
          for (const [listIndex, entries, isFirstHeld] of edits) {
            const list = listOf(listIndex, entries, isFirstHeld && entries.length > 0 ? [0] : []);
            contents[listIndex] = list;
            const { settings, segment, held } = list;
            const result = compileOverlay(base, overlay, [{ listIndex, settings, segment, held }]);
            if (result.kind !== 'overlay') throw new Error('too large');
            ({ overlay } = result);
            const fresh = compileBase({ seed: SEED, lists: contents, allow, protectedNames }, new BufferPool());
            expect(result.entriesInForce).toEqual([fresh.entriesInForce[listIndex]]);
            for (const name of [...NAMES, 'x.c.b.a.example', 'g.example']) {
              expect(judged(policyOf(base, overlay), name)).toBe(judged(policyOf(fresh.base, undefined), name));
              expect(isProtected(policyOf(base, overlay), name)).toBe(name.endsWith('b.a.example'));
            }
          }
        },
      ),
    );
  });

  test('is not there where a change was taken back', () => {
    const before = listOf(0, [{ name: 'a.example', scope: 'subtree', kind: 'block' }]);
    const { base } = compileBase({ seed: SEED, lists: [before], allow: [] }, new BufferPool());
    const { settings } = before;
    const removed = compileOverlay(base, undefined, [
      { listIndex: 0, settings, segment: undefined, held: before.held },
    ]);
    expect(removed.kind === 'overlay' && removed.overlay?.entryCount).toBe(1);
    const overlay = removed.kind === 'overlay' ? removed.overlay : undefined;
    const back = compileOverlay(base, overlay, [
      { listIndex: 0, settings, segment: before.segment, held: before.held },
    ]);
    expect(back).toEqual({ kind: 'overlay', overlay: undefined, entriesInForce: [1] });
  });

  test('of more names than the limit is left to a new base', () => {
    const before = listOf(0, many(OVERLAY_ENTRIES_MAX, 'a'));
    const { base } = compileBase({ seed: SEED, lists: [before], allow: [] }, new BufferPool());
    const change = (entries: ListEntry[]) => {
      const { settings, segment, held } = listOf(0, entries);
      return compileOverlay(base, undefined, [{ listIndex: 0, settings, segment, held }]).kind;
    };
    expect(change(many(OVERLAY_ENTRIES_MAX, 'a'))).toBe('overlay');
    expect(change(many(OVERLAY_ENTRIES_MAX + 1, 'a'))).toBe('tooLarge');
    expect(change(many(10, 'b'))).toBe('tooLarge');
  });
});

test('a change of a small list is published over the base in force; a reload folds it into a new one', async () => {
  const harness = await SyncHarness.create();
  try {
    const large = Array.from({ length: OVERLAY_ENTRIES_MAX + 1 }, (_, i) => `n${i}.example`).join('\n');
    const lists = [
      { name: 'large', source: await harness.file('large.txt', large) },
      { name: 'small', source: await harness.file('small.txt', 'old.example\n') },
    ];
    const sync = await harness.start(testConfig(harness.folder, lists));
    await writeFile(`${lists[1]!.source}.new`, 'new.example\n');
    await rename(`${lists[1]!.source}.new`, lists[1]!.source);
    await harness.until(() => harness.status('small')?.version === 2);
    const [first, second] = harness.policies;
    expect(second?.base).toBe(first?.base);
    expect(second?.overlay?.entryCount).toBe(2);
    expect(['old.example', 'new.example', 'n7.example'].map((name) => harness.verdict(name))).toEqual([
      'allowed',
      'blocked by small',
      'blocked by large',
    ]);
    expect(harness.status('small')?.entries).toBe(1);
    await sync.reload(testConfig(harness.folder, lists));
    expect(harness.policies.at(-1)?.overlay).toBeUndefined();
    expect(harness.verdict('new.example')).toBe('blocked by small');
  } finally {
    await harness.remove();
  }
});
