/** RFC 9619, In the DNS, QDCOUNT Is (Usually) One. */
import { describe, expect, it } from 'vitest';
import { Rcode } from '../../src/dns/iana.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { concat, header, opt, question } from '../support/wire.ts';

function faultOf(message: Uint8Array): number {
  return readQuery(new QueryView(), message, 0, message.length);
}

describe('RFC 9619', () => {
  it('4 "A DNS message with OPCODE = 0 and QDCOUNT > 1 MUST be treated as an incorrectly formatted message"', () => {
    const two = concat(header(1, 0, { questions: 2 }), question('a.example'), question('b.example'));
    expect(faultOf(two)).toBe(QueryFault.questionCount);
    expect(faultOf(header(1, 0, { questions: 65_535 }))).toBe(QueryFault.questionCount);
  });

  it('4 a query without a question has nothing to answer, unless it asks for a cookie (RFC 7873 5.4)', () => {
    expect(faultOf(header(1, 0))).toBe(QueryFault.questionCount);
    expect(faultOf(concat(header(1, 0, { additionals: 1 }), opt()))).toBe(QueryFault.questionCount);
  });

  it('4 the rule is for OPCODE 0 only', () => {
    expect(faultOf(header(1, 0x2800, { questions: 2 }))).toBe(QueryFault.none);
  });
});

describe('RFC 9619, the responses', () => {
  it('4 "The value of the RCODE parameter in the response message MUST be set to 1 (FORMERR)", listed or not', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    for (const names of [
      ['a.example', 'b.example'],
      ['listed.example', 'a.example'],
      ['a.example', 'listed.example', 'c.example'],
    ]) {
      const message = concat(
        header(1, 0x0100, { questions: names.length, additionals: 1 }),
        ...names.map((name) => question(name)),
        opt(),
      );
      const { decoded } = weir.send(message);
      expect(decoded).toMatchObject({ rcode: Rcode.FORMERR, questions: [], answers: [] });
    }
    expect(weir.upstream.asks).toEqual([]);
  });

  it('4 a response of an upstream with more than one question is not believed', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example');
    const message = concat(
      header(1, 0x8180, { questions: 2, answers: 1 }),
      question('a.example'),
      question('b.example'),
      aRecord('a.example'),
    );
    weir.upstream.last.end({ kind: 'answer', message });
    expect(reply.decoded).toMatchObject({ rcode: Rcode.SERVFAIL, answers: [] });
  });

  it('4 other opcodes have counts of their own: NOTIMP, whatever the count', () => {
    const weir = new ResolverHarness();
    for (const questions of [0, 1, 2, 65_535]) {
      const message = concat(header(1, 0x2800, { questions }), question('a.example'));
      expect(weir.send(message).decoded.rcode).toBe(Rcode.NOTIMP);
    }
  });
});
