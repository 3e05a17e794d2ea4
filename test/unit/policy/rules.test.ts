import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LISTS_MAX,
  ROLLOUT_SLOTS_MAX,
  decodeRule,
  encodeRule,
  ruleExpired,
  ruleRolloutSlot,
  sameRuleIdentity,
} from '../../../src/policy/rules.ts';
import type { Rule } from '../../../src/policy/rules.ts';

const anyRule = fc.record<Rule>({
  listIndex: fc.integer({ min: 0, max: LISTS_MAX - 1 }),
  kind: fc.constantFrom('allow', 'exception', 'protect', 'block'),
  scope: fc.constantFrom('exact', 'subtree'),
  categoryIndex: fc.integer({ min: 0, max: 9 }),
  actionIndex: fc.integer({ min: 0, max: 4 }),
  mode: fc.constantFrom('enforce', 'shadow', 'off'),
  expiresAtSeconds: fc.integer({ min: 0, max: 0xffff_ffff }),
  rolloutSlot: fc.integer({ min: 0, max: ROLLOUT_SLOTS_MAX }),
});
const plain: Rule = {
  listIndex: 3,
  kind: 'block',
  scope: 'subtree',
  categoryIndex: 0,
  actionIndex: 0,
  mode: 'enforce',
  expiresAtSeconds: 0,
};

function word0(change: Partial<Rule>): number {
  return encodeRule({ ...plain, ...change })[0];
}

describe('rule words', () => {
  it('give back every rule that was packed into them', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        const words = encodeRule(rule);
        expect(decodeRule(...words)).toEqual(rule);
        expect(words[0]).toBe(words[0] >>> 0);
      }),
    );
  });

  it('compare in order of precedence: kind, then list, then scope', () => {
    const inOrder: Rule[] = [
      { ...plain, kind: 'allow', listIndex: 63, scope: 'subtree' },
      { ...plain, kind: 'exception', listIndex: 5 },
      { ...plain, kind: 'protect', listIndex: 0, scope: 'subtree' },
      { ...plain, listIndex: 0, scope: 'subtree', mode: 'off', actionIndex: 4 },
      { ...plain, listIndex: 1, scope: 'exact' },
      { ...plain, listIndex: 1, scope: 'subtree' },
    ];
    const words = inOrder.map((rule) => encodeRule(rule)[0]);
    expect(words).toEqual([...words].sort((a, b) => a - b));
  });

  it.each([
    ['listIndex', { listIndex: LISTS_MAX }],
    ['listIndex', { listIndex: -1 }],
    ['categoryIndex', { categoryIndex: 16 }],
    ['actionIndex', { actionIndex: 8 }],
    ['expiresAtSeconds', { expiresAtSeconds: 2 ** 32 }],
    ['expiresAtSeconds', { expiresAtSeconds: 1.5 }],
    ['rolloutSlot', { rolloutSlot: ROLLOUT_SLOTS_MAX + 1 }],
  ])('are refused where %s does not fit', (field, change) => {
    expect(() => encodeRule({ ...plain, ...change })).toThrow(field);
  });

  it('are of the same rule where only category or expiry differ', () => {
    expect(sameRuleIdentity(word0({}), word0({ categoryIndex: 4, expiresAtSeconds: 9 }))).toBe(true);
    for (const change of [
      { listIndex: 4 },
      { kind: 'allow' },
      { scope: 'exact' },
      { mode: 'off' },
      { actionIndex: 1 },
      { rolloutSlot: 1 },
    ] as const) {
      expect(sameRuleIdentity(word0({}), word0(change))).toBe(false);
    }
  });

  it('have no rollout slot unless one is given', () => {
    expect(ruleRolloutSlot(word0({}))).toBe(0);
    expect(ruleRolloutSlot(word0({ rolloutSlot: ROLLOUT_SLOTS_MAX }))).toBe(ROLLOUT_SLOTS_MAX);
  });

  it('expire at their expiry, and never without one', () => {
    expect(ruleExpired(0, 0xffff_ffff)).toBe(false);
    expect(ruleExpired(1000, 999)).toBe(false);
    expect(ruleExpired(1000, 1000)).toBe(true);
  });
});
