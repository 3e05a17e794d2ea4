import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { clientOctets } from '../../../src/policy/address.ts';
import { ANYONE } from '../../../src/policy/audience.ts';
import { type ClientGroup, ClientGroups, NO_GROUP } from '../../../src/policy/client-groups.ts';
import { prefixCovers, readClientPrefix } from '../../../src/policy/client-prefix.ts';
import { explain } from '../../../src/policy/explain.ts';
import { VerdictKind, type Policy } from '../../../src/policy/policy.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';

function group(name: string, prefixes: readonly string[], more: Partial<ClientGroup> = {}): ClientGroup {
  return { name, prefixes, lists: undefined, mode: undefined, ...more };
}

function groupOf(groups: readonly ClientGroup[], client: string): string | undefined {
  const found = new ClientGroups(groups);
  return found.groups[found.find(clientOctets(client)!)]?.name;
}

describe('the group of a client', () => {
  const groups = [
    group('region', ['10.0.0.0/8', '2001:db8::/32']),
    group('city', ['10.1.0.0/16', '2001:db8:1::/48']),
    group('school', ['10.1.2.3', '10.1.0.0/24', '10.1.255.0/24']),
    group('six', ['::/0']),
    group('end', ['255.255.255.255', 'ffff:ffff::/32']),
  ];

  it.each([
    ['9.255.255.255', undefined],
    ['10.0.0.0', 'region'],
    ['10.255.255.255', 'region'],
    ['11.0.0.0', undefined],
    ['10.1.0.0', 'school'],
    ['10.1.1.0', 'city'],
    ['10.1.2.2', 'city'],
    ['10.1.2.3', 'school'],
    ['10.1.2.4', 'city'],
    ['10.1.255.255', 'school'],
    ['10.2.0.0', 'region'],
    ['2001:db8:0:ffff::1', 'region'],
    ['2001:db8:1::1', 'city'],
    ['2001:db8:2::1', 'region'],
    ['2001:db9::1', 'six'],
    ['::1', 'six'],
    ['255.255.255.254', undefined],
    ['255.255.255.255', 'end'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'end'],
  ])('%s is that of the longest prefix: %s', (client, name) => {
    expect(groupOf(groups, client)).toBe(name);
  });

  it('is what a look at every prefix finds', () => {
    const octet = fc.constantFrom(0, 1, 2, 127, 128, 255);
    const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const v6 = fc
      .tuple(octet, octet, octet)
      .map(([a, b, c]) => `${a.toString(16)}:${b.toString(16)}::${c.toString(16)}`);
    const prefix = fc.oneof(
      fc.tuple(v4, fc.nat(32)).map(([address, bits]) => `${address}/${bits}`),
      fc.tuple(v6, fc.nat(128)).map(([address, bits]) => `${address}/${bits}`),
    );
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 12 }),
        fc.array(fc.oneof(v4, v6), { minLength: 8 }),
        (texts, clients) => {
          const found = new ClientGroups(texts.map((text, index) => group(`${index}`, [text])));
          for (const text of clients) {
            const client = clientOctets(text)!;
            const prefixes = texts.map((one) => readClientPrefix(one)!);
            const longest = Math.max(
              -1,
              ...prefixes.filter((one) => prefixCovers(one, client)).map(({ bits }) => bits),
            );
            const index = found.find(client);
            expect(index === NO_GROUP ? -1 : prefixes[index]!.bits).toBe(longest);
            if (index !== NO_GROUP) expect(prefixCovers(prefixes[index]!, client)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a rule for the clients of a group', () => {
  const lists = [
    { name: 'police' },
    { name: 'desk', mode: 'shadow' as const },
    { name: 'trial', mode: 'off' as const },
  ];
  const entries = [
    { name: 'both.example', list: 0 },
    { name: 'both.example', list: 1, mode: 'shadow' as const },
    { name: 'desk.example', list: 1, mode: 'shadow' as const },
    { name: 'trial.example', list: 2, mode: 'off' as const },
    { name: 'watched.example', list: 0, mode: 'shadow' as const },
    { name: 'fine.example', list: 0 },
    { name: 'fine.example', kind: 'allow' as const },
    { name: 'lifted.example', list: 1, mode: 'shadow' as const },
    { name: 'lifted.example', list: 1, kind: 'exception' as const, mode: 'shadow' as const },
  ];
  const groups = [
    group('noPolice', ['10.1.0.0/16'], { lists: ['desk', 'trial'] }),
    group('all', ['10.2.0.0/16'], { mode: 'enforce' }),
    group('watching', ['10.3.0.0/16'], { mode: 'shadow' }),
    group('none', ['10.4.0.0/16'], { mode: 'off' }),
  ];
  const policy = testPolicy({ lists, entries }, groups);

  function judge(of: Policy, name: string, client?: Uint8Array): string {
    const wire = wireName(name);
    const starts = new Uint8Array(LABELS_MAX);
    return Object.keys(VerdictKind)[of.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), 1, client)]!;
  }

  it.each([
    ['both.example', { 0: 'blocked', 1: 'shadow', 2: 'blocked', 3: 'shadow', 4: 'allowed' }],
    ['desk.example', { 0: 'shadow', 1: 'shadow', 2: 'blocked', 3: 'shadow', 4: 'allowed' }],
    ['trial.example', { 0: 'allowed', 1: 'allowed', 2: 'blocked', 3: 'shadow', 4: 'allowed' }],
    // Shadow by its own entry: no group makes that stronger.
    ['watched.example', { 0: 'shadow', 1: 'allowed', 2: 'shadow', 3: 'shadow', 4: 'allowed' }],
    ['fine.example', { 0: 'allowlisted', 1: 'allowlisted', 2: 'allowlisted', 3: 'allowlisted', 4: 'allowlisted' }],
    ['lifted.example', { 0: 'allowed', 1: 'allowed', 2: 'allowed', 3: 'allowed', 4: 'allowed' }],
    ['other.example', { 0: 'allowed', 1: 'allowed', 2: 'allowed', 3: 'allowed', 4: 'allowed' }],
  ])('on %s holds as the group has it', (name, expected) => {
    for (const [net, verdict] of Object.entries(expected)) {
      expect([net, judge(policy, name, clientOctets(`10.${net}.0.1`))]).toEqual([net, verdict]);
      expect(explain(policy, wireName(name), 0, 1, clientOctets(`10.${net}.0.1`))!.verdict).toBe(verdict);
    }
    expect(judge(policy, name)).toBe(expected[0]);
  });

  it('says of a listed name only that the verdict depends on the client', () => {
    const isForEveryone = (name: string): boolean => {
      judge(policy, name, clientOctets('10.0.0.1'));
      return policy.isForEveryone;
    };
    expect([isForEveryone('both.example'), isForEveryone('other.example')]).toEqual([false, true]);
    expect(policy.dependsOnClients).toBe(true);
  });

  it('holds for anyone where it holds for some group', () => {
    expect(judge(policy, 'trial.example', ANYONE)).toBe('blocked');
    expect(judge(policy, 'watched.example', ANYONE)).toBe('shadow');
  });

  it('is explained with the group, and why it is not there', () => {
    const outcomes = (name: string, client: string) => {
      const { group: of, rules } = explain(policy, wireName(name), 0, 1, clientOctets(client))!;
      return [of, ...rules.map(({ list, outcome, mode }) => `${list} ${outcome} ${mode}`)];
    };
    expect(outcomes('both.example', '10.1.0.1')).toEqual(['noPolice', 'police group off', 'desk decides shadow']);
    expect(outcomes('trial.example', '10.2.0.1')).toEqual(['all', 'trial decides enforce']);
    expect(outcomes('trial.example', '10.0.0.1')).toEqual([undefined, 'trial off off']);
  });
});
