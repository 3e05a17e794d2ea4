/** RFC 6891, Extension Mechanisms for DNS (EDNS(0)): what is read of a query, and what every kind of response has. */
import { afterEach, describe, expect, it } from 'vitest';
import { udpResponseBytesMax } from '../../src/dns/edns.ts';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, option, question, QNAME_POINTER, record } from '../support/wire.ts';
import { type AskFields, ResolverHarness, type TestReply } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';
import { respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { stripResponse } from '../support/strip-response.ts';
import { ask, closeAll, openPool, rcodeOf, track } from '../support/upstream-harness.ts';

afterEach(closeAll);

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

  it('6.1.3 "If a responder does not implement the VERSION level of the request, then it MUST respond with RCODE=BADVERS": such an upstream, for there is no version below ours, is asked without EDNS', async () => {
    const upstream = track(
      await startFakeUpstream((asked) => respond(asked, asked.message[11] === 1 ? { rcode: Rcode.BADVERS } : {})),
    );
    expect(rcodeOf(await ask(openPool([upstream]), 'a.example'))).toBe(Rcode.NOERROR);
    expect(upstream.queries.map(({ message }) => message[11])).toEqual([1, 0]);
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

describe('RFC 6891, the responses', () => {
  /** A response from every corner of the query path, to a query with these EDNS fields. */
  function everywhere(fields: AskFields): readonly (readonly [string, TestReply])[] {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    const fetched = weir.ask('a.example', fields);
    weir.upstream.last.answer({
      answers: [aRecord('a.example')],
      additionals: [opt(hex('fde9 0003 010203'), 0, 4096)],
    });
    const failed = weir.ask('f.example', fields);
    weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
    return [
      ['fetched', fetched],
      ['cached', weir.ask('a.example', fields)],
      ['failed', failed],
      ['blocked', weir.ask('listed.example', fields)],
      ['blocked without data', weir.ask('listed.example', { type: 16, ...fields })],
      ['special', weir.ask('localhost', fields)],
      ['refused', weir.ask('a.example', { recursionDesired: false, ...fields })],
      ['chaos', weir.ask('version.bind', { type: 16, recordClass: 3, ...fields })],
    ];
  }

  it('6.1.1 "If an OPT record is present in a received request, compliant responders MUST include an OPT record in their respective responses": exactly one', () => {
    for (const [corner, { decoded, message }] of everywhere({})) {
      expect(decoded.edns, corner).toMatchObject({ version: 0 });
      const counted = (message![10]! << 8) | message![11]!;
      expect(counted, corner).toBe(decoded.additionals.length + 1);
    }
  });

  it('7 without an OPT record in the request the responder "MUST NOT include an OPT record in its response"', () => {
    for (const [corner, { decoded }] of everywhere({ udpPayloadBytes: 0 }))
      expect(decoded.edns, corner).toBeUndefined();
  });

  it('6.1.3 and RFC 3225 3: DO is copied, and nothing else of the flags', () => {
    for (const dnssecOk of [false, true])
      for (const [corner, { decoded }] of everywhere({ dnssecOk }))
        expect(decoded.edns?.dnssecOk, corner).toBe(dnssecOk);
  });

  it('6.2.3 the payload size that we offer is our own, whatever client and upstream say of theirs', () => {
    for (const udpPayloadBytes of [512, 1232, 65_535])
      for (const [corner, { decoded }] of everywhere({ udpPayloadBytes }))
        expect(decoded.edns?.udpPayloadBytes, corner).toBe(1232);
  });

  it('6.2.4 a response over UDP is no longer than the client takes, and no longer than we send', () => {
    for (const [udpPayloadBytes, bytesMax] of [
      [1, 512],
      [700, 700],
      [1232, 1232],
      [65_535, 1232],
    ] as const) {
      for (const count of [20, 30, 40, 50, 80, 120]) {
        const weir = new ResolverHarness();
        const reply = weir.ask('a.example', { udpPayloadBytes });
        const answers = Array.from({ length: count }, (_, index) =>
          record(QNAME_POINTER, 1, 60, Uint8Array.of(192, 0, 2, index)),
        );
        weir.upstream.last.answer({ answers });
        const wholeBytes = concat(header(1, 0), question('a.example'), opt()).length + count * 16;
        expect(reply.message!.length).toBeLessThanOrEqual(bytesMax);
        expect(reply.decoded.answers.length).toBe(wholeBytes <= bytesMax ? count : 0);
      }
    }
  });

  it('6.1.2 options of a client are for us alone: the upstream sees none of them', () => {
    const weir = new ResolverHarness();
    weir.ask('a.example', { options: [option(65_001, hex('0102')), option(8, hex('0001 1800 c00002'))] });
    const flags = HeaderFlag.RD | HeaderFlag.AD;
    const plain = concat(header(0, flags, { questions: 1, additionals: 1 }), question('a.example'), opt());
    expect(Buffer.from(weir.upstream.last.sent)).toEqual(Buffer.from(plain));
  });
});
