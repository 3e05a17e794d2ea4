import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/policy/explain.ts';
import type { Explanation } from '../../../src/policy/explain.ts';
import { incidentId } from '../../../src/policy/incident.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';
import type { TestPolicy } from '../../support/publish-policy.ts';

const NOW = 1000;

function explained(name: string, policy: TestPolicy): Explanation {
  return explain(testPolicy(policy), wireName(name), 0, NOW)!;
}

function outcomes({ rules }: Explanation): string[] {
  return rules.map((rule) => `${rule.list} ${rule.entry} ${rule.outcome}`);
}

describe('explaining a verdict', () => {
  it('says all there is to say of the rule that decided', () => {
    const { verdict, decidedBy } = explained('WWW.Pay.example', {
      lists: [{ name: 'police', authority: 'District 9', order: 'operator', version: 42 }],
      entries: [{ name: 'pay.example', category: 'loan', action: 'nodata', expiresAtSeconds: 2000 }],
    });
    expect(verdict).toBe('blocked');
    expect(decidedBy).toEqual({
      outcome: 'decides',
      level: 'base',
      entry: 'pay.example',
      kind: 'block',
      scope: 'subtree',
      mode: 'enforce',
      list: 'police',
      authority: 'District 9',
      order: 'operator',
      version: 42,
      category: 'loan',
      action: 'nodata',
      expiresAtSeconds: 2000,
      incident: incidentId('police', 42, wireName('pay.example')),
    });
  });

  it('says why each other rule did not decide', () => {
    const explanation = explained('a.b.example', {
      entries: [
        { name: 'a.b.example', list: 0, mode: 'off' },
        { name: 'a.b.example', list: 1, expiresAtSeconds: 999 },
        { name: 'a.b.example', list: 2, mode: 'shadow' },
        { name: 'b.example', list: 0, scope: 'exact' },
        { name: 'b.example', list: 1 },
        { name: 'example', list: 2 },
        { name: 'example', list: 9 },
      ],
    });
    expect(explanation.verdict).toBe('blocked');
    expect(outcomes(explanation)).toEqual([
      'list-0 a.b.example off',
      'list-1 a.b.example expired',
      'list-2 a.b.example outranked',
      'list-0 b.example scope',
      'list-1 b.example decides',
      'list-2 example outranked',
      'allow example unknownList',
    ]);
  });

  it('names the file of an allow rule', () => {
    const explanation = explained('a.example', {
      allowSources: ['/etc/allow.txt'],
      entries: [{ name: 'example', kind: 'allow' }, { name: 'a.example' }],
    });
    expect(explanation.verdict).toBe('allowlisted');
    expect(explanation.decidedBy).toMatchObject({ list: '/etc/allow.txt', entry: 'example', kind: 'allow' });
    expect(explanation.decidedBy!.incident).toBeUndefined();
    expect(outcomes(explanation)).toContain('list-0 a.example outranked');
  });

  it.each([
    ['allowed', [], 'protected example protects'],
    ['shadow', [{ name: 'a.example', mode: 'shadow' }], 'protected example protects'],
    ['blocked', [{ name: 'a.example' }], 'protected example outranked'],
    ['allowlisted', [{ name: 'a.example', kind: 'allow' }], 'protected example outranked'],
  ] as const)('shows that a protected name is above one that is %s', (verdict, entries, shown) => {
    const explanation = explained('a.example', { entries: [...entries, { name: 'example', kind: 'protect' }] });
    expect(explanation.verdict).toBe(verdict);
    expect(explanation.decidedBy?.kind).not.toBe('protect');
    expect(outcomes(explanation).at(-1)).toBe(shown);
  });

  it('tells a lifted rule from its exception', () => {
    const explanation = explained('a.example', {
      entries: [{ name: 'a.example', kind: 'exception' }, { name: 'example' }],
    });
    expect(explanation.verdict).toBe('allowed');
    expect(outcomes(explanation)).toEqual(['list-0 a.example exception', 'list-0 example lifted']);
  });

  it('tells what the overlay replaced and what it removed', () => {
    const explanation = explained('a.b.example', {
      entries: [{ name: 'a.b.example' }, { name: 'b.example' }],
      overlay: [
        { name: 'a.b.example', list: 1 },
        { name: 'b.example', removed: true },
      ],
    });
    expect(outcomes(explanation)).toEqual([
      'list-1 a.b.example decides',
      'list-0 a.b.example replaced',
      'list-0 b.example replaced',
    ]);
    expect(explanation.rules.map(({ level }) => level)).toEqual(['overlay', 'base', 'base']);
    expect(explanation.removed).toEqual(['b.example']);
  });

  it('says so where nothing is said of a name', () => {
    const explanation = explained('a.example', { entries: [], generation: 7 });
    expect(explanation).toEqual({
      verdict: 'allowed',
      generation: 7,
      decidedBy: undefined,
      rules: [],
      removed: [],
      exceptions: [],
    });
  });

  it('is undefined for a malformed name', () => {
    expect(explain(testPolicy({ entries: [] }), new Uint8Array([0xc0, 12]), 0, NOW)).toBeUndefined();
  });
});
