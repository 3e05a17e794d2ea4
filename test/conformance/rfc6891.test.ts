import { describe, expect, it } from 'vitest';
import { udpResponseBytesMax } from '../../src/dns/edns.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, question, record } from '../support/wire.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { stripResponse } from '../support/strip-response.ts';

function query(...additionals: Uint8Array[]): QueryView {
  const view = new QueryView();
  const counts = { questions: 1, additionals: additionals.length };
  const message = concat(header(1, 0, counts), question('a.example'), ...additionals);
  readQuery(view, message, 0, message.length);
  return view;
}

describe('RFC 6891', () => {
  it('6.1.1 "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1) MUST be returned"', () => {
    expect(query(opt()).fault).toBe(QueryFault.none);
    expect(query(opt(), opt()).fault).toBe(QueryFault.malformed);
  });

  it('6.1.1 "The OPT RR MAY be placed anywhere within the additional data section"', () => {
    const other = record('k.example', 1, 0, hex('c0000201'));
    expect(query(other, opt(), other)).toMatchObject({ fault: QueryFault.none, hasEdns: true });
  });

  it('6.1.1 "OPT RRs MUST NOT be cached, forwarded, or stored in or loaded from master files"', () => {
    const message = concat(header(1, 0x8180, { questions: 1, additionals: 1 }), question('a.example'), opt());
    const view = readResponse(message);
    expect(view?.optStart).toBeGreaterThan(0);
    if (view !== undefined) expect(readResponse(stripResponse(message, view))?.optStart).toBe(0);
  });

  it('6.1.2 NAME "MUST be 0 (root domain)"', () => {
    expect(query(record('a', 41, 0, hex(''))).fault).toBe(QueryFault.malformed);
  });

  it('6.1.2 "Any OPTION-CODE values not understood by a responder or requestor MUST be ignored"', () => {
    expect(query(opt(hex('fde9 0003 010203')))).toMatchObject({ fault: QueryFault.none, hasEdns: true });
  });

  it('6.1.3 the version is told, and options of a version above 0 are not looked into', () => {
    expect(query(opt(hex('ff'), 0x0001_0000))).toMatchObject({ fault: QueryFault.none, ednsVersion: 1 });
  });

  it('6.2.3 "Values lower than 512 MUST be treated as equal to 512"', () => {
    expect(udpResponseBytesMax(query(opt(hex(''), 0, 0)).udpPayloadBytes, 1232)).toBe(512);
    expect(udpResponseBytesMax(query(opt(hex(''), 0, 511)).udpPayloadBytes, 1232)).toBe(512);
    expect(udpResponseBytesMax(query(opt(hex(''), 0, 600)).udpPayloadBytes, 1232)).toBe(600);
  });

  it('7 a badly formatted option is a FORMERR that still has its OPT record', () => {
    expect(query(opt(hex('0003 0004 00')))).toMatchObject({ fault: QueryFault.malformed, hasEdns: true });
  });

  it('7 the minimal response is the header, question section and an OPT record', () => {
    const weir = new ResolverHarness();
    const reply = weir.ask('a.example', { udpPayloadBytes: 512 });
    weir.upstream.last.answer({ answers: Array.from({ length: 40 }, (_, i) => aRecord('a.example', `192.0.2.${i}`)) });
    expect(reply.decoded).toMatchObject({
      answers: [],
      authorities: [],
      additionals: [],
      edns: { version: 0, options: [] },
    });
    expect(reply.message).toHaveLength(concat(header(1, 0, { questions: 1 }), question('a.example'), opt()).length);
  });
});
