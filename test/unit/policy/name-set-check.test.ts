import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameSetBuilder } from '../../../src/policy/name-set-builder.ts';
import { nameSetProblem } from '../../../src/policy/name-set-check.ts';
import { EMPTY_HASH, SLOT_WORDS, usedSlots, wordsOf } from '../../../src/policy/name-set.ts';
import type { NameSetBuffers } from '../../../src/policy/published.ts';
import { ruleWords, wireName } from '../../support/publish-policy.ts';

const BOUNDS = { lists: 2, allowSources: 0 };

function built(names: readonly string[], list = 0): NameSetBuffers {
  const builder = new NameSetBuilder({ entriesExpected: names.length, seed: 9 });
  for (const name of names) builder.add(wireName(name), 0, ...ruleWords({ name: 'x', list }));
  return builder.build();
}

const NAMES = Array.from({ length: 200 }, (_, index) => `shop-${index}.example`);

function problemOf(buffers: NameSetBuffers): string | undefined {
  return nameSetProblem(buffers, usedSlots(buffers) * SLOT_WORDS * 4, BOUNDS);
}

/** A copy with one part changed. */
function changed(part: 'table' | 'names' | 'rules', change: (words: Uint32Array, bytes: Uint8Array) => void) {
  const buffers = built(NAMES);
  change(wordsOf(buffers[part]), new Uint8Array(buffers[part]));
  return problemOf(buffers);
}

/** The first word of the first slot in use. */
function firstEntry(table: Uint32Array): number {
  let at = 0;
  while (table[at + 1] === 0) at += SLOT_WORDS;
  return at;
}

describe('a base from outside', () => {
  it('is sound as a builder makes it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 300 }), (labels) => {
        expect(problemOf(built(labels.map((label) => `${label}.example`)))).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('is sound in a larger buffer with anything behind its last slot', () => {
    const buffers = built(NAMES);
    const used = usedSlots(buffers) * SLOT_WORDS;
    wordsOf(buffers.table).fill(7, used);
    expect(usedSlots(buffers) * SLOT_WORDS).toBe(used);
    expect(problemOf(buffers)).toBeUndefined();
  });

  it.each([
    ['leads outside the names', 1, 0xffff_fff0],
    ['leads into the middle of a name', 1, 2],
    ['leads outside the rules', 2, 0xffff_fff0],
    ['leads to the rule set of removed names', 2, 0],
    ['leads into the middle of a rule set', 2, 2],
  ])('is refused where an offset %s', (_, word, value) => {
    expect(changed('table', (table) => (table[firstEntry(table) + word] = value))).toBe('its table is malformed');
  });

  it('is refused where a search would not end or would miss an entry', () => {
    const malformed = 'its table is malformed';
    expect(changed('table', (table) => (table[firstEntry(table)] = EMPTY_HASH))).toBe(malformed);
    expect(changed('table', (table) => (table[firstEntry(table) + 1] = 0))).toBe(malformed);
    const buffers = built(NAMES);
    const table = wordsOf(buffers.table);
    const last = (usedSlots(buffers) - 1) * SLOT_WORDS;
    table[last] = 0;
    expect(nameSetProblem(buffers, (last + SLOT_WORDS) * 4, BOUNDS)).toBe(malformed);
  });

  it('is refused where a name is none', () => {
    expect(changed('names', (_, bytes) => (bytes[1] = 64))).toBe('its names are malformed');
    expect(changed('names', (_, bytes) => (bytes[1] = 0))).toBe('its names are malformed');
    const { namesBytes } = built(NAMES);
    expect(changed('names', (_, bytes) => (bytes[namesBytes - 1] = 5))).toBe('its names are malformed');
  });

  it('is refused where a rule set runs out of the store, or a rule names a list that is not there', () => {
    expect(changed('rules', (words) => (words[1] = 1000))).toBe('its rules are malformed');
    expect(changed('rules', (words) => (words[0] = 1))).toBe('its rules are malformed');
    expect(problemOf(built(NAMES, 1))).toBeUndefined();
    expect(problemOf(built(NAMES, 2))).toBe('its rules are malformed');
  });

  it('is refused where the rule of a protected name is of a list', () => {
    const first = new NameSetBuilder({ entriesExpected: 1, seed: 9 });
    first.add(wireName('x.example'), 0, ...ruleWords({ name: 'x', kind: 'protect' }));
    expect(problemOf(first.build())).toBeUndefined();
    const second = new NameSetBuilder({ entriesExpected: 1, seed: 9 });
    second.add(wireName('x.example'), 0, ...ruleWords({ name: 'x', kind: 'protect', list: 1 }));
    expect(problemOf(second.build())).toBe('its rules are malformed');
  });

  it.each([
    ['slotCount', 0],
    ['slotCount', 1.5],
    ['slotCount', 2 ** 30],
    ['entryCount', 3],
    ['namesBytes', 2 ** 31],
    ['namesBytes', Number.NaN],
    ['rulesWords', 2 ** 31],
    ['rulesWords', 0],
  ])('is refused with %s %s', (size, value) => {
    const buffers = built(NAMES);
    const tableBytes = usedSlots(buffers) * SLOT_WORDS * 4;
    expect(nameSetProblem({ ...buffers, [size]: value }, tableBytes, BOUNDS)).toBeTypeOf('string');
  });
});
