/**
 * Invariant: the verdict for a client is the verdict of a policy that has, for everyone, the rules that hold for that
 * client and no others, unless it would block or watch and an exception lets the client through. Who is in a rollout is computed here by another road: octets put together, hashed at once.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../src/dns/name.ts';
import { SipHash } from '../../src/dns/sip-hash.ts';
import { clientOctets } from '../../src/policy/address.ts';
import { explain } from '../../src/policy/explain.ts';
import { VerdictKind, type Policy } from '../../src/policy/policy.ts';
import type { ClientGroup } from '../../src/policy/client-groups.ts';
import type { RolloutStageInForce } from '../../src/policy/published.ts';
import { testPolicy, wireName } from '../support/publish-policy.ts';
import type { TestEntry, TestException } from '../support/publish-policy.ts';

const NOW = 1000;
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const LISTS = [{ name: 'police' }, { name: 'court' }, { name: 'desk' }];

const anyName = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join('.'));

const anyEntry: fc.Arbitrary<TestEntry> = fc.record({
  name: anyName,
  list: fc.integer({ min: 0, max: 2 }),
  kind: fc.constantFrom('block', 'block', 'block', 'exception', 'allow', 'protect'),
  scope: fc.constantFrom('exact', 'subtree', 'subtree'),
  mode: fc.constantFrom('enforce', 'enforce', 'shadow', 'off'),
  expiresAtSeconds: fc.constantFrom(0, 0, NOW, NOW + 1),
  rolloutSlot: fc.constantFrom(0, 0, 1, 2, 3),
});
const identity = ({ name, list, kind, scope, mode, rolloutSlot }: TestEntry): string =>
  [name, list, kind, scope, mode, rolloutSlot].join(' ');
const anyEntries = fc.uniqueArray(anyEntry, { maxLength: 24, selector: identity });

const anyStages: fc.Arbitrary<RolloutStageInForce[]> = fc.uniqueArray(
  fc.record({
    listIndex: fc.integer({ min: 0, max: 2 }),
    slot: fc.integer({ min: 1, max: 2 }),
    permyriad: fc.constantFrom(0, 3000, 7000, 10_000),
  }),
  { selector: ({ listIndex, slot }) => `${listIndex} ${slot}`, maxLength: 6 },
);

const anyClient = fc.oneof(
  fc.tuple(fc.nat(7), fc.nat(255)).map(([net, host]) => `127.0.${net}.${host}`),
  fc.tuple(fc.nat(7), fc.nat(255)).map(([net, host]) => `2001:db8:0:${net}00::${host.toString(16)}`),
);

function isInRollout({ list, rolloutSlot }: TestEntry, stages: readonly RolloutStageInForce[], client: string) {
  const stage = stages.find(({ listIndex, slot }) => listIndex === list && slot === rolloutSlot);
  if (stage === undefined) return false;
  const address = Buffer.from(clientOctets(client)!);
  const prefix = address.fill(0, client.includes(':') ? 7 : 15).subarray(0, 15);
  const octets = Buffer.concat([Buffer.from(LISTS[list!]!.name), Buffer.of(rolloutSlot!), prefix]);
  const hash = new SipHash(KEY);
  hash.hash(octets, 0, octets.length);
  return hash.low % 10_000 < stage.permyriad;
}

/** Why mostly of one label, and some for everyone: of 120 names few cover one that is asked for and listed as well. */
const anyExceptions: fc.Arbitrary<TestException[]> = fc.array(
  fc.record({
    clients: fc.constantFrom('127.0.0.0/22', '127.0.3.0/24', '2001:db8::/54', '0.0.0.0/0', '2001:db8::/32'),
    name: fc.oneof(anyName, fc.constantFrom('a', 'b', 'c')),
    scope: fc.constantFrom('exact', 'subtree', 'subtree'),
    untilSeconds: fc.constantFrom(NOW, NOW + 1, NOW + 1),
  }),
  { minLength: 2, maxLength: 8 },
);

