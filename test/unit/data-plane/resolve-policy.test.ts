import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wallClockMs } from '../../../src/clock.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { Rcode, RecordType } from '../../../src/dns/iana.ts';
import { ACTIONS } from '../../../src/policy/actions.ts';
import { CATEGORIES } from '../../../src/policy/category.ts';
import { DropRow, VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { blockedCounter, Counter, dropCounter, responseCounter } from '../../../src/telemetry/counters.ts';
import type { TestEntry } from '../../support/publish-policy.ts';
import { freezeClock, ResolverHarness, type Sections, type TestReply } from '../../support/resolver-harness.ts';
import { aRecord, cnameRecord, dnameRecord, httpsRecord } from '../../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const BLOCK: readonly TestEntry[] = [{ name: NAME }];
const ANSWER = { answers: [aRecord(NAME, '192.0.2.1', 100)] };
const SINKHOLE = ['127.0.0.1'];

const addresses = (reply: TestReply) => reply.decoded.answers.map(({ data }) => data);
const isBlocked = (reply: TestReply) => reply.infoCodes.includes(ExtendedError.censored);
const seconds = () => Math.floor(wallClockMs() / 1000);

function withAnswer(entries: readonly TestEntry[] = [], sections: Sections = ANSWER): ResolverHarness {
  const weir = new ResolverHarness({ entries });
  weir.ask(NAME);
  weir.upstream.last.answer(sections);
  return weir;
}

describe('policy is asked before the cache', () => {
  it('a name listed a second ago is blocked though it is cached; withdrawn, it is answered from the cache', () => {
    const weir = withAnswer();
    weir.publish(BLOCK);
    expect(addresses(weir.ask(NAME))).toEqual(SINKHOLE);
    expect(weir.cells[blockedCounter(0, CATEGORIES.indexOf('fraud'), ACTIONS.indexOf('sinkhole'))]).toBe(1);
    weir.publish([]);
    expect(addresses(weir.ask(NAME))).toEqual(['192.0.2.1']);
    expect(weir.upstream.asks).toHaveLength(1);
  });

  it('a blocked name never reaches the upstream', () => {
    const weir = new ResolverHarness({ entries: BLOCK });
    for (const type of [1, 28, 65, 255, 43, 12_345]) {
      expect(isBlocked(weir.ask(NAME, { type, checkingDisabled: true, dnssecOk: true }))).toBe(true);
    }
    expect(weir.upstream.asks).toHaveLength(0);
  });

  it('a blocked name is blocked with RD=0 too', () => {
    const weir = new ResolverHarness({ entries: BLOCK });
    expect(isBlocked(weir.ask(NAME, { recursionDesired: false }))).toBe(true);
  });
});

describe('an answer in flight when the lists change is judged again', () => {
  it('and blocked where its name has been listed', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.publish(BLOCK);
    weir.upstream.last.answer(ANSWER);
    expect(addresses(reply)).toEqual(SINKHOLE);
    expect(weir.cells[responseCounter(Rcode.NOERROR, VerdictRow.blocked)]).toBe(1);
  });

  it('and dropped where the action says so', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.publish([{ name: NAME, action: 'drop' }]);
    weir.upstream.last.answer(ANSWER);
    expect([reply.sent, reply.abandoned]).toEqual([0, 1]);
    expect(weir.cells[dropCounter(DropRow.policyDrop)]).toBe(1);
  });

  it('when it is stale', () => {
    const weir = withAnswer();
    weir.advance(100_000);
    const failing = weir.ask(NAME);
    weir.publish(BLOCK);
    weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
    expect(addresses(failing)).toEqual(SINKHOLE);
    expect(weir.cells[Counter.cacheStaleAnswers]).toBe(0);
  });

  it('when it is stale and late', () => {
    const weir = withAnswer();
    weir.advance(100_000);
    const late = weir.ask(NAME);
    weir.publish(BLOCK);
    weir.advance(1_800);
    expect(addresses(late)).toEqual(SINKHOLE);
  });

  it('when it was prefetched and leads to a name that has been listed', () => {
    const chain = { answers: [cnameRecord(NAME, 'a.cdn.example', 100), aRecord('a.cdn.example', '192.0.2.1', 100)] };
    const weir = withAnswer([], chain);
    weir.advance(95_000);
    for (let hit = 0; hit < 3; hit++) expect(isBlocked(weir.ask(NAME))).toBe(false);
    weir.publish([{ name: 'b.cdn.example' }]);
    weir.upstream.last.answer({
      answers: [cnameRecord(NAME, 'b.cdn.example', 100), aRecord('b.cdn.example', '192.0.2.1', 100)],
    });
    expect(isBlocked(weir.ask(NAME))).toBe(true);
  });
});

