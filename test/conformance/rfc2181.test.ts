/** RFC 2181, Clarifications to the DNS Specification: record sets, TTLs, truncation, names. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderFlag } from '../../src/dns/iana.ts';
import { nameToText } from '../../src/dns/name.ts';
import { freezeClock, ResolverHarness, type Sections } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../support/scripted-answers.ts';
import { concat, header, hex, question, record, words } from '../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'a.example';

function fetched(weir: ResolverHarness, sections: Sections, fields = {}) {
  const reply = weir.ask(NAME, fields);
  weir.upstream.last.answer(sections);
  return reply;
}

const signature = (covered: number, ttlSeconds: number): Uint8Array =>
  record(NAME, 46, ttlSeconds, concat(words(covered), hex('0802 00000e10 00000000 00000000 0001 00 abcd')));

describe('RFC 2181', () => {
  it('5.2 "In no case may a server send an RRSet with TTLs not all equal": the lowest is taken for all', () => {
    const weir = new ResolverHarness();
    const answers = [300, 60, 299].map((ttlSeconds, index) => aRecord(NAME, `192.0.2.${index}`, ttlSeconds));
    expect(fetched(weir, { answers }).ttls).toEqual([60, 60, 60]);
    weir.advance(10_000);
    expect(weir.ask(NAME).ttls).toEqual([50, 50, 50]);
  });

  it('5.2 record sets of other owners and types keep their own, whatever the case of the owner', () => {
    const weir = new ResolverHarness();
    const answers = [
      cnameRecord(NAME, 'b.example', 500),
      aRecord('B.example', '192.0.2.1', 200),
      aRecord('b.example', '192.0.2.2', 100),
    ];
    const additionals = [aRecord('c.example', '192.0.2.3', 900)];
    const reply = fetched(weir, { answers, additionals });
    expect(reply.ttls).toEqual([500, 100, 100]);
    expect(reply.decoded.additionals[0]?.ttlSeconds).toBe(900);
  });

  it('5.2 a TTL with the top bit set counts as zero there too', () => {
    const reply = fetched(new ResolverHarness(), {
      answers: [aRecord(NAME, '192.0.2.1', 300), aRecord(NAME, '192.0.2.2', 0x8000_0001)],
    });
    expect(reply.ttls).toEqual([0, 0]);
  });

  it('RFC 4034 3 "The TTL value of an RRSIG RR MUST match the TTL value of the RRset it covers"', () => {
    const answers = [
      aRecord(NAME, '192.0.2.1', 300),
      aRecord(NAME, '192.0.2.2', 70),
      signature(1, 300),
      signature(28, 80),
    ];
    expect(fetched(new ResolverHarness(), { answers }, { dnssecOk: true }).ttls).toEqual([70, 70, 70, 80]);
  });

  it('8 "treat TTL values received with the most significant bit set as if the entire value received was zero"', () => {
    const weir = new ResolverHarness();
    expect(fetched(weir, { answers: [aRecord(NAME, '192.0.2.1', 0xffff_ffff)] }).ttls).toEqual([0]);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('8 a TTL has "a maximum value of 2147483647", which our own limit on caching cuts', () => {
    const weir = new ResolverHarness({ config: { cache: { ttlSecondsMax: 604_800 } } });
    expect(fetched(weir, { answers: [aRecord(NAME, '192.0.2.1', 0x7fff_ffff)] }).ttls).toEqual([604_800]);
  });

  it('9 TC is set when a record set does not fit, and no part of it is sent', () => {
    const weir = new ResolverHarness();
    const answers = Array.from({ length: 40 }, (_, index) => aRecord(NAME, `192.0.2.${index}`));
    const reply = fetched(weir, { answers }, { udpPayloadBytes: 0 });
    expect(reply.decoded.flags & HeaderFlag.TC).toBe(HeaderFlag.TC);
    expect(reply.message).toHaveLength(concat(header(1, 0, { questions: 1 }), question(NAME)).length);
  });

  it('9 "When a DNS client receives a reply with TC set, it should ignore that response": what an upstream cut is not kept', () => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, { flags: HeaderFlag.TC, answers: [aRecord(NAME)] });
    expect(reply.decoded).toMatchObject({ answers: [] });
    expect(reply.decoded.flags & HeaderFlag.TC).toBe(HeaderFlag.TC);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('5.4.1 records that the question does not lead to are neither believed nor passed on', () => {
    const weir = new ResolverHarness();
    const reply = fetched(weir, { answers: [aRecord(NAME), aRecord('bank.example', '192.0.2.66')] });
    expect(reply.decoded.answers.map(({ name }) => name)).toEqual([NAME]);
    expect(weir.ask('bank.example').wasLate).toBe(true);
  });

  it('11 "any binary string whatever can be used as the label of any resource record"', () => {
    const weir = new ResolverHarness();
    const label = hex('05 00 ff 2e 5c 20');
    const name = nameToText(concat(label, hex('07 6578616d706c65 00')), 0);
    const reply = weir.ask(name);
    weir.upstream.last.answer({ rcode: 3, authorities: [soaOf('example')] });
    expect(reply.decoded.rcode).toBe(3);
    expect(reply.message?.subarray(12, 18)).toEqual(label);
    expect(Array.from(weir.upstream.last.question.qname.subarray(0, 6))).toEqual([...label]);
  });
});