/** By the text of addresses and names. */
function isExcepted({ clients, name, scope, untilSeconds }: TestException, asked: string, client: string): boolean {
  const net = Number(client.split('.')[2]);
  const net6 = Number.parseInt(/^2001:db8:0:(\d)00::/.exec(client)?.[1] ?? '99', 16);
  const isIn = {
    '127.0.0.0/22': net < 4,
    '127.0.3.0/24': net === 3,
    '2001:db8::/54': net6 < 4,
    '0.0.0.0/0': !client.includes(':'),
    '2001:db8::/32': client.includes(':'),
  }[clients];
  const covers = asked === name || (scope === 'subtree' && asked.endsWith(`.${name}`));
  return isIn === true && covers && untilSeconds > NOW;
}

/** One group, of the clients whose third octet (IPv4) is below 4. */
const anyGroups: fc.Arbitrary<ClientGroup[]> = fc.array(
  fc.record({
    name: fc.constant('city'),
    prefixes: fc.constant(['127.0.0.0/22']),
    lists: fc.option(fc.subarray(LISTS.map(({ name }) => name)), { nil: undefined }),
    mode: fc.constantFrom(undefined, undefined, 'shadow', 'off'),
  }),
  { maxLength: 1 },
);

/** The entry as it is for a client of the group, where its list's own mode is to enforce. */
function inGroup(entry: TestEntry, group: ClientGroup | undefined): TestEntry[] {
  if (group === undefined || entry.kind === 'allow' || entry.kind === 'protect') return [entry];
  if (group.lists !== undefined && !group.lists.includes(LISTS[entry.list!]!.name)) return [];
  const modes = ['enforce', 'shadow', 'off'] as const;
  const weaker = Math.max(modes.indexOf(entry.mode!), modes.indexOf(group.mode ?? 'enforce'));
  return [{ ...entry, mode: modes[weaker]! }];
}

function judged(policy: Policy, name: string, client?: string) {
  const wire = wireName(name);
  const starts = new Uint8Array(LABELS_MAX);
  const kind = policy.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), NOW, clientOctets(client));
  const { listIndex, suffixLabel, scope } = policy.match;
  if (policy.match.exception !== undefined && kind !== VerdictKind.allowed) return { kind, isExcepted: true };
  return kind === VerdictKind.allowed ? { kind } : { kind, listIndex, suffixLabel, scope };
}

describe('the verdict for a client', () => {
  it('is that of the rules that hold for it, and is explained so', () => {
    const seen = { kept: 0, dropped: 0, different: 0, excepted: 0 };
    fc.assert(
      fc.property(
        anyEntries,
        anyEntries,
        anyStages,
        anyExceptions,
        anyGroups,
        fc.array(fc.tuple(anyName, anyClient), { minLength: 6 }),
        (base, overlay, stages, exceptions, groups, asks) => {
          const policy = testPolicy(
            {
              lists: LISTS,
              entries: base,
              overlay,
              exceptions,
              rollouts: { key: KEY, stages },
            },
            groups,
          );
          const newer = new Set(overlay.map(({ name }) => name));
          const all = [...base.filter(({ name }) => !newer.has(name)), ...overlay];
          for (const [index, [any, client]] of asks.entries()) {
            // Why every other one of those that are listed: names at random seldom are.
            const name = index % 2 === 0 ? any : (all[index % all.length]?.name ?? any);
            const holds = all.filter((entry) => entry.rolloutSlot === 0 || isInRollout(entry, stages, client));
            const isInGroup = !client.includes(':') && Number(client.split('.')[2]) < 4;
            const entries = holds
              .flatMap((entry) => inGroup(entry, isInGroup ? groups[0] : undefined))
              .map((entry) => ({ ...entry, rolloutSlot: 0 }));
            const byRules = judged(testPolicy({ lists: LISTS, entries }), name);
            const isLetThrough =
              (byRules.kind === VerdictKind.blocked || byRules.kind === VerdictKind.shadow) &&
              exceptions.some((one) => isExcepted(one, name, client));
            const expected = isLetThrough ? { kind: VerdictKind.allowlisted, isExcepted: true } : byRules;
            if (isLetThrough) seen.excepted++;
            expect(judged(policy, name, client)).toEqual(expected);
            expect(explain(policy, wireName(name), 0, NOW, clientOctets(client))!.verdict).toBe(
              Object.keys(VerdictKind)[expected.kind],
            );
            seen.kept += entries.length;
            seen.dropped += all.length - entries.length;
            if (judged(policy, name).kind !== expected.kind) seen.different++;
          }
        },
      ),
      { numRuns: 400 },
    );
    // Enough of each was met, or the property proves less than it says.
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(25);
  });
});
