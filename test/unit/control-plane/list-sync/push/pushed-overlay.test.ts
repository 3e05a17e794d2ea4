import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../../../../src/control-plane/list-sync/buffer-pool.ts';
import { compileBase, RuleWordTable, type CompileList } from '../../../../../src/control-plane/list-sync/compiler.ts';
import { SegmentWriter } from '../../../../../src/control-plane/list-sync/list-segment.ts';
import { listEntryOf } from '../../../../../src/control-plane/list-sync/push/ledger-content.ts';
import { overlayWithPushed } from '../../../../../src/control-plane/list-sync/push/pushed-overlay.ts';
import type { EntryMode, EntryScope, LedgerEntry } from '../../../../../src/control-plane/ledger/ledger.ts';
import type { NameSetBuffers, PublishedPolicy } from '../../../../../src/policy/published.ts';
import { judged } from '../../../../support/list-sync-harness.ts';
import { publishedList } from '../../../../support/publish-policy.ts';

const NAMES = ['a.example', 'b.a.example', 'c.b.a.example', 'd.example', 'e.d.example'];
const ASKED = [...NAMES, 'x.c.b.a.example', 'x.d.example', 'g.example'];
const SEED = 11;

function entry(name: string, scope: EntryScope, mode: EntryMode, expiresAtSeconds = 0): LedgerEntry {
  return {
    name,
    scope,
    category: undefined,
    categoryWord: undefined,
    reference: undefined,
    note: undefined,
    expiresAtSeconds,
    mode,
    rolloutSlot: 0,
    maintainer: 'desk',
    addedAtSeconds: 0,
    addedInVersion: 1,
    isApproved: false,
  };
}

/** A list as the ledger has it: by name, what it says of it. */
type Content = Map<string, readonly LedgerEntry[]>;

function listOf(index: number, content: Content): CompileList {
  const writer = new SegmentWriter();
  for (const entries of content.values()) for (const one of entries) writer.add(listEntryOf(one));
  return {
    settings: { name: `list-${index}`, category: 'fraud', mode: 'enforce', action: 'sinkhole' },
    segment: { kind: 'memory', payload: writer.payload() },
    held: new Uint32Array(0),
    entries: writer.entryCount,
    nameBytes: undefined,
  };
}

function policyOf(base: NameSetBuffers, overlay: NameSetBuffers | undefined): PublishedPolicy {
  return { generation: 1, base, overlay, lists: [0, 1].map((index) => publishedList({}, index)), allowSources: [] };
}

const stateArbitrary = fc
  .record({
    name: fc.constantFrom(...NAMES),
    scopes: fc.uniqueArray(fc.constantFrom<EntryScope>('exact', 'subtree'), { maxLength: 2 }),
    mode: fc.constantFrom<EntryMode>('enforce', 'enforce', 'shadow'),
    isExpired: fc.boolean(),
  })
  .map(({ name, scopes, mode, isExpired }) => ({
    name,
    entries: scopes.map((scope) => entry(name, scope, mode, isExpired ? 1_600_000_000 : 0)),
  }));

describe('changes laid over an index', () => {
  test('give every name the verdict of an index that was made of them, in however many steps they came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), stateArbitrary), { maxLength: 6 }),
        fc.array(fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), stateArbitrary), { maxLength: 4 }), {
          maxLength: 4,
        }),
        (first, steps) => {
          const contents: Content[] = [new Map(), new Map()];
          for (const [index, state] of first) contents[index]!.set(state.name, state.entries);
          const compile = () =>
            compileBase({ seed: SEED, lists: contents.map((one, i) => listOf(i, one)), allow: [] }, new BufferPool())
              .base;
          const base = compile();
          const pool = new BufferPool();
          let overlay: NameSetBuffers | undefined;
          for (const step of steps) {
            const pushed = step.map(([listIndex, state]) => {
              contents[listIndex]!.set(state.name, state.entries);
              return { listIndex, words: new RuleWordTable(listOf(listIndex, new Map()).settings, listIndex), state };
            });
            overlay = overlayWithPushed(base, overlay, pushed, pool);
            const fresh = compile();
            for (const name of ASKED) {
              expect(judged(policyOf(base, overlay), name)).toBe(judged(policyOf(fresh, undefined), name));
            }
          }
        },
      ),
    );
  });

  test('leave nothing over the base when they are taken back', () => {
    const { base } = compileBase({ seed: SEED, lists: [listOf(0, new Map())], allow: [] }, new BufferPool());
    const words = new RuleWordTable(listOf(0, new Map()).settings, 0);
    const added = { name: 'a.example', entries: [entry('a.example', 'subtree', 'enforce')] };
    const overlay = overlayWithPushed(base, undefined, [{ listIndex: 0, words, state: added }], new BufferPool());
    expect(overlay?.entryCount).toBe(1);
    const removed = { listIndex: 0, words, state: { name: 'a.example', entries: [] } };
    expect(overlayWithPushed(base, overlay, [removed], new BufferPool())).toBeUndefined();
  });
});
