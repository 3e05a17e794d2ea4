import { describe, expect, it } from 'vitest';
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
