import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { clientOctets } from '../../../src/policy/address.ts';
import { ANYONE } from '../../../src/policy/audience.ts';
import { explain } from '../../../src/policy/explain.ts';
import { VerdictKind, type Policy } from '../../../src/policy/policy.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';
import type { TestEntry } from '../../support/publish-policy.ts';

const NOW = 1000;
const KEY = new Uint8Array(16).fill(1);
const CLIENT = clientOctets('192.0.2.1')!;

function judge(policy: Policy, name: string, client?: Uint8Array): number {
  const wire = wireName(name);
  const starts = new Uint8Array(LABELS_MAX);
  return policy.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), NOW, client);
}

/** Slot 1 of list 0 holds for everyone who is known, slot 2 for nobody; slot 3 is in no table. */
function stagedPolicy(entries: readonly TestEntry[]): Policy {
  const stages = [
    { listIndex: 0, slot: 1, permyriad: 10_000 },
    { listIndex: 0, slot: 2, permyriad: 0 },
  ];
  return testPolicy({ entries, rollouts: { key: KEY, stages } });
}

describe('a rule that is held back to a share of the clients', () => {
  it('holds for who is in, and is not there for anyone else', () => {
    const policy = stagedPolicy([
      { name: 'in.example', rolloutSlot: 1 },
      { name: 'out.example', rolloutSlot: 2 },
      { name: 'gone.example', rolloutSlot: 3 },
    ]);
    expect(judge(policy, 'in.example', CLIENT)).toBe(VerdictKind.blocked);
    expect(policy.match.rolloutSlot).toBe(1);
    for (const name of ['out.example', 'gone.example']) {
      expect(judge(policy, name, CLIENT)).toBe(VerdictKind.allowed);
      expect(judge(policy, name, ANYONE)).toBe(VerdictKind.allowed);
    }
  });

  it('does not hold for a client that nobody knows, and does for anyone, unless it is for no one', () => {
    const policy = stagedPolicy([{ name: 'in.example', rolloutSlot: 1 }]);
    expect(judge(policy, 'in.example')).toBe(VerdictKind.allowed);
    expect(judge(policy, 'in.example', ANYONE)).toBe(VerdictKind.blocked);
  });

  it('holds for nobody where the policy has no table at all, as one from a disk may', () => {
    const policy = testPolicy({ entries: [{ name: 'in.example', rolloutSlot: 1 }] });
    expect(judge(policy, 'in.example', CLIENT)).toBe(VerdictKind.allowed);
    expect(policy.audience.dependsOnClients).toBe(false);
  });

  it('hides, where it is not there, no rule beside it or above it, and lifts none', () => {
    const policy = stagedPolicy([
      { name: 'a.example', rolloutSlot: 2, scope: 'exact' },
      { name: 'a.example', rolloutSlot: 2 },
      { name: 'a.example', list: 1, mode: 'shadow' },
      { name: 'b.example', rolloutSlot: 2 },
      { name: 'b.example', list: 0 },
      { name: 'example', list: 2, category: 'loan' },
      { name: 'a.example', kind: 'exception', list: 2, rolloutSlot: 2 },
    ]);
    expect(judge(policy, 'a.example', CLIENT)).toBe(VerdictKind.blocked);
    expect([policy.match.listIndex, policy.match.suffixLabel]).toEqual([2, 1]);
    expect(judge(policy, 'b.example', CLIENT)).toBe(VerdictKind.blocked);
    expect([policy.match.listIndex, policy.match.suffixLabel, policy.match.rolloutSlot]).toEqual([0, 0, 0]);
  });

  it('says of a verdict whether another client might get another', () => {
    const policy = stagedPolicy([{ name: 'out.example', rolloutSlot: 2 }, { name: 'all.example' }]);
    const isForEveryone = (name: string): boolean => {
      judge(policy, name, CLIENT);
      return policy.isForEveryone;
    };
    expect(['out.example', 'all.example', 'out.example', 'other.example'].map(isForEveryone)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('is explained with its share, and why it does not decide', () => {
    const policy = stagedPolicy([
      { name: 'in.example', rolloutSlot: 2 },
      { name: 'in.example', rolloutSlot: 1 },
      { name: 'example', list: 1 },
    ]);
    const rules = (client?: Uint8Array) =>
      explain(policy, wireName('in.example'), 0, NOW, client)!.rules.map(({ list, outcome, rolloutPercent }) => [
        list,
        outcome,
        rolloutPercent,
      ]);
    expect(rules(CLIENT)).toEqual([
      ['list-0', 'decides', 100],
      ['list-0', 'rollout', 0],
      ['list-1', 'outranked', undefined],
    ]);
    expect(rules()).toEqual([
      ['list-0', 'rollout', 100],
      ['list-0', 'rollout', 0],
      ['list-1', 'decides', undefined],
    ]);
  });
});
