import { describe, expect, it } from 'vitest';
import { EMPTY_RULE_SET, RuleSetInterner } from '../../../src/policy/rule-set.ts';
import { ruleWords } from '../../support/publish-policy.ts';
import type { TestEntry } from '../../support/publish-policy.ts';

type Entry = Omit<TestEntry, 'name'>;

function unionOf(interner: RuleSetInterner, entries: readonly Entry[]): number {
  let set = EMPTY_RULE_SET;
  for (const entry of entries) set = interner.union(set, ...ruleWords({ name: 'x', ...entry }));
  return set;
}

function rulesAt(interner: RuleSetInterner, offset: number): number[] {
  const words = interner.words();
  return [...words.subarray(offset + 1, offset + 1 + words[offset]! * 2)];
}

function wordsOf(...entries: readonly Entry[]): number[] {
  return entries.flatMap((entry) => ruleWords({ name: 'x', ...entry }));
}

describe('rule sets', () => {
  it('begin with the empty set at offset 0', () => {
    expect([...new RuleSetInterner().words()]).toEqual([0]);
  });

  it('are stored once, whatever the order their rules came in', () => {
    const interner = new RuleSetInterner();
    const rules: Entry[] = [{ list: 0 }, { list: 1 }, { list: 2, kind: 'allow' }];
    const set = unionOf(interner, rules);
    const wordCount = interner.wordCount;
    expect(unionOf(interner, rules)).toBe(set);
    expect(interner.wordCount).toBe(wordCount);
    expect(unionOf(interner, rules.toReversed())).toBe(set);
  });

  it('hold allow rules first, then exceptions, then blocks in order of lists', () => {
    const interner = new RuleSetInterner();
    const set = unionOf(interner, [
      { list: 5 },
      { list: 2 },
      { list: 9, kind: 'allow' },
      { list: 5, kind: 'exception' },
    ]);
    expect(rulesAt(interner, set)).toEqual(
      wordsOf({ list: 9, kind: 'allow' }, { list: 5, kind: 'exception' }, { list: 2 }, { list: 5 }),
    );
  });

  it('keep the rule that lives longer of two that differ in category or expiry only', () => {
    const interner = new RuleSetInterner();
    const short: Entry = { expiresAtSeconds: 100, category: 'loan' };
    const long: Entry = { expiresAtSeconds: 200, category: 'scam' };
    const forever: Entry = { category: 'phishing' };
    expect(rulesAt(interner, unionOf(interner, [short, long]))).toEqual(wordsOf(long));
    expect(rulesAt(interner, unionOf(interner, [long, short]))).toEqual(wordsOf(long));
    expect(rulesAt(interner, unionOf(interner, [long, forever, short]))).toEqual(wordsOf(forever));
  });

  it('keep the rule of a rollout beside the one for everyone, whatever their categories and order', () => {
    const interner = new RuleSetInterner();
    const everyone: Entry = { category: 'phishing' };
    const staged: Entry = { category: 'gambling', rolloutSlot: 5 };
    const longer: Entry = { category: 'loan' };
    const short: Entry = { category: 'malware', expiresAtSeconds: 9 };
    expect(rulesAt(interner, unionOf(interner, [staged, everyone]))).toEqual(wordsOf(everyone, staged));
    expect(rulesAt(interner, unionOf(interner, [everyone, staged]))).toEqual(wordsOf(everyone, staged));
    expect(rulesAt(interner, unionOf(interner, [staged, short, longer]))).toEqual(wordsOf(longer, staged));
    expect(rulesAt(interner, unionOf(interner, [short, staged, longer]))).toEqual(wordsOf(longer, staged));
  });

  it('keep the first of two that live equally long', () => {
    const interner = new RuleSetInterner();
    const set = unionOf(interner, [{ category: 'loan' }, { category: 'scam' }]);
    expect(rulesAt(interner, set)).toEqual(wordsOf({ category: 'loan' }));
  });

  it('stay apart by the hundred thousand, more than the memo remembers', () => {
    const interner = new RuleSetInterner();
    const offsets = new Set<number>();
    for (let i = 1; i <= 100_000; i++) offsets.add(unionOf(interner, [{ expiresAtSeconds: i }]));
    expect(offsets.size).toBe(100_000);
    expect(interner.wordCount).toBe(1 + 3 * 100_000);
    expect(rulesAt(interner, unionOf(interner, [{ expiresAtSeconds: 77 }]))).toEqual(wordsOf({ expiresAtSeconds: 77 }));
    expect(interner.wordCount).toBe(1 + 3 * 100_000);
  });
});
