/** RFC 8482, Providing Minimal-Sized Responses to DNS Queries That Have QTYPE=ANY. */
import { describe, expect, it } from 'vitest';
import { HeaderFlag, Rcode } from '../../src/dns/iana.ts';
import { TransportRow } from '../../src/telemetry/counter-labels.ts';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord } from '../support/scripted-answers.ts';

const ANY = 255;
const HINFO = 13;
const NAME = 'www.example';

describe('RFC 8482', () => {
  it('4.2 a synthesized HINFO record, its CPU field "RFC8482" and its OS field empty, with a TTL that is worth keeping', () => {
    const weir = new ResolverHarness();
    const { decoded, message } = weir.ask(NAME, { type: ANY });
    expect(decoded).toMatchObject({ rcode: Rcode.NOERROR, questions: [{ name: NAME, type: ANY }] });
    expect(decoded.answers).toMatchObject([{ name: NAME, type: HINFO, recordClass: 1 }]);
    expect(decoded.answers[0]!.ttlSeconds).toBeGreaterThanOrEqual(3600);
    expect(Buffer.from(message!).includes(Buffer.from('\u0007RFC8482\u0000', 'latin1'))).toBe(true);
    expect(decoded.flags & (HeaderFlag.TC | HeaderFlag.AA | HeaderFlag.AD)).toBe(0);
    expect(weir.upstream.asks).toEqual([]);
  });

  it('4 the response is hardly larger than the query, so that no one gains by asking in another’s name', () => {
    const reply = new ResolverHarness().ask(NAME, { type: ANY, udpPayloadBytes: 0 });
    expect(reply.message!.length).toBeLessThan(2 * (12 + NAME.length + 2 + 4));
  });

  it('4.2 the synthesized record is of no other question: HINFO itself, and every other type, is asked of the upstream', () => {
    const weir = new ResolverHarness();
    weir.ask(NAME, { type: ANY });
    for (const type of [1, HINFO, 28]) expect(weir.ask(NAME, { type }).wasLate).toBe(true);
    weir.upstream.last.answer({ answers: [] });
    expect(weir.ask(NAME, { type: ANY }).decoded.answers).toHaveLength(1);
  });

  it('4.4 over TCP, where nobody’s address is forged, it is answered in full', () => {
    for (const transport of [TransportRow.tcp, TransportRow.dot, TransportRow.doh]) {
      const weir = new ResolverHarness();
      const reply = weir.ask(NAME, { type: ANY, transport });
      weir.upstream.last.answer({ answers: [aRecord(NAME), aRecord(NAME, '192.0.2.8')] });
      expect(reply.decoded.answers.map(({ type }) => type)).toEqual([1, 1]);
    }
  });

  it('4 a listed name is blocked for ANY as for every other type', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    for (const transport of [TransportRow.udp, TransportRow.tcp]) {
      const { decoded } = weir.ask('www.listed.example', { type: ANY, transport });
      expect(decoded).toMatchObject({ rcode: Rcode.NOERROR, answers: [], authorities: [{ type: 6 }] });
    }
  });

  it('7 an operator may turn it off', () => {
    const weir = new ResolverHarness({ config: { limits: { anyMinimal: false } } });
    expect(weir.ask(NAME, { type: ANY }).wasLate).toBe(true);
  });
});
