/** RFC 8914, Extended DNS Errors: the option, and which of them a client gets for what. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { freezeClock, ResolverHarness, type Sections } from '../support/resolver-harness.ts';
import { aRecord, soaOf } from '../support/scripted-answers.ts';
import { extendedErrorOption } from '../../src/dns/edns.ts';
import { ExtendedError } from '../../src/dns/extended-error.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, question, QNAME_POINTER, record } from '../support/wire.ts';

describe('RFC 8914', () => {
  it('2 the option is OPTION-CODE 15, OPTION-LENGTH, a 16-bit INFO-CODE and UTF-8 EXTRA-TEXT without a NUL', () => {
    expect(extendedErrorOption(ExtendedError.censored, 'ok')).toEqual(hex('000f 0004 0010 6f6b'));
  });

  it('2 EXTRA-TEXT may have no octets at all', () => {
    expect(extendedErrorOption(ExtendedError.filtered)).toEqual(hex('000f 0002 0011'));
  });

  it('4 the codes have the numbers of the registry', () => {
    expect(ExtendedError).toMatchObject({ staleAnswer: 3, forgedAnswer: 4, blocked: 15, censored: 16, filtered: 17 });
    expect(ExtendedError).toMatchObject({ prohibited: 18, noReachableAuthority: 22, networkError: 23 });
  });

  it('2 several of them may be in one message: the first is the one told', () => {
    const options = concat(extendedErrorOption(22), extendedErrorOption(23));
    const message = concat(header(1, 0x8182, { questions: 1, additionals: 1 }), question('a.example'), opt(options));
    expect(readResponse(message)?.extendedError).toBe(22);
  });
});

describe('RFC 8914, what a client is told', () => {
  beforeEach(freezeClock);
  afterEach(() => void vi.useRealTimers());

  const FAILED = { kind: 'failed', reason: 'timeout' } as const;

  it('2 the option comes in the OPT record of a response, and to a query without one no OPT is sent', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    expect(weir.ask('listed.example').infoCodes).toContain(ExtendedError.forgedAnswer);
    expect(weir.ask('listed.example', { udpPayloadBytes: 0 }).decoded.edns).toBeUndefined();
  });

  it.each([
    ['authority', ExtendedError.censored],
    ['operator', ExtendedError.blocked],
    ['subscriber', ExtendedError.filtered],
  ] as const)('4.16 to 4.18 who orders the block tells its code: %s', (order, infoCode) => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }], policy: { lists: [{ order }] } });
    // 4.5: an address that is not the name's own is a forged answer too; an empty answer is not.
    expect(weir.ask('listed.example').infoCodes).toEqual([ExtendedError.forgedAnswer, infoCode]);
    expect(weir.ask('listed.example', { type: 16 }).infoCodes).toEqual([infoCode]);
  });

  it('2 EXTRA-TEXT is UTF-8 for people, ends by its length and carries no NUL', () => {
    const weir = new ResolverHarness({
      entries: [{ name: 'listed.example' }],
      policy: { lists: [{ name: 'liste-é' }] },
    });
    const [, { text }] = weir.ask('listed.example').decoded.edns!.extendedErrors as [unknown, { text: string }];
    expect(text).toMatch(/^list=liste-é category=fraud incident=[0-9A-Z-]{14}$/);
    expect(text).not.toContain('\u0000');
  });

  it.each([
    ['4.19 a client that is not served', { client: '203.0.113.9' }, ExtendedError.prohibited],
    ['4.21 a query for what we are no authority of', { recursionDesired: false }, ExtendedError.notAuthoritative],
    ['4.22 a zone transfer', { type: 252 }, ExtendedError.notSupported],
    ['4.22 another class', { recordClass: 4 }, ExtendedError.notSupported],
  ])('%s', (_, fields, infoCode) => {
    const reply = new ResolverHarness().ask('a.example', fields);
    expect([reply.decoded.rcode, reply.infoCodes]).toEqual([Rcode.REFUSED, [infoCode]]);
  });

  it.each([
    ['4.23 no upstream answers in time', FAILED, ExtendedError.noReachableAuthority],
    ['4.23 the upstream refuses', { kind: 'failed', reason: 'refused' }, ExtendedError.noReachableAuthority],
    ['4.24 the network fails', { kind: 'failed', reason: 'network' }, ExtendedError.networkError],
    [
      '4.25 the upstream’s answer makes no sense',
      { kind: 'answer', message: new Uint8Array(20) },
      ExtendedError.invalidData,
    ],
  ] as const)('%s', (_, outcome, infoCode) => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example');
    weir.upstream.last.end(outcome);
    expect([reply.decoded.rcode, reply.infoCodes]).toEqual([Rcode.SERVFAIL, [infoCode]]);
    expect(weir.ask('a.example').infoCodes).toEqual([infoCode]);
  });

  it('4.4 and 4.20 stale answers and stale name errors say that they are', () => {
    const weir = new ResolverHarness();
    const stale = (name: string, sections: Sections): number[] => {
      weir.ask(name);
      weir.upstream.last.answer(sections);
      weir.advance(60_000);
      const reply = weir.ask(name);
      weir.upstream.last.end(FAILED);
      return reply.infoCodes;
    };
    expect(stale('a.example', { answers: [aRecord('a.example', '192.0.2.1', 60)] })).toEqual([
      ExtendedError.staleAnswer,
    ]);
    expect(stale('b.example', { rcode: Rcode.NXDOMAIN, authorities: [soaOf('example', 60)] })).toEqual([
      ExtendedError.staleNxdomainAnswer,
    ]);
  });

  it('3 what an upstream says of DNSSEC reaches the client, on the first answer and from the cache; its text does not', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example');
    const bogus = opt(extendedErrorOption(ExtendedError.dnssecBogus, 'a text of the upstream'));
    weir.upstream.last.answer({ rcode: Rcode.SERVFAIL, additionals: [bogus] });
    for (const { decoded } of [reply, weir.ask('a.example')]) {
      expect(decoded.edns?.extendedErrors).toEqual([{ infoCode: ExtendedError.dnssecBogus, text: '' }]);
    }
  });

  it('3 the option does not make a response too long: it is left out, and the answer kept', () => {
    for (const [name, infoCodes] of [
      // 27 octets of header and question, 11 of OPT, 464 of records: 10 left, and 4 with the longer name.
      ['a.example', [ExtendedError.staleAnswer]],
      ['aaaaaaa.example', []],
    ] as const) {
      const weir = new ResolverHarness();
      const answers = Array.from({ length: 29 }, (_, at) => record(QNAME_POINTER, 1, 60, Uint8Array.of(192, 0, 2, at)));
      weir.ask(name, { udpPayloadBytes: 512 });
      weir.upstream.last.answer({ answers });
      weir.advance(60_000);
      const reply = weir.ask(name, { udpPayloadBytes: 512 });
      weir.upstream.last.end(FAILED);
      expect(reply.decoded.answers).toHaveLength(29);
      expect(reply.infoCodes).toEqual(infoCodes);
    }
  });
});
