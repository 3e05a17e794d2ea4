import { describe, expect, it } from 'vitest';
import { nameToText } from '../../src/dns/name.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, question, record, wireName } from '../support/wire.ts';

/** The names that the answer to `qname` leads to, given one DNAME record. */
function substituted(qname: string, owner: string, target: string): string[] | undefined {
  const dname = record(owner, 39, 60, wireName(target));
  const message = concat(header(1, 0x8180, { questions: 1, answers: 1 }), question(qname), dname);
  return readResponse(message)?.targets.map((name) => nameToText(name, 0));
}

describe('RFC 6672', () => {
  it.each([
    ['com.', 'example.com.', 'example.net.', []],
    ['example.com.', 'example.com.', 'example.net.', []],
    ['a.example.com.', 'example.com.', 'example.net.', ['a.example.net']],
    ['a.b.example.com.', 'example.com.', 'example.net.', ['a.b.example.net']],
    ['ab.example.com.', 'b.example.com.', 'example.net.', []],
    ['foo.example.com.', 'example.com.', 'example.net.', ['foo.example.net']],
    ['a.x.example.com.', 'x.example.com.', 'example.net.', ['a.example.net']],
    ['a.example.com.', 'example.com.', 'y.example.net.', ['a.y.example.net']],
    ['cyc.example.com.', 'example.com.', 'example.com.', undefined],
    ['shortloop.x.x.', 'x.', '.', ['shortloop.x', 'shortloop']],
  ])('2.2 the table of substitutions: %s, %s to %s', (qname, owner, target, expected) => {
    if (expected === undefined) {
      // The substitution is the name itself: a loop that leads nowhere new.
      expect(substituted(qname, owner, target)).toEqual([]);
    } else {
      expect(substituted(qname, owner, target)).toEqual(expected);
    }
  });
});
