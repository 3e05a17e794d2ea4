import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STALE_ANSWER_AFTER_MS, WAITERS_PER_EXCHANGE_MAX } from '../../../src/data-plane/exchanges.ts';
import { ExtendedError } from '../../../src/dns/extended-error.ts';
import { Rcode, RecordType } from '../../../src/dns/iana.ts';
import { TransportRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter } from '../../../src/telemetry/counters.ts';
import { type HarnessOptions, freezeClock, ResolverHarness, type Sections } from '../../support/resolver-harness.ts';
import { aRecord, soaOf } from '../../support/scripted-answers.ts';
import { opt, option, words } from '../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';
const TTL_MS = 100_000;
const OLD: Sections = { answers: [aRecord(NAME, '192.0.2.1', TTL_MS / 1000)] };
const NEW: Sections = { answers: [aRecord(NAME, '192.0.2.2', TTL_MS / 1000)] };
const TIMEOUT = { kind: 'failed', reason: 'timeout' } as const;

/** With the answer to NAME in the cache, just stored. */
function withAnswer(options: HarnessOptions = {}, sections = OLD): ResolverHarness {
  const weir = new ResolverHarness(options);
  weir.ask(NAME);
  weir.upstream.last.answer(sections);
  return weir;
}

const addresses = (reply: ReturnType<ResolverHarness['ask']>) => reply.decoded.answers.map(({ data }) => data);

