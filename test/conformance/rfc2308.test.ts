/** RFC 2308, Negative Caching of DNS Queries: what is read of an upstream's response, and what clients get of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { soaRecord } from '../../src/dns/negative-answer.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { freezeClock, ResolverHarness, type Sections } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../support/scripted-answers.ts';
import { concat, header, question, QNAME_POINTER, record, soaRdata, wireName } from '../support/wire.ts';

function negative(soa: Uint8Array, rcode = 3, answers: Uint8Array[] = []): Uint8Array {
  const counts = { questions: 1, answers: answers.length, authorities: 1 };
  return concat(header(1, 0x8180 | rcode, counts), question('www.an.example'), ...answers, soa);
}

describe('RFC 2308', () => {
  it('2.1 a name error is told by the rcode, whatever aliases lead to it', () => {
    const alias = record(QNAME_POINTER, 5, 60, wireName('tripp.example'));
    const view = readResponse(negative(record('example', 6, 300, soaRdata(300)), 3, [alias]));
    expect(view).toMatchObject({ kind: 'nxdomain', negativeTtlSeconds: 300 });
  });

  it('2.2 no data is NOERROR without a record of the type asked', () => {
    const view = readResponse(negative(record('example', 6, 300, soaRdata(300)), 0));
    expect(view).toMatchObject({ kind: 'nodata', answerCount: 0, negativeTtlSeconds: 300 });
  });

  it.each([
    [900, 60, 60],
    [60, 900, 60],
    [0x8000_0000, 60, 0],
  ])("5 the TTL is the lower of the SOA's own (%i) and MINIMUM (%i)", (ttl, minimum, expected) => {
    expect(readResponse(negative(record('example', 6, ttl, soaRdata(minimum))))?.negativeTtlSeconds).toBe(expected);
  });

  it('5 an answer without a SOA record has no negative TTL, nor has one of another zone', () => {
    expect(
      readResponse(negative(record('example', 2, 60, wireName('ns.example'))))?.negativeTtlSeconds,
    ).toBeUndefined();
    expect(readResponse(negative(record('other.test', 6, 60, soaRdata(60))))?.negativeTtlSeconds).toBeUndefined();
    expect(readResponse(negative(record('n.example', 6, 60, soaRdata(60))))?.negativeTtlSeconds).toBeUndefined();
  });

  it('3 our own negative answers carry a SOA whose TTL equals its MINIMUM', () => {
    const soa = concat(wireName('an.example'), soaRecord({ ttlSeconds: 30 }));
    expect(readResponse(negative(soa))).toMatchObject({ negativeTtlSeconds: 30, ttlSecondsMin: 30 });
  });
});

describe('RFC 2308, from the cache', () => {
  beforeEach(freezeClock);
  afterEach(() => void vi.useRealTimers());

  const NAME = 'www.an.example';

  function cached(sections: Sections): ResolverHarness {
    const weir = new ResolverHarness();
    weir.ask(NAME);
    weir.upstream.last.answer(sections);
    return weir;
  }

  it.each([
    ['a name error', Rcode.NXDOMAIN],
    ['no data', Rcode.NOERROR],
  ])(
    '6 %s has the cached SOA "with the TTL decremented by the amount of time it was stored in the cache"',
    (_, rcode) => {
      const weir = cached({ rcode, authorities: [soaOf('an.example', 60)] });
      weir.advance(25_000);
      const { wasLate, decoded } = weir.ask(NAME);
      expect(wasLate).toBe(false);
      expect(decoded).toMatchObject({
        rcode,
        answers: [],
        authorities: [{ name: 'an.example', type: 6, ttlSeconds: 35 }],
      });
    },
  );

  it('5 a negative answer is asked for anew when its time is over, and only then', () => {
    const weir = cached({ rcode: Rcode.NXDOMAIN, authorities: [soaOf('an.example', 60)] });
    weir.advance(59_999);
    expect(weir.ask(NAME).wasLate).toBe(false);
    weir.advance(1);
    expect(weir.ask(NAME).wasLate).toBe(true);
  });

  it('5 negative responses without a SOA are passed on and not kept', () => {
    for (const sections of [{ rcode: Rcode.NXDOMAIN }, { rcode: Rcode.NOERROR }])
      expect(cached(sections).ask(NAME).wasLate).toBe(true);
  });

  it('2.2 no data is of one type: another one is asked for', () => {
    const weir = cached({ authorities: [soaOf('an.example', 60)] });
    expect(weir.ask(NAME, { type: 28 }).wasLate).toBe(true);
    weir.upstream.last.answer({ answers: [] });
    expect(weir.ask(NAME).decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [] });
  });

  it('2.1 a name error at the end of an alias keeps the alias, and the rcode of what it leads to', () => {
    const weir = cached({
      rcode: Rcode.NXDOMAIN,
      answers: [cnameRecord(NAME, 'tripp.example')],
      authorities: [soaOf('example', 60)],
    });
    expect(weir.ask(NAME).decoded).toMatchObject({ rcode: Rcode.NXDOMAIN, answers: [{ type: 5 }] });
  });

  it('7.1 a server failure MUST NOT be cached "for longer than five (5) minutes": ours is for a second', () => {
    const weir = cached({ rcode: Rcode.SERVFAIL });
    expect(weir.ask(NAME)).toMatchObject({ wasLate: false, decoded: { rcode: Rcode.SERVFAIL } });
    weir.advance(1_000);
    expect(weir.ask(NAME).wasLate).toBe(true);
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    expect(weir.ask(NAME).decoded.answers).toHaveLength(1);
  });

  it('8 a negative answer is of one class and type, and of no name above or below', () => {
    const weir = cached({ rcode: Rcode.NXDOMAIN, authorities: [soaOf('an.example', 60)] });
    for (const name of ['an.example', 'a.www.an.example']) expect(weir.ask(name).wasLate).toBe(true);
    expect(weir.ask(NAME, { recordClass: 3 }).decoded.rcode).toBe(Rcode.REFUSED);
  });

  it('2.2 a negative answer of the upstream has no AA when we pass it on', () => {
    const weir = cached({ rcode: Rcode.NXDOMAIN, flags: HeaderFlag.AA, authorities: [soaOf('an.example', 60)] });
    expect(weir.ask(NAME).decoded.flags & HeaderFlag.AA).toBe(0);
  });
});
