/** RFC 3597, Handling of Unknown DNS Resource Record (RR) Types. */
import { describe, expect, it } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { typeName, typeNumber } from '../../src/dns/iana.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, question, QNAME_POINTER, record } from '../support/wire.ts';
import { stripResponse } from '../support/strip-response.ts';

describe('RFC 3597', () => {
  it('3 RDATA of an unknown type is opaque: kept octet by octet, also where the message is written anew', () => {
    const opaque = record(QNAME_POINTER, 65_280, 60, hex('c00c 3f ff 00'));
    const stray = record('stray.example', 1, 60, hex('c0000201'));
    const message = concat(
      header(1, 0x8180, { questions: 1, answers: 2, additionals: 1 }),
      question('a.example', 65_280),
      stray,
      opaque,
      opt(),
    );
    const view = readResponse(message);
    expect(view).toMatchObject({ answerCount: 1, droppedCount: 1 });
    if (view === undefined) return;
    expect(stripResponse(message, view)).toEqual(
      concat(
        header(1, 0x8180, { questions: 1, answers: 1 }),
        question('a.example', 65_280),
        record('a.example', 65_280, 60, hex('c00c 3f ff 00')),
      ),
    );
  });

  it('5 "the word TYPE immediately followed by the decimal RR type number"', () => {
    expect(typeName(65_280)).toBe('TYPE65280');
    expect(typeNumber('TYPE65280')).toBe(65_280);
    expect(typeNumber('TYPE1')).toBe(1);
  });

  it.each([258, 999, 65_280, 65_534])(
    '3 a query for type %i is asked of the upstream, and its answer passed on as it came',
    (type) => {
      const weir = new ResolverHarness();
      const rdata = hex('0102 c00c ff');
      const first = weir.ask('a.example', { type });
      expect(weir.upstream.last.question.qtype).toBe(type);
      weir.upstream.last.answer({ answers: [record(QNAME_POINTER, type, 60, rdata)] });
      // The second one comes from the cache, its question in other letters.
      for (const { decoded } of [first, weir.ask('A.Example', { type })]) {
        expect(decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [{ type, data: String.raw`\# 5 0102c00cff` }] });
      }
      expect(weir.upstream.asks).toHaveLength(1);
    },
  );

  it('3 an unknown type without RDATA, and known ones beside it, keep their places', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example', { type: 65_281 });
    const answers = [record(QNAME_POINTER, 65_281, 60, hex('')), record(QNAME_POINTER, 65_281, 60, hex('01'))];
    const additionals = [record('b.example', 1, 60, hex('c0000201')), record('b.example', 65_282, 60, hex('02'))];
    weir.upstream.last.answer({ answers, additionals });
    expect(reply.decoded.answers.map(({ type, data }) => [type, data])).toEqual([
      [65_281, String.raw`\# 0`],
      [65_281, String.raw`\# 1 01`],
    ]);
    expect(reply.decoded.additionals.map(({ type }) => type)).toEqual([1, 65_282]);
  });

  it('3 an unknown type of a listed name is blocked like every other', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    expect(weir.ask('listed.example', { type: 65_280 }).decoded).toMatchObject({
      answers: [],
      authorities: [{ type: 6 }],
    });
    expect(weir.upstream.asks).toEqual([]);
  });

  it('5 a class that nobody here serves is refused with its question as it came', () => {
    const weir = new ResolverHarness();
    for (const recordClass of [2, 4, 32, 65_280]) {
      const { rcode, questions } = weir.ask('a.example', { recordClass }).decoded;
      expect([rcode, questions]).toEqual([Rcode.REFUSED, [{ name: 'a.example', type: 1, recordClass }]]);
    }
  });
});