describe('a stale answer (RFC 8767)', () => {
  it('serves at once whoever there is no room to keep waiting', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    for (let count = 0; count < WAITERS_PER_EXCHANGE_MAX; count++) weir.ask(NAME);
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(false);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
    expect(reply.infoCodes).toEqual([ExtendedError.staleAnswer]);
  });

  it('stands in when the upstream fails, with TTL 30 and EDE 3', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(true);
    weir.upstream.last.end(TIMEOUT);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
    expect(reply.ttls).toEqual([30]);
    expect(reply.infoCodes).toEqual([ExtendedError.staleAnswer]);
    expect(weir.cells[Counter.cacheStaleAnswers]).toBe(1);
  });

  it('stays the name’s own, though the cache gives its room to others while the upstream is awaited', () => {
    const weir = withAnswer({ config: { cache: { bytesMax: 1024 * 1024 } } });
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    const asked = weir.upstream.last;
    for (let index = 0; index < 4_000; index++) {
      // As long as NAME, so that it lies in its block as NAME's answer did.
      const name = `${String(index).padStart(NAME.length - '.example'.length, '0')}.example`;
      weir.ask(name);
      weir.upstream.last.answer({ answers: [aRecord(name, '203.0.113.66', 300)] });
    }
    asked.end(TIMEOUT);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
  });

  it('stays the name’s own, though another that takes several blocks is looked up while the upstream is awaited', () => {
    const weir = new ResolverHarness();
    const tcp = { transport: TransportRow.tcp };
    const other = 'other.example';
    for (const [name, prefix] of [
      [NAME, '192.0.2'],
      [other, '203.0.113'],
    ] as const) {
      weir.ask(name, tcp);
      const answers = Array.from({ length: 20 }, (_, last) => aRecord(name, `${prefix}.${last}`, TTL_MS / 1000));
      weir.upstream.last.answer({ answers });
    }
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME, tcp);
    weir.ask(other, tcp);
    weir.advance(STALE_ANSWER_AFTER_MS);
    expect(addresses(reply)).toEqual(Array.from({ length: 20 }, (_, last) => `192.0.2.${last}`));
  });

  it('does not hide that the name cannot be (YXDOMAIN)', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ rcode: Rcode.YXDOMAIN });
    expect(reply.decoded.rcode).toBe(Rcode.YXDOMAIN);
  });

  it.each([Rcode.SERVFAIL, Rcode.REFUSED, Rcode.FORMERR])('stands in for the upstream’s rcode %i', (rcode) => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ rcode });
    expect(addresses(reply)).toEqual(['192.0.2.1']);
  });

  it('does not stand in for an answer that DNSSEC finds bogus', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    const additionals = [opt(option(15, words(ExtendedError.dnssecBogus)))];
    weir.upstream.last.answer({ rcode: Rcode.SERVFAIL, additionals });
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
  });

  it('gives way to any newer answer, NXDOMAIN included', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({ rcode: Rcode.NXDOMAIN, authorities: [soaOf('example')] });
    expect(reply.decoded.rcode).toBe(Rcode.NXDOMAIN);
    expect(weir.ask(NAME).decoded.rcode).toBe(Rcode.NXDOMAIN);
  });

  it('that is NXDOMAIN says so with EDE 19', () => {
    const weir = withAnswer({}, { rcode: Rcode.NXDOMAIN, authorities: [soaOf('example', 100)] });
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    weir.upstream.last.end(TIMEOUT);
    expect(reply.decoded.rcode).toBe(Rcode.NXDOMAIN);
    expect(reply.infoCodes).toEqual([ExtendedError.staleNxdomainAnswer]);
    expect(reply.ttls).toEqual([30]);
  });

  it('is given to whoever waits 1.8 seconds, and at once to those who ask after that', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const first = weir.ask(NAME);
    weir.advance(1_799);
    const second = weir.ask(NAME);
    expect([first.sent, second.sent]).toEqual([0, 0]);
    weir.advance(1);
    expect([first.sent, second.sent]).toEqual([1, 1]);
    expect(first.infoCodes).toEqual([ExtendedError.staleAnswer]);
    const third = weir.ask(NAME);
    expect(third.wasLate).toBe(false);
    expect(third.infoCodes).toEqual([ExtendedError.staleAnswer]);
    expect(weir.resolver.waiterCount).toBe(0);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.upstream.last.answer(NEW);
    expect([first.sent, second.sent]).toEqual([1, 1]);
    expect(addresses(weir.ask(NAME))).toEqual(['192.0.2.2']);
  });

  it('is given at once for 30 seconds after a failed refresh; then the upstream is asked again', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    weir.ask(NAME);
    weir.upstream.last.end(TIMEOUT);
    weir.advance(29_999);
    const at = weir.ask(NAME);
    expect(at.wasLate).toBe(false);
    expect(at.infoCodes).toEqual([ExtendedError.staleAnswer]);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
    expect(weir.upstream.asks).toHaveLength(3);
  });

  it('is not given beyond staleSecondsMax', () => {
    const weir = withAnswer({ config: { cache: { staleSecondsMax: 50 } } });
    weir.advance(TTL_MS + 49_999);
    const last = weir.ask(NAME);
    weir.upstream.last.end(TIMEOUT);
    expect(addresses(last)).toEqual(['192.0.2.1']);
    weir.advance(1);
    const late = weir.ask(NAME);
    weir.upstream.last.end(TIMEOUT);
    expect(late.decoded.rcode).toBe(Rcode.SERVFAIL);
  });

  it('is not given beyond staleSecondsMax where that passes while the upstream is late', () => {
    const weir = withAnswer({ config: { cache: { staleSecondsMax: 2 } } });
    weir.advance(TTL_MS + 1_000);
    const waiting = weir.ask(NAME);
    weir.advance(1_800);
    expect(waiting.sent).toBe(0);
    expect(weir.ask(NAME).wasLate).toBe(true);
    weir.upstream.last.answer(NEW);
    expect(addresses(waiting)).toEqual(['192.0.2.2']);
  });

  it('is never given where stale answers are turned off, a late prefetch included', () => {
    const weir = withAnswer({ config: { cache: { staleSecondsMax: 0 } } });
    weir.advance(TTL_MS - 1_000);
    for (let hit = 0; hit < 3; hit++) weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.advance(1_000);
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(true);
    weir.advance(1_000);
    expect(reply.sent).toBe(0);
    expect(weir.ask(NAME).wasLate).toBe(true);
    weir.upstream.last.end(TIMEOUT);
    expect(reply.decoded.rcode).toBe(Rcode.SERVFAIL);
  });

  it('is the asked name’s own, whatever else the cache has found meanwhile', () => {
    const other = 'other.example';
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME);
    weir.ask(other);
    weir.upstream.last.answer({ answers: [aRecord(other, '192.0.2.9', 600)] });
    expect(addresses(weir.ask(other))).toEqual(['192.0.2.9']);
    // Long enough for the upstream to be late.
    weir.advance(2_000);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
  });

  it('carries no EDE to clients without EDNS', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS);
    const reply = weir.ask(NAME, { udpPayloadBytes: 0 });
    weir.upstream.last.end(TIMEOUT);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
    expect(reply.decoded.edns).toBeUndefined();
  });
});