describe.each([
  ['CNAME', 1, [cnameRecord(NAME, 'bad.example.net'), aRecord('bad.example.net')]],
  [
    'CNAME in the middle',
    1,
    [cnameRecord(NAME, 'x.bad.example.net'), cnameRecord('x.bad.example.net', 'y.example'), aRecord('y.example')],
  ],
  [
    'DNAME',
    1,
    [
      dnameRecord('example', 'bad.example.net'),
      cnameRecord(NAME, 'www.bad.example.net'),
      aRecord('www.bad.example.net'),
    ],
  ],
  ['HTTPS alias', 65, [httpsRecord(NAME, 0, 'bad.example.net')]],
  ['SVCB service', 64, [httpsRecord(NAME, 1, 'bad.example.net', RecordType.SVCB)]],
] as const)('a chain by %s to a listed name', (_, type, answers) => {
  const listed: readonly TestEntry[] = [{ name: 'bad.example.net' }];

  it('is blocked when it comes and when it is cached, with nothing of the answer', () => {
    const weir = new ResolverHarness({ entries: listed });
    const first = weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    for (const reply of [first, weir.ask(NAME, { type })]) {
      expect(isBlocked(reply)).toBe(true);
      expect(addresses(reply)).toEqual(type === 1 ? SINKHOLE : []);
      expect(reply.decoded.rcode).toBe(Rcode.NOERROR);
    }
    expect(weir.cells[responseCounter(Rcode.NOERROR, VerdictRow.blocked)]).toBe(2);
    expect(weir.upstream.asks).toHaveLength(1);
  });

  it('found clean before is judged again when the lists change, both ways', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    expect(isBlocked(weir.ask(NAME, { type }))).toBe(false);
    weir.publish(listed);
    expect(isBlocked(weir.ask(NAME, { type }))).toBe(true);
    weir.publish([]);
    expect(isBlocked(weir.ask(NAME, { type }))).toBe(false);
  });

  it('passes where the asked name is allowed', () => {
    const weir = new ResolverHarness({ entries: [...listed, { name: NAME, kind: 'allow' }] });
    const reply = weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    expect(isBlocked(reply)).toBe(false);
    expect(weir.cells[responseCounter(Rcode.NOERROR, VerdictRow.allowlisted)]).toBe(1);
  });

  it('passes and is counted where the list is only watched', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'bad.example.net', mode: 'shadow' }] });
    const reply = weir.ask(NAME, { type });
    weir.upstream.last.answer({ answers });
    weir.ask(NAME, { type });
    expect(isBlocked(reply)).toBe(false);
    expect(weir.cells[responseCounter(Rcode.NOERROR, VerdictRow.shadow)]).toBe(2);
  });
});

describe('a chain', () => {
  const answers = [
    cnameRecord(NAME, 'a.bad.example.net'),
    cnameRecord('a.bad.example.net', 'b.bad.example.net'),
    aRecord('b.bad.example.net', '192.0.2.1', 900),
  ];

  it('through an allowed name to a listed one is blocked: the allow covers that name alone', () => {
    const entries: TestEntry[] = [{ name: 'bad.example.net' }, { name: 'a.bad.example.net', kind: 'allow' }];
    const weir = withAnswer(entries, { answers });
    expect(isBlocked(weir.ask(NAME))).toBe(true);
  });

  it('to a name blocked as nxdomain is NODATA: the names below the question are not listed (RFC 8020)', () => {
    const weir = withAnswer([{ name: 'bad.example.net', action: 'nxdomain' }], { answers });
    expect(weir.ask(NAME).decoded.rcode).toBe(Rcode.NOERROR);
  });

  it('to a name whose allow rule expires is blocked from then on', () => {
    const allow = { name: 'bad.example.net', kind: 'allow', expiresAtSeconds: seconds() + 60 } as const;
    const weir = withAnswer([{ name: 'bad.example.net' }, allow], { answers });
    expect(isBlocked(weir.ask(NAME))).toBe(false);
    weir.advance(61_000);
    expect(isBlocked(weir.ask(NAME))).toBe(true);
  });

  it('to a name whose exception expires is blocked from then on', () => {
    const exception = { name: 'bad.example.net', kind: 'exception', expiresAtSeconds: seconds() + 60 } as const;
    const weir = withAnswer([{ name: 'bad.example.net' }, exception], { answers });
    expect(isBlocked(weir.ask(NAME))).toBe(false);
    weir.advance(61_000);
    expect(isBlocked(weir.ask(NAME))).toBe(true);
  });

  it('to a name whose entry expires passes from then on', () => {
    const weir = withAnswer([{ name: 'bad.example.net', expiresAtSeconds: seconds() + 60 }], { answers });
    expect(isBlocked(weir.ask(NAME))).toBe(true);
    weir.advance(61_000);
    expect(isBlocked(weir.ask(NAME))).toBe(false);
  });
});
