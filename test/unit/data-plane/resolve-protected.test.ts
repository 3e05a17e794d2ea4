import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { RecordType } from '../../../src/dns/iana.ts';
import { CATEGORIES } from '../../../src/policy/category.ts';
import { VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, responseCounter, shadowCounter } from '../../../src/telemetry/counters.ts';
import type { TestEntry } from '../../support/publish-policy.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../../support/resolver-harness.ts';
import { aRecord, cnameRecord, dnameRecord, httpsRecord } from '../../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.bank.example';
const LISTED = 'cdn.evil.example';
const PROTECT: TestEntry = { name: 'bank.example', kind: 'protect' };
const ENTRIES: readonly TestEntry[] = [{ name: 'evil.example' }, PROTECT];
const CHAIN = { answers: [cnameRecord(NAME, LISTED, 100), aRecord(LISTED, '192.0.2.1', 100)] };
const TIMEOUT = { kind: 'failed', reason: 'timeout' } as const;

const isBlocked = (reply: TestReply) => reply.infoCodes.includes(ExtendedError.censored);
const shadowed = (weir: ResolverHarness, list: number) =>
  weir.cells[shadowCounter(list, CATEGORIES.indexOf('fraud'))] ?? 0;
const responses = (weir: ResolverHarness, verdict: number) => weir.cells[responseCounter(0, verdict)];

function withAnswer(entries: readonly TestEntry[]): ResolverHarness {
  const weir = new ResolverHarness({ entries });
  weir.ask(NAME);
  weir.upstream.last.answer(CHAIN);
  return weir;
}

describe.each([
  ['CNAME', 1, CHAIN.answers],
  [
    'DNAME',
    1,
    [dnameRecord('bank.example', 'evil.example'), cnameRecord(NAME, 'www.evil.example'), aRecord('www.evil.example')],
  ],
  ['HTTPS alias', 65, [httpsRecord(NAME, 0, LISTED)]],
  ['SVCB service', 64, [httpsRecord(NAME, 1, LISTED, RecordType.SVCB)]],
] as const)('a protected name whose answer leads to a listed one by %s', (_, type, answers) => {
  it('is answered when the answer comes and from the cache, and counted as allowed', () => {
    const weir = new ResolverHarness({ entries: ENTRIES });
    const late = weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    for (const reply of [late, weir.ask(NAME, { type })]) {
      expect(isBlocked(reply)).toBe(false);
      expect(reply.decoded.answers).toHaveLength(answers.length);
    }
    expect(responses(weir, VerdictRow.allowed)).toBe(2);
  });

  it('is blocked once it is protected no more, and answered once it is again', () => {
    const weir = new ResolverHarness({ entries: ENTRIES });
    weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    weir.publish([{ name: 'evil.example' }]);
    expect(isBlocked(weir.ask(NAME, { type }))).toBe(true);
    weir.publish(ENTRIES);
    expect(isBlocked(weir.ask(NAME, { type }))).toBe(false);
  });
});

describe('a protected name', () => {
  it('is answered with what is stale, late or after a failure', () => {
    const weir = withAnswer(ENTRIES);
    weir.advance(100_000);
    const late = weir.ask(NAME);
    weir.advance(1_800);
    weir.upstream.last.end(TIMEOUT);
    for (const reply of [late, weir.ask(NAME)]) expect(reply.infoCodes).toEqual([ExtendedError.staleAnswer]);
    expect(weir.cells[Counter.cacheStaleAnswers]).toBe(2);
  });

  it('is blocked by an entry on it, above it or below it that is in force', () => {
    for (const name of [NAME, 'bank.example', 'example']) {
      const weir = new ResolverHarness({ entries: [{ name }, PROTECT] });
      expect(isBlocked(weir.ask(NAME))).toBe(true);
      expect(weir.upstream.asks).toHaveLength(0);
    }
  });

  it('that is listed while its answer is on its way is blocked', () => {
    const weir = new ResolverHarness({ entries: ENTRIES });
    const reply = weir.ask(NAME);
    weir.publish([...ENTRIES, { name: NAME }]);
    weir.upstream.last.answer(CHAIN);
    expect(isBlocked(reply)).toBe(true);
  });

  it('keeps a chain that passes through it from no list: the name asked is another', () => {
    const weir = new ResolverHarness({ entries: ENTRIES });
    const reply = weir.ask('other.example');
    weir.upstream.last.answer({ answers: [cnameRecord('other.example', NAME), ...CHAIN.answers] });
    expect(isBlocked(reply)).toBe(true);
  });

  it('that a list only watches is counted as shadow, whatever its answer leads to', () => {
    const weir = withAnswer([...ENTRIES, { name: NAME, list: 2, mode: 'shadow' }]);
    expect(isBlocked(weir.ask(NAME))).toBe(false);
    expect(responses(weir, VerdictRow.shadow)).toBe(2);
    expect([shadowed(weir, 0), shadowed(weir, 2)]).toEqual([0, 2]);
  });

  it('is not counted for a chain that a list only watches', () => {
    const weir = withAnswer([{ name: 'evil.example', mode: 'shadow' }, PROTECT]);
    expect(shadowed(weir, 0)).toBe(0);
    expect(responses(weir, VerdictRow.allowed)).toBe(1);
  });
});

describe('what a list in shadow mode would have blocked is counted by list, once a query', () => {
  const shadow: readonly TestEntry[] = [{ name: NAME, list: 1, mode: 'shadow' }];

  it('when the answer comes late, from the cache, or fails', () => {
    const weir = withAnswer(shadow);
    weir.ask(NAME);
    weir.ask(NAME, { type: 28 });
    weir.upstream.last.end(TIMEOUT);
    expect([shadowed(weir, 0), shadowed(weir, 1)]).toEqual([0, 3]);
  });

  it('where the name is answered locally, or not at all for want of RD', () => {
    const weir = new ResolverHarness({ entries: [...shadow, { name: 'localhost', list: 2, mode: 'shadow' }] });
    weir.ask('localhost');
    weir.ask(NAME, { recursionDesired: false });
    expect([shadowed(weir, 1), shadowed(weir, 2)]).toEqual([1, 1]);
  });

  it('by the first list that a chain meets, but not where a name further on is blocked', () => {
    const chain = [cnameRecord(NAME, 'a.example'), cnameRecord('a.example', 'b.example'), aRecord('b.example')];
    const entries: TestEntry[] = [
      { name: 'a.example', list: 1, mode: 'shadow' },
      { name: 'b.example', list: 2, mode: 'shadow' },
    ];
    const weir = new ResolverHarness({ entries });
    weir.ask(NAME);
    weir.upstream.last.answer({ answers: chain });
    expect([shadowed(weir, 1), shadowed(weir, 2)]).toEqual([1, 0]);
    weir.publish([...entries, { name: 'b.example' }]);
    expect(isBlocked(weir.ask(NAME))).toBe(true);
    expect([shadowed(weir, 1), shadowed(weir, 2)]).toEqual([1, 0]);
  });

  it('by the list of the name asked where its chain meets another', () => {
    const weir = withAnswer([...shadow, { name: LISTED, mode: 'shadow' }]);
    expect([shadowed(weir, 0), shadowed(weir, 1)]).toEqual([0, 1]);
  });

  it('but not where another list blocks or allows the name', () => {
    for (const kind of ['block', 'allow'] as const) {
      const weir = new ResolverHarness({ entries: [...shadow, { name: NAME, kind }] });
      weir.ask(NAME);
      if (kind === 'allow') weir.upstream.last.answer({ answers: [aRecord(NAME)] });
      expect(shadowed(weir, 1)).toBe(0);
    }
  });
});