describe('prefetch', () => {
  const nearEnd = TTL_MS - TTL_MS / 10;

  it('asks for an answer anew in the last tenth of its life, at the third hit', () => {
    const weir = withAnswer();
    weir.advance(nearEnd);
    weir.ask(NAME);
    weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(1);
    expect(addresses(weir.ask(NAME))).toEqual(['192.0.2.1']);
    expect(weir.upstream.asks).toHaveLength(2);
    expect(weir.cells[Counter.cachePrefetches]).toBe(1);
    expect(weir.upstream.last.question).toEqual(weir.upstream.asks[0]?.question);
    weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.upstream.last.answer(NEW);
    expect(weir.ask(NAME).ttls).toEqual([TTL_MS / 1000]);
    expect(addresses(weir.ask(NAME))).toEqual(['192.0.2.2']);
  });

  it('that is late when its answer has expired serves the name’s own, whatever else the cache has found meanwhile', () => {
    const other = 'other.example';
    const weir = withAnswer();
    weir.ask(other);
    weir.upstream.last.answer({ answers: [aRecord(other, '192.0.2.9', 6_000)] });
    weir.advance(TTL_MS - 1_000);
    for (let hit = 0; hit < 3; hit++) weir.ask(NAME);
    weir.advance(1_000);
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(true);
    expect(addresses(weir.ask(other))).toEqual(['192.0.2.9']);
    weir.advance(1_000);
    expect(addresses(reply)).toEqual(['192.0.2.1']);
  });

  it('does not happen before the last tenth', () => {
    const weir = withAnswer();
    weir.advance(nearEnd - 1);
    for (let hit = 0; hit < 10; hit++) weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(1);
  });

  it('can be turned off', () => {
    const weir = withAnswer({ config: { cache: { prefetch: false } } });
    weir.advance(nearEnd);
    for (let hit = 0; hit < 10; hit++) weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(1);
  });

  it('that fails leaves the answer in place and is not tried again for 30 seconds', () => {
    const weir = withAnswer({}, { answers: [aRecord(NAME, '192.0.2.1', 1_000)] });
    weir.advance(900_000);
    for (let hit = 0; hit < 3; hit++) weir.ask(NAME);
    weir.upstream.last.end(TIMEOUT);
    weir.advance(29_999);
    expect(addresses(weir.ask(NAME))).toEqual(['192.0.2.1']);
    expect(weir.ask(NAME).infoCodes).toEqual([]);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.advance(1);
    weir.ask(NAME);
    expect(weir.upstream.asks).toHaveLength(3);
  });

  it('is joined by those who ask after the answer has expired', () => {
    const weir = withAnswer();
    weir.advance(TTL_MS - 500);
    for (let hit = 0; hit < 3; hit++) weir.ask(NAME);
    weir.advance(500);
    const reply = weir.ask(NAME);
    expect(reply.wasLate).toBe(true);
    expect(weir.upstream.asks).toHaveLength(2);
    weir.upstream.last.answer(NEW);
    expect(addresses(reply)).toEqual(['192.0.2.2']);
  });

  it.each([Rcode.SERVFAIL, Rcode.FORMERR, Rcode.REFUSED])('does not renew a failure (rcode %i)', (rcode) => {
    const weir = withAnswer({}, { rcode });
    weir.advance(950);
    for (let hit = 0; hit < 5; hit++) expect(weir.ask(NAME).decoded.rcode).toBe(rcode);
    expect(weir.upstream.asks).toHaveLength(1);
  });

  it('renews NXDOMAIN too', () => {
    const weir = withAnswer({}, { rcode: Rcode.NXDOMAIN, authorities: [soaOf('example', 100)] });
    weir.advance(nearEnd);
    for (let hit = 0; hit < 3; hit++) weir.ask(NAME);
    expect(weir.upstream.last.question.qtype).toBe(RecordType.A);
    expect(weir.upstream.asks).toHaveLength(2);
  });
});
