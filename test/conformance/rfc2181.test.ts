import { describe, expect, it } from 'vitest';
import { HeaderFlag } from '../../src/dns/iana.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { patchTtls } from '../../src/dns/ttl.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
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
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example', { udpPayloadBytes: 0 });
    weir.upstream.last.answer({ answers: Array.from({ length: 40 }, (_, i) => aRecord('a.example', `192.0.2.${i}`)) });
    expect(reply.decoded.flags & HeaderFlag.TC).toBe(HeaderFlag.TC);
    expect(reply.message).toHaveLength(concat(header(1, 0, { questions: 1 }), question('a.example')).length);
  });
});
