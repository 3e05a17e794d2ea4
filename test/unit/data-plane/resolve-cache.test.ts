import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WAITERS_MAX } from '../../../src/data-plane/exchanges.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, responseCounter } from '../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness } from '../../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../../support/scripted-answers.ts';
import { encodeOption } from '../../../src/dns/edns.ts';
import { long, opt, option, record, soaRdata, words } from '../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';

/** Asks once, lets the upstream answer, and returns what the client got. */
function fetched(
  weir: ResolverHarness,
  name: string,
  ...[sections]: Parameters<ResolverHarness['upstream']['last']['answer']>
) {
  const reply = weir.ask(name);
  weir.upstream.last.answer(sections);
  return reply;
}

describe('an answer from upstream', () => {
  it('that was under way when the cache got another size is remembered in the new one', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME);
    weir.resolver.configure({ ...weir.config, cache: { ...weir.config.cache, bytesMax: 2 * 1024 * 1024 } });
    const joined = weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(1);
    weir.upstream.last.answer({ answers: [aRecord(NAME, '192.0.2.1', 100)] });
    expect(joined.decoded.answers).toHaveLength(1);
    expect(weir.ask(NAME).wasLate).toBe(false);
  });

  it('is not asked for where nobody may wait for it any more', () => {
    const weir = new ResolverHarness();
    for (let index = 0; index < WAITERS_MAX; index++) weir.ask(`n${index % 10}.example`);
    expect(weir.upstream.asks).toHaveLength(10);
    const reply = weir.ask(NAME);
    expect([reply.wasLate, reply.decoded.rcode]).toEqual([false, Rcode.SERVFAIL]);
    expect(weir.upstream.asks).toHaveLength(10);
  });

  it('is given to who asked, with their id and letter case, and remembered', () => {
    const weir = new ResolverHarness();
    const first = weir.ask('WwW.eXample');
    expect(first.wasLate).toBe(true);
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    expect(first.sent).toBe(1);
    expect(first.decoded.questions[0]?.name).toBe('WwW.eXample');
    expect(first.decoded.answers).toMatchObject([{ type: RecordType.A, data: '192.0.2.7', ttlSeconds: 300 }]);
    const second = weir.ask('www.EXAMPLE');
    expect(second.wasLate).toBe(false);
    expect(second.decoded.questions[0]?.name).toBe('www.EXAMPLE');
    expect(second.decoded.answers).toHaveLength(1);
    expect(weir.upstream.asks).toHaveLength(1);
    expect(weir.cells[Counter.cacheHits]).toBe(1);
    expect(weir.cells[Counter.cacheMisses]).toBe(1);
  });

  it('counts its TTLs down by whole seconds and is asked for again when the lowest is over', () => {
    const weir = new ResolverHarness();
    fetched(weir, NAME, { answers: [cnameRecord(NAME, 'a.example', 100), aRecord('a.example', '192.0.2.1', 40)] });
    weir.advance(1_999);
    expect(weir.ask(NAME).ttls).toEqual([99, 39]);
    weir.advance(38_000);
    expect(weir.ask(NAME).ttls).toEqual([61, 1]);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
    expect(weir.upstream.asks).toHaveLength(2);
  });

  it('has its TTLs cut to the configured maximum and raised to the minimum', () => {
    const weir = new ResolverHarness({ config: { cache: { ttlSecondsMax: 60, ttlSecondsMin: 5 } } });
    const reply = fetched(weir, NAME, {
      answers: [cnameRecord(NAME, 'a.example', 100_000), aRecord('a.example', '192.0.2.2', 0)],
    });
    expect(reply.ttls).toEqual([60, 5]);
    weir.advance(4_999);
    expect(weir.ask(NAME).ttls).toEqual([56, 1]);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('with a TTL whose top bit is set counts as TTL 0 (RFC 2181 8)', () => {
    const weir = new ResolverHarness();
    expect(fetched(weir, NAME, { answers: [aRecord(NAME, '192.0.2.1', 0x8000_0001)] }).ttls).toEqual([0]);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('with TTL 0 is passed on and not remembered (RFC 1035 3.2.1)', () => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, NAME, { answers: [aRecord(NAME, '192.0.2.1', 0)] });
    expect(reply.ttls).toEqual([0]);
    expect(reply.infoCodes).toEqual([]);
    expect(weir.resolver.cache.entryCount).toBe(0);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('that a fresher one with TTL 0 replaced is not served stale afterwards', () => {
    const weir = new ResolverHarness();
    fetched(weir, NAME, { answers: [aRecord(NAME, '192.0.2.1', 10)] });
    weir.advance(10_000);
    fetched(weir, NAME, { answers: [aRecord(NAME, '192.0.2.2', 0)] });
    const reply = weir.ask(NAME);
    weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
  });

  it('is kept apart by type, DO and CD', () => {
    const weir = new ResolverHarness();
    fetched(weir, NAME, { answers: [aRecord(NAME)] });
    const variants = [{ type: RecordType.AAAA }, { dnssecOk: true }, { checkingDisabled: true }] as const;
    for (const [index, fields] of variants.entries()) {
      expect(weir.ask(NAME, fields).wasLate).toBe(true);
      expect(weir.upstream.asks).toHaveLength(index + 2);
    }
    expect(
      weir.upstream.asks.map(({ question }) => [question.qtype, question.dnssecOk, question.checkingDisabled]),
    ).toEqual([
      [1, false, false],
      [28, false, false],
      [1, true, false],
      [1, false, true],
    ]);
  });

  it('that cannot be understood is SERVFAIL with EDE 24', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.end({ kind: 'answer', message: Uint8Array.of(1, 2, 3) });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(reply.infoCodes).toEqual([ExtendedError.invalidData]);
  });

  it('with an rcode of the next hop only (BADVERS) is SERVFAIL, never an empty NOERROR', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME, { udpPayloadBytes: 0 });
    weir.upstream.last.answer({ additionals: [opt(new Uint8Array(0), 0x0100_0000)] });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
  });

  it('passes an extended error of the upstream on, without its text, to clients with EDNS', () => {
    const weir = new ResolverHarness();
    const sections = {
      rcode: Rcode.SERVFAIL,
      additionals: [opt(option(15, words(ExtendedError.dnssecBogus, 0x6868)))],
    };
    const reply = fetched(weir, NAME, sections);
    expect(reply.decoded.edns?.extendedErrors).toEqual([{ infoCode: ExtendedError.dnssecBogus, text: '' }]);
    const plain = weir.ask(NAME, { udpPayloadBytes: 0 });
    expect(plain.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(plain.decoded.edns).toBeUndefined();
  });

  it('never passes options of the upstream on', () => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, NAME, {
      answers: [aRecord(NAME)],
      additionals: [opt(Uint8Array.from(encodeOption(10, new Uint8Array(16))))],
    });
    expect(reply.decoded.edns?.options).toEqual([]);
  });
});

