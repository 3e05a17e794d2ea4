/**
 * The policy against a reference written for clearness, with Maps and strings: random lists over a small tree of names,
 * so that rules meet at and above most names, in every kind, scope, mode, expiry and level.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { explain } from '../../../src/policy/explain.ts';
import type { VerdictName } from '../../../src/policy/explain.ts';
import { VerdictKind } from '../../../src/policy/policy.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';
import type { TestEntry, TestOverlayEntry } from '../../support/publish-policy.ts';

const NOW = 1000;

const anyName = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join('.'));

/** No two rules of one name may differ in category or expiry only: merging them is rule-set.test.ts's. */
const anyEntry = fc.record<Required<Omit<TestEntry, 'category' | 'rolloutSlot'>>>({
  name: anyName,
  list: fc.integer({ min: 0, max: 3 }),
  kind: fc.constantFrom('block', 'block', 'block', 'exception', 'allow', 'protect'),
  scope: fc.constantFrom('exact', 'subtree', 'subtree'),
  mode: fc.constantFrom('enforce', 'enforce', 'shadow', 'off'),
  action: fc.constantFrom('sinkhole', 'nxdomain'),
  expiresAtSeconds: fc.constantFrom(0, 0, NOW - 1, NOW, NOW + 1),
});
type AnyEntry = Required<Omit<TestEntry, 'category' | 'rolloutSlot'>>;

function identity({ name, list, kind, scope, mode, action }: AnyEntry): string {
  return [name, list, kind, scope, mode, action].join(' ');
}
const anyEntries = fc.uniqueArray(anyEntry, { maxLength: 24, selector: identity });
const anyRemovals = fc.uniqueArray(anyName, { maxLength: 6 });

interface Outcome {
  readonly verdict: VerdictName;
  readonly list?: number;
  readonly entry?: string;
}

function reference(entries: readonly AnyEntry[], name: string): Outcome {
  const labels = name.split('.');
  const inForce = entries.filter(
    (entry) =>
      (entry.name === name || (entry.scope === 'subtree' && name.endsWith(`.${entry.name}`))) &&
      (entry.expiresAtSeconds === 0 || entry.expiresAtSeconds > NOW),
  );
  const depth = (entry: AnyEntry): number => labels.length - entry.name.split('.').length;
  const inOrder = inForce.sort((a, b) => depth(a) - depth(b) || a.list - b.list);
  const allow = inOrder.find((entry) => entry.kind === 'allow' && entry.mode === 'enforce');
  if (allow !== undefined) return { verdict: 'allowlisted', list: allow.list, entry: allow.name };
  const lifts = (mode: 'enforce' | 'shadow', list: number): boolean =>
    inForce.some(
      (entry) => entry.kind === 'exception' && entry.list === list && (entry.mode === 'enforce' || entry.mode === mode),
    );
  for (const [mode, verdict] of [
    ['enforce', 'blocked'],
    ['shadow', 'shadow'],
  ] as const) {
    const block = inOrder.find((entry) => entry.kind === 'block' && entry.mode === mode && !lifts(mode, entry.list));
    if (block !== undefined) return { verdict, list: block.list, entry: block.name };
  }
  return { verdict: 'allowed' };
}

function isProtectedByReference(entries: readonly AnyEntry[], name: string): boolean {
  return entries.some(
    ({ kind, mode, scope, expiresAtSeconds, name: entry }) =>
      kind === 'protect' &&
      mode === 'enforce' &&
      (entry === name || (scope === 'subtree' && name.endsWith(`.${entry}`))) &&
      (expiresAtSeconds === 0 || expiresAtSeconds > NOW),
  );
}

/** What base and overlay amount to: the overlay's names have its rules only. */
function flattened(base: readonly AnyEntry[], overlay: readonly AnyEntry[], removals: readonly string[]): AnyEntry[] {
  const replaced = new Set([...overlay.map((entry) => entry.name), ...removals]);
  return [...base.filter((entry) => !replaced.has(entry.name)), ...overlay];
}

describe('the verdict on any name by any lists', () => {
  it('is the reference’s, with the same list and entry', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        anyEntries,
        anyEntries,
        anyRemovals,
        fc.array(anyName, { minLength: 8 }),
        (base, added, gone, names) => {
          const removals: TestOverlayEntry[] = gone.map((name) => ({ name, removed: true }));
          const policy = testPolicy({ lists: [{}, {}, {}, {}], entries: base, overlay: [...removals, ...added] });
          const entries = flattened(base, added, gone);
          const starts = new Uint8Array(LABELS_MAX);
          for (const name of names) {
            const wire = wireName(name.toUpperCase());
            const labelCount = labelStartsOf(wire, 0, starts);
            const kind = policy.judge(wire, 0, starts, labelCount, NOW);
            const expected = reference(entries, name);
            const isProtected = isProtectedByReference(entries, name);
            if (isProtected) seen.set('protected', (seen.get('protected') ?? 0) + 1);
            expect(policy.isProtected(wire, 0, starts, labelCount, NOW)).toBe(isProtected);
            seen.set(expected.verdict, (seen.get(expected.verdict) ?? 0) + 1);
            expect(kind).toBe(VerdictKind[expected.verdict]);
            const { match } = policy;
            if (kind !== VerdictKind.allowed) {
              const entry = name.split('.').slice(match.suffixLabel).join('.');
              expect({ list: match.listIndex, entry }).toEqual({ list: expected.list, entry: expected.entry });
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
    // Every verdict was met often, or the property proves less than it says.
    for (const verdict of [...Object.keys(VerdictKind), 'protected']) expect(seen.get(verdict)).toBeGreaterThan(100);
  });

  it('is explained by one rule that decides, unless it is allowed', () => {
    fc.assert(
      fc.property(anyEntries, anyEntries, anyName, (base, added, name) => {
        const policy = testPolicy({ lists: [{}, {}, {}, {}], entries: base, overlay: added });
        const explanation = explain(policy, wireName(name), 0, NOW)!;
        const expected = reference(flattened(base, added, []), name);
        expect(explanation.verdict).toBe(expected.verdict);
        expect(explanation.decidedBy?.entry).toBe(expected.entry);
        const deciding = explanation.rules.filter((rule) => rule.outcome === 'decides');
        expect(deciding).toHaveLength(expected.verdict === 'allowed' ? 0 : 1);
        const isPassing = expected.verdict === 'allowed' || expected.verdict === 'shadow';
        const isShown = explanation.rules.some((rule) => rule.outcome === 'protects');
        expect(isShown).toBe(isPassing && isProtectedByReference(flattened(base, added, []), name));
        const covering = [...base, ...added].filter((entry) => name === entry.name || name.endsWith(`.${entry.name}`));
        expect(explanation.rules).toHaveLength(covering.length);
      }),
      { numRuns: 500 },
    );
  });
});
