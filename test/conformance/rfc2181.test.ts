import { describe, expect, it } from 'vitest';
import { readResponse } from '../../src/dns/response-view.ts';
import { truncateToQuestion } from '../../src/dns/patch.ts';
import { patchTtls } from '../../src/dns/ttl.ts';
import { concat, header, hex, long, question, QNAME_POINTER, record } from '../support/wire.ts';

describe('RFC 2181', () => {
  it('8 "treat TTL values received with the most significant bit set as if the entire value received was zero"', () => {
    const answer = record(QNAME_POINTER, 1, 0xffff_ffff, hex('c0000201'));
    const message = concat(header(1, 0x8180, { questions: 1, answers: 1 }), question('a.example'), answer);
    const view = readResponse(message);
    expect(view?.ttlSecondsMin).toBe(0);
    const ttl = long(0x8000_0001);
    patchTtls(ttl, 0, '\0\0', 0, 1, 1, 0);
    expect(ttl).toEqual(long(0));
  });

  it('9 the TC bit is set when a record set does not fit, and no part of it is sent', () => {
    const start = concat(header(1, 0x8180, { questions: 1, answers: 1 }), question('a.example'));
    const message = concat(start, record(QNAME_POINTER, 1, 60, hex('c0000201')));
    const end = truncateToQuestion(message, 0, start.length, 0, 0);
    expect(message.subarray(0, end)).toEqual(concat(header(1, 0x8380, { questions: 1 }), question('a.example')));
  });
});
