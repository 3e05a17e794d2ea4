import { describe, expect, it } from 'vitest';
import { LABELS_MAX, labelStartsOf } from '../../../src/dns/name.ts';
import { clientOctets } from '../../../src/policy/address.ts';
import { ANYONE } from '../../../src/policy/audience.ts';
import { explain } from '../../../src/policy/explain.ts';
import { VerdictKind } from '../../../src/policy/policy.ts';
import { testPolicy, wireName } from '../../support/publish-policy.ts';

const END = 2000;
const [HERE, THERE] = [clientOctets('192.0.2.77')!, clientOctets('192.0.3.77')!];

const policy = testPolicy({
  entries: [
    { name: 'bad.example' },
    { name: 'exact.example' },
    { name: 'watched.example', mode: 'shadow' },
    { name: 'fine.example', kind: 'allow' },
    { name: 'fine.example' },
  ],
  exceptions: [
    { id: 'x7', clients: '192.0.2.0/24', name: 'bad.example', untilSeconds: END },
    { id: 'x8', clients: '192.0.2.0/24', name: 'exact.example', scope: 'exact', untilSeconds: END },
    { id: 'x9', clients: '192.0.2.0/24', name: 'watched.example', untilSeconds: END },
    { id: 'x10', clients: '192.0.2.0/24', name: 'fine.example', untilSeconds: END },
    { id: 'x11', clients: '::/0', name: 'bad.example', untilSeconds: END },
  ],
});

function judge(name: string, client: Uint8Array | undefined, nowSeconds = END - 1): number {
  const wire = wireName(name);
  const starts = new Uint8Array(LABELS_MAX);
  return policy.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), nowSeconds, client);
}

describe('an exception for the clients of a prefix', () => {
  it('lets them through to the name and those below it, and says which it was', () => {
    for (const name of ['bad.example', 'www.BAD.example']) {
      expect(judge(name, HERE)).toBe(VerdictKind.allowlisted);
      expect(policy.match.exception?.id).toBe('x7');
    }
  });

  it.each([
    ['another prefix', THERE],
    ['nobody knows', undefined],
    ['the page cannot name', ANYONE],
  ])('affects no client that %s has', (_, client) => {
    expect(judge('bad.example', client)).toBe(VerdictKind.blocked);
    expect(policy.match.exception).toBeUndefined();
  });

  it('ends to the second', () => {
    expect(judge('bad.example', HERE, END - 1)).toBe(VerdictKind.allowlisted);
    expect(judge('bad.example', HERE, END)).toBe(VerdictKind.blocked);
  });

  it('of scope exact is for no name below', () => {
    expect(judge('exact.example', HERE)).toBe(VerdictKind.allowlisted);
    expect(judge('www.exact.example', HERE)).toBe(VerdictKind.blocked);
  });

  it('is not counted as what a list watches, and has no part where an allow rule decides or nothing is listed', () => {
    expect(judge('watched.example', HERE)).toBe(VerdictKind.allowlisted);
    expect(judge('watched.example', THERE)).toBe(VerdictKind.shadow);
    expect(judge('fine.example', HERE)).toBe(VerdictKind.allowlisted);
    expect(policy.match.exception).toBeUndefined();
    expect(judge('other.example', HERE)).toBe(VerdictKind.allowed);
  });

  it('makes the verdict one that is not for everyone, for others too', () => {
    const isForEveryone = (name: string, client: Uint8Array): boolean => {
      judge(name, client);
      return policy.isForEveryone;
    };
    expect(isForEveryone('bad.example', THERE)).toBe(false);
    expect(isForEveryone('other.example', HERE)).toBe(true);
  });

  it('is explained: which decides, and which is for others, over, or not needed', () => {
    const outcomes = (name: string, client: Uint8Array | undefined, nowSeconds = 1000) => {
      const explanation = explain(policy, wireName(name), 0, nowSeconds, client)!;
      return [explanation.verdict, ...explanation.exceptions.map(({ id, outcome }) => `${id} ${outcome}`)];
    };
    expect(outcomes('www.bad.example', HERE)).toEqual(['allowlisted', 'x7 decides', 'x11 otherClient']);
    expect(explain(policy, wireName('bad.example'), 0, 1000, HERE)!.decidedBy).toBeUndefined();
    expect(outcomes('bad.example', undefined)).toEqual(['blocked', 'x7 otherClient', 'x11 otherClient']);
    expect(outcomes('bad.example', HERE, END)).toEqual(['blocked', 'x7 expired', 'x11 expired']);
    expect(outcomes('fine.example', HERE)).toEqual(['allowlisted', 'x10 unneeded']);
  });
});
