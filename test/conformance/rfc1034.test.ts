/** RFC 1034, Domain Names - Concepts and Facilities: what a resolver that others ask does with their queries. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { freezeClock, ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../support/scripted-answers.ts';

beforeEach(freezeClock);
afterEach(() => void vi.useRealTimers());

const NAME = 'www.example';

describe('RFC 1034', () => {
  it('4.3.1 recursion is offered in every response (RA), and done only where it is asked for (RD)', () => {
    const weir = new ResolverHarness();
    const plain = weir.ask(NAME, { recursionDesired: false });
    expect(plain.decoded).toMatchObject({ rcode: Rcode.REFUSED, answers: [] });
    expect(plain.decoded.flags & (HeaderFlag.RA | HeaderFlag.RD)).toBe(HeaderFlag.RA);
    expect(weir.upstream.asks).toEqual([]);
    const wished = weir.ask(NAME);
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    expect(wished.decoded.flags & (HeaderFlag.RA | HeaderFlag.RD)).toBe(HeaderFlag.RA | HeaderFlag.RD);
  });

  it('3.6.2 an alias comes before what it stands for, each link of the chain in its place', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME);
    weir.upstream.last.answer({
      answers: [cnameRecord(NAME, 'a.example'), cnameRecord('a.example', 'b.example'), aRecord('b.example')],
    });
    for (const { answers } of [reply.decoded, weir.ask(NAME).decoded]) {
      expect(answers.map(({ name, data }) => [name, data])).toEqual([
        [NAME, 'a.example.'],
        ['a.example', 'b.example.'],
        ['b.example', '192.0.2.7'],
      ]);
    }
  });

  it('3.6.2 a query for the type CNAME is answered with the alias alone', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask(NAME, { type: 5 });
    weir.upstream.last.answer({ answers: [cnameRecord(NAME, 'a.example')] });
    expect(reply.decoded.answers).toMatchObject([{ name: NAME, type: 5, data: 'a.example.' }]);
  });

  it('3.7 the question comes back as it was asked, in answers, errors and blocks', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    for (const [name, fields] of [
      ['listed.example', { type: 28 }],
      ['listed.example', { type: 65_280 }],
      ['x.example', { recursionDesired: false }],
      ['x.example', { type: 252 }],
    ] as const) {
      const type = 'type' in fields ? fields.type : 1;
      expect(weir.ask(name, fields).decoded.questions).toEqual([{ name, type, recordClass: 1 }]);
    }
  });

  it('4.3.4 that a name or its data does not exist is kept too, with the SOA that says for how long', () => {
    for (const rcode of [Rcode.NXDOMAIN, Rcode.NOERROR]) {
      const weir = new ResolverHarness();
      weir.ask(NAME);
      weir.upstream.last.answer({ rcode, authorities: [soaOf('example', 60)] });
      const again = weir.ask(NAME);
      expect(again.wasLate).toBe(false);
      expect(again.decoded).toMatchObject({ rcode, answers: [], authorities: [{ name: 'example', type: 6 }] });
    }
  });

  it('5.3.1 a name is asked for once, however many ask for it meanwhile', () => {
    const weir = new ResolverHarness();
    const replies = Array.from({ length: 20 }, () => weir.ask(NAME));
    expect(weir.upstream.asks).toHaveLength(1);
    weir.upstream.last.answer({ answers: [aRecord(NAME)] });
    for (const { decoded } of replies) expect(decoded.answers).toHaveLength(1);
  });
});
