import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeMessage, encodeQuery } from '../../src/dns/codec.ts';
import { HeaderFlag, Rcode, RecordType } from '../../src/dns/iana.ts';
import { QueryView, readQuery } from '../../src/dns/query-view.ts';
import { TransportRow } from '../../src/telemetry/counter-labels.ts';
import { mutated } from '../support/mutate.ts';
import { freezeClock, ResolverHarness, responseTo } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord, soaOf } from '../support/scripted-answers.ts';

/*
 * Invariants of the whole query path, whatever a client or an upstream sends:
 * it never throws; a message shorter than a header or with QR=1 gets nothing; whatever is answered has QR=1, the query's
 * id and, where the query had a readable question, that question octet for octet; a response can be decoded by an
 * independent reader and is no longer than the transport and the client's EDNS allow; a waiter is answered exactly once.
 */

const LIST = { entries: [{ name: 'bad.example' }, { name: 'nx.example', action: 'nxdomain' as const }] };
const RUNS = 3_000;

const seeds = ['www.example', 'bad.example', 'a.nx.example', 'localhost', 'version.bind', 'x'.repeat(63)].flatMap(
  (name) =>
    [RecordType.A, RecordType.HTTPS, RecordType.ANY].flatMap((type) => [
      encodeQuery({ id: 0x1234, name, type })!,
      encodeQuery({ id: 0x1234, name, type, dnssecOk: true })!,
    ]),
);

afterEach(() => void vi.useRealTimers());

function checkResponse(query: Uint8Array, response: Uint8Array, transport: number): void {
  const view = new QueryView();
  readQuery(view, query, 0, query.length);
  expect(response.length).toBeGreaterThanOrEqual(12);
  expect([response[0], response[1]]).toEqual([query[0], query[1]]);
  expect(response[2]! & 0x80).toBe(0x80);
  expect((query[2]! << 8) & HeaderFlag.QR).toBe(0);
  const hasQuestion = view.qnameBytes > 0;
  expect((response[4]! << 8) | response[5]!).toBe(hasQuestion ? 1 : 0);
  if (hasQuestion) expect(response.subarray(12, view.questionEnd)).toEqual(query.subarray(12, view.questionEnd));
  expect(decodeMessage(response)).toBeDefined();
  const udpMax = Math.max(512, Math.min(view.udpPayloadBytes, 1232));
  if (transport === TransportRow.udp) expect(response.length).toBeLessThanOrEqual(udpMax);
}

describe('the query path', () => {
  it('answers any octets of a client within its invariants', () => {
    freezeClock();
    const weir = new ResolverHarness({ policy: LIST });
    fc.assert(
      fc.property(mutated(seeds), fc.constantFrom(TransportRow.udp, TransportRow.tcp), (message, transport) => {
        const asked = weir.upstream.asks.length;
        const reply = weir.send(message, { transport });
        if (reply.wasLate && weir.upstream.asks.length > asked)
          weir.upstream.last.answer({ answers: [aRecord('www.example')] });
        const isAnswerable = message.length >= 12 && (message[2]! & 0x80) === 0;
        if (!isAnswerable) expect([reply.sent, reply.wasLate]).toEqual([0, false]);
        else expect(reply.sent).toBe(1);
        if (reply.message !== undefined) checkResponse(message, reply.message, transport);
      }),
      { numRuns: RUNS },
    );
  });

  it('answers any octets of an upstream within its invariants, and never leads to a listed name', () => {
    freezeClock();
    const question = {
      qname: new Uint8Array([3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 0]),
      qnameBytes: 13,
      qtype: 1,
      dnssecOk: false,
      checkingDisabled: false,
    };
    const upstreamSeeds = [
      responseTo(question, { answers: [aRecord('www.example')] }),
      responseTo(question, { answers: [cnameRecord('www.example', 'bad.example'), aRecord('bad.example')] }),
      responseTo(question, { rcode: Rcode.NXDOMAIN, authorities: [soaOf('example')] }),
    ];
    // Met once: a question of another length, so that every offset behind it means something else.
    const otherQuestion = upstreamSeeds[0]!.slice();
    otherQuestion[12] = 12;
    const weir = new ResolverHarness({ policy: LIST });
    fc.assert(
      fc.property(mutated(upstreamSeeds), (octets) => {
        weir.resolver.cache.clear();
        const query = encodeQuery({ id: 7, name: 'www.example', type: 1 })!;
        const reply = weir.send(query);
        weir.upstream.last.end({ kind: 'answer', message: Uint8Array.from(octets) });
        expect(reply.sent).toBe(1);
        checkResponse(query, reply.message!, TransportRow.udp);
        const leads = reply.decoded.answers.some(
          ({ type, data }) => type === RecordType.CNAME && data === 'bad.example',
        );
        expect(leads).toBe(false);
        const again = weir.send(query);
        if (again.wasLate) weir.upstream.last.end({ kind: 'failed', reason: 'timeout' });
        checkResponse(query, again.message!, TransportRow.udp);
      }),
      { numRuns: RUNS, examples: [[otherQuestion]] },
    );
  });
});