const isSet = (flags: number) => (flags & HeaderFlag.AD) !== 0;

describe('AD', () => {
  const authenticated = { flags: HeaderFlag.AD, answers: [aRecord(NAME)] };

  it('goes to clients that set DO or AD, and to no other (RFC 6840 5.8)', () => {
    const weir = new ResolverHarness();
    expect(isSet(fetched(weir, NAME, authenticated).decoded.flags)).toBe(false);
    expect(isSet(weir.ask(NAME, { authenticData: true }).decoded.flags)).toBe(true);
    const withDo = weir.ask(NAME, { dnssecOk: true });
    weir.upstream.last.answer(authenticated);
    expect(isSet(withDo.decoded.flags)).toBe(true);
    expect(withDo.decoded.edns?.dnssecOk).toBe(true);
  });

  it('is never made up', () => {
    const weir = new ResolverHarness();
    fetched(weir, NAME, { answers: [aRecord(NAME)] });
    expect(isSet(weir.ask(NAME, { authenticData: true }).decoded.flags)).toBe(false);
  });
});

const soa = (ttlSeconds: number, minimumSeconds: number) =>
  record('example', RecordType.SOA, ttlSeconds, soaRdata(minimumSeconds));

describe('a negative answer (RFC 2308)', () => {
  it.each([
    ['NXDOMAIN', Rcode.NXDOMAIN, 'the TTL of the SOA', 30, 600],
    ['NXDOMAIN', Rcode.NXDOMAIN, 'its MINIMUM', 600, 30],
    ['NODATA', Rcode.NOERROR, 'the TTL of the SOA', 30, 600],
    ['NODATA', Rcode.NOERROR, 'its MINIMUM', 600, 30],
  ])('%s (rcode %i) lives as long as %s (%i, %i), and says so', (_, rcode, _why, ttlSeconds, minimumSeconds) => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, NAME, { rcode, authorities: [soa(ttlSeconds, minimumSeconds)] });
    expect(reply.decoded.rcode).toBe(rcode);
    expect(reply.ttls).toEqual([30]);
    weir.advance(29_999);
    expect(weir.ask(NAME).ttls).toEqual([1]);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('lives no longer than negativeTtlSecondsMax, nor does a client keep it longer', () => {
    const weir = new ResolverHarness({ config: { cache: { negativeTtlSecondsMax: 20 } } });
    expect(fetched(weir, NAME, { rcode: Rcode.NXDOMAIN, authorities: [soa(3600, 3600)] }).ttls).toEqual([20]);
    weir.advance(19_999);
    expect(weir.ask(NAME).wasLate).toBe(false);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it.each([
    ['without a SOA', []],
    ['with the SOA of an unrelated zone', [soaOf('other.example')]],
  ])('%s is passed on and not remembered', (_, authorities) => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, NAME, { rcode: Rcode.NXDOMAIN, authorities });
    expect(reply.decoded.rcode).toBe(Rcode.NXDOMAIN);
    expect(weir.resolver.cache.entryCount).toBe(0);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('at the end of a chain takes the SOA of the zone where the chain ends', () => {
    const weir = new ResolverHarness();
    const answers = [cnameRecord(NAME, 'x.cdn.test-zone', 500)];
    fetched(weir, NAME, { rcode: Rcode.NXDOMAIN, answers, authorities: [soaOf('cdn.test-zone', 60)] });
    weir.advance(59_000);
    expect(weir.ask(NAME).decoded.answers).toHaveLength(1);
    weir.advance(1_000);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });
});

describe('a failure (RFC 9520)', () => {
  it.each([
    ['timeout', ExtendedError.noReachableAuthority],
    ['refused', ExtendedError.noReachableAuthority],
    ['network', ExtendedError.networkError],
    ['malformed', ExtendedError.invalidData],
  ] as const)('by %s is SERVFAIL with EDE %i, and is remembered for one second', (reason, infoCode) => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.end({ kind: 'failed', reason });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(reply.infoCodes).toEqual([infoCode]);
    weir.advance(999);
    const again = weir.ask(NAME);
    expect(again.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(again.infoCodes).toEqual([infoCode]);
    expect(weir.upstream.asks).toHaveLength(1);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it.each(['overload', 'closed'] as const)('of our own (%s) is SERVFAIL and not remembered', (reason) => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.end({ kind: 'failed', reason });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
    expect(reply.infoCodes).toEqual([ExtendedError.networkError]);
    expect(weir.resolver.cache.entryCount).toBe(0);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it.each([
    ['SERVFAIL', Rcode.SERVFAIL],
    ['REFUSED', Rcode.REFUSED],
  ])('that the upstream states (%s) is passed on and remembered for one second', (_, rcode) => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, NAME, {
      rcode,
      authorities: [record('.', RecordType.NS, 900, long(0).subarray(0, 1))],
    });
    expect(reply.decoded.rcode).toBe(rcode);
    expect(weir.cells[responseCounter(rcode, VerdictRow.error)]).toBe(1);
    weir.advance(999);
    expect(weir.ask(NAME).decoded.rcode).toBe(rcode);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });
});
