import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf, nameToText } from '../../../src/dns/name.ts';
import { ALLOW_LIST, Policy, VerdictKind } from '../../../src/policy/policy.ts';
import { nameSetBuffers, publishedPolicy, testPolicy, wireName } from '../../support/publish-policy.ts';

const NOW = 1_000_000;

function judge(policy: Policy, text: string, nowSeconds = NOW): number {
  const name = wireName(text);
  const starts = new Uint8Array(LABELS_MAX);
  return policy.judge(name, 0, starts, labelStartsOf(name, 0, starts), nowSeconds);
}

function matchedEntry(policy: Policy): string {
  return nameToText(policy.match.bytes, policy.match.entryStart);
}

describe('scope', () => {
  const policy = testPolicy({ entries: [{ name: 'sub.example' }, { name: 'only.example', scope: 'exact' }] });

  it('subtree covers the name and all below', () => {
    expect(judge(policy, 'sub.example')).toBe(VerdictKind.blocked);
    expect(judge(policy, 'a.b.SUB.example')).toBe(VerdictKind.blocked);
    expect(matchedEntry(policy)).toBe('SUB.example');
    expect(policy.match.suffixLabel).toBe(2);
  });

  it('exact covers the name alone', () => {
    expect(judge(policy, 'only.example')).toBe(VerdictKind.blocked);
    expect(judge(policy, 'a.only.example')).toBe(VerdictKind.allowed);
  });

  it('neither covers a name above, beside or merely ending alike', () => {
    for (const name of ['example', 'other.example', 'xsub.example', 'sub.example.test']) {
      expect(judge(policy, name)).toBe(VerdictKind.allowed);
    }
  });

  it('of the root name is nothing', () => {
    expect(judge(policy, '.')).toBe(VerdictKind.allowed);
  });
});

describe('precedence', () => {
  it('an allow rule wins over a more specific block', () => {
    const policy = testPolicy({
      entries: [{ name: 'good.example', kind: 'allow', list: 1 }, { name: 'bad.good.example' }],
    });
    expect(judge(policy, 'bad.good.example')).toBe(VerdictKind.allowlisted);
    expect(matchedEntry(policy)).toBe('good.example');
    expect(policy.match.list).toBe(ALLOW_LIST);
    expect(policy.match.listIndex).toBe(1);
  });

  it('an exact allow rule leaves the names below to the blocks', () => {
    const policy = testPolicy({
      entries: [{ name: 'example', kind: 'allow', scope: 'exact' }, { name: 'example' }],
    });
    expect(judge(policy, 'example')).toBe(VerdictKind.allowlisted);
    expect(judge(policy, 'www.example')).toBe(VerdictKind.blocked);
  });

  it('the most specific block decides, whatever the order of lists', () => {
    const policy = testPolicy({
      entries: [
        { name: 'example', list: 0, action: 'refused' },
        { name: 'deep.example', list: 2, action: 'nodata', category: 'loan' },
      ],
    });
    expect(judge(policy, 'a.deep.example')).toBe(VerdictKind.blocked);
    expect(policy.match.list.name).toBe('list-2');
    expect(policy.match.actionIndex).toBe(2);
    expect(policy.match.categoryIndex).toBe(3);
  });

  it('of blocks on one name the first list in the configuration decides', () => {
    const policy = testPolicy({
      entries: [
        { name: 'a.example', list: 2 },
        { name: 'a.example', list: 1 },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    expect(policy.match.list.name).toBe('list-1');
  });
});

describe('a rule that does not apply hides no other', () => {
  it.each([
    ['shadow', { mode: 'shadow' }],
    ['off', { mode: 'off' }],
    ['expired', { expiresAtSeconds: NOW }],
    ['exact and above', { scope: 'exact' }],
  ] as const)('%s: the rule of a later list on the same name blocks', (_, change) => {
    const policy = testPolicy({
      entries: [
        { name: 'a.example', list: 0, ...change },
        { name: 'a.example', list: 1 },
      ],
    });
    expect(judge(policy, 'www.a.example')).toBe(VerdictKind.blocked);
    expect(policy.match.listIndex).toBe(1);
  });

  it.each([
    ['shadow', { mode: 'shadow' }],
    ['off', { mode: 'off' }],
    ['expired', { expiresAtSeconds: NOW - 1 }],
  ] as const)('%s: the rule of a name above blocks', (_, change) => {
    const policy = testPolicy({
      entries: [
        { name: 'a.example', ...change },
        { name: 'example', list: 1 },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    expect(matchedEntry(policy)).toBe('example');
  });

  it('a shadow rule is reported where nothing enforces', () => {
    const policy = testPolicy({ entries: [{ name: 'a.example', mode: 'shadow', list: 2 }] });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.shadow);
    expect(policy.match.list.name).toBe('list-2');
  });

  it('an allow rule that is expired, off or shadow allows nothing', () => {
    for (const change of [{ expiresAtSeconds: NOW }, { mode: 'off' }, { mode: 'shadow' }] as const) {
      const policy = testPolicy({ entries: [{ name: 'a.example' }, { name: 'a.example', kind: 'allow', ...change }] });
      expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    }
  });

  it('a rule blocks until its expiry, exclusive', () => {
    const policy = testPolicy({ entries: [{ name: 'a.example', expiresAtSeconds: NOW + 1 }] });
    expect(judge(policy, 'a.example', NOW)).toBe(VerdictKind.blocked);
    expect(policy.match.expiresAtSeconds).toBe(NOW + 1);
    expect(judge(policy, 'a.example', NOW + 1)).toBe(VerdictKind.allowed);
  });

  it('a rule of a list that is not in the table is passed over', () => {
    const policy = testPolicy({
      lists: [{}],
      entries: [
        { name: 'a.example', list: 7 },
        { name: 'example', list: 0 },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    expect(policy.match.listIndex).toBe(0);
  });
});

describe('an exception', () => {
  it('lifts the blocks of its own list, at its name and below, whether they stand above or below it', () => {
    const policy = testPolicy({
      entries: [
        { name: 'example', list: 1 },
        { name: 'good.example', list: 1, kind: 'exception' },
        { name: 'deep.good.example', list: 1 },
      ],
    });
    expect(judge(policy, 'www.example')).toBe(VerdictKind.blocked);
    expect(judge(policy, 'good.example')).toBe(VerdictKind.allowed);
    expect(judge(policy, 'deep.good.example')).toBe(VerdictKind.allowed);
  });

  it('leaves the blocks of other lists in force', () => {
    const policy = testPolicy({
      entries: [
        { name: 'good.example', list: 0, kind: 'exception' },
        { name: 'good.example', list: 0 },
        { name: 'example', list: 1 },
      ],
    });
    expect(judge(policy, 'good.example')).toBe(VerdictKind.blocked);
    expect(policy.match.listIndex).toBe(1);
  });

  it('of a list beyond the thirty-second lifts that list alone', () => {
    const lists = Array.from({ length: 64 }, () => ({}));
    const policy = testPolicy({
      lists,
      entries: [
        { name: 'a.example', list: 33, kind: 'exception' },
        { name: 'a.example', list: 33 },
        { name: 'b.example', list: 33, kind: 'exception' },
        { name: 'b.example', list: 1 },
        { name: 'c.example', list: 33 },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.allowed);
    expect(judge(policy, 'b.example')).toBe(VerdictKind.blocked);
    // Nothing of it is left for the next name.
    expect(judge(policy, 'a.example')).toBe(VerdictKind.allowed);
    expect(judge(policy, 'c.example')).toBe(VerdictKind.blocked);
  });

  it('that only watches lifts no rule that enforces', () => {
    const policy = testPolicy({
      entries: [
        { name: 'a.example', kind: 'exception', mode: 'shadow' },
        { name: 'a.example' },
        { name: 'b.example', kind: 'exception', mode: 'shadow' },
        { name: 'b.example', mode: 'shadow' },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    expect(judge(policy, 'b.example')).toBe(VerdictKind.allowed);
  });
});

describe('the overlay', () => {
  it('adds a name', () => {
    const policy = testPolicy({ entries: [], overlay: [{ name: 'new.example' }] });
    expect(judge(policy, 'www.new.example')).toBe(VerdictKind.blocked);
  });

  it('takes a name away, and the entry above it counts again', () => {
    const policy = testPolicy({
      entries: [{ name: 'a.example' }, { name: 'b.test' }, { name: 'test', list: 1 }],
      overlay: [
        { name: 'a.example', removed: true },
        { name: 'b.test', removed: true },
      ],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.allowed);
    expect(judge(policy, 'b.test')).toBe(VerdictKind.blocked);
    expect(policy.match.listIndex).toBe(1);
  });

  it('replaces all rules that the base has for the name', () => {
    const policy = testPolicy({
      entries: [
        { name: 'a.example', list: 0 },
        { name: 'a.example', kind: 'allow' },
      ],
      overlay: [{ name: 'a.example', list: 1 }],
    });
    expect(judge(policy, 'a.example')).toBe(VerdictKind.blocked);
    expect(policy.match.listIndex).toBe(1);
  });

  it('must have the seed of the base', () => {
    const published = { ...publishedPolicy({ entries: [] }), overlay: nameSetBuffers([{ name: 'a.example' }], 9) };
    expect(() => new Policy(published)).toThrow('seed');
  });
});

describe('the match', () => {
  it('points into the buffer that was judged, wherever the name begins in it', () => {
    const policy = testPolicy({ entries: [{ name: 'a.example' }] });
    const name = wireName('www.a.example');
    const bytes = new Uint8Array(40);
    bytes.set(name, 12);
    const starts = new Uint8Array(LABELS_MAX);
    expect(policy.judge(bytes, 12, starts, labelStartsOf(name, 0, starts), NOW)).toBe(VerdictKind.blocked);
    expect(policy.match).toMatchObject({ nameStart: 12, entryStart: 16, suffixLabel: 1, scope: 1 });
    expect(policy.match.bytes).toBe(bytes);
  });
});
