/**
 * Invariants of readQuery: it never throws; a response is never anything but a response; every offset lies within the
 * message; what it calls whole is whole to dns2 too; where the message lies in its buffer makes no difference.
 */
import { Packet } from 'dns2';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeQuery } from '../../src/dns/codec.ts';
import { encodeOption } from '../../src/dns/edns.ts';
import { nameBytes } from '../../src/dns/name.ts';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { mutated } from '../support/mutate.ts';
import { concat, header, hex, opt, question, record } from '../support/wire.ts';

const cookie = encodeOption(10, hex('0102030405060708'));
const seeds: Uint8Array[] = [
  encodeQuery({ id: 1, name: 'www.example.com', type: 1, udpPayloadBytes: 0 }) ?? hex(''),
  encodeQuery({ id: 2, name: 'a.b.c.example', type: 65, dnssecOk: true, options: [cookie] }) ?? hex(''),
  concat(header(3, 0, { additionals: 1 }), opt(cookie)),
  concat(
    header(4, 0, { questions: 1, additionals: 2 }),
    question('example'),
    opt(),
    record('k.example', 250, 0, hex('01')),
  ),
  concat(
    header(5, 0, { questions: 1, authorities: 1 }),
    question('example', 251),
    record('example', 6, 0, hex('0000')),
  ),
];

describe('readQuery on broken messages', () => {
  const view = new QueryView();

  it('never throws, and every offset it gives lies within the message', () => {
    fc.assert(
      fc.property(mutated(seeds), fc.nat(20), (message, start) => {
        const bytes = concat(new Uint8Array(start).fill(0xc0), message, new Uint8Array(20).fill(0xc0));
        const end = start + message.length;
        const fault = readQuery(view, bytes, start, end);
        expect(Object.values(QueryFault)).toContain(fault);
        if (fault === QueryFault.tooShort) {
          expect(message.length).toBeLessThan(12);
          return;
        }
        expect(view.questionEnd).toBeGreaterThanOrEqual(start + 12);
        expect(view.questionEnd).toBeLessThanOrEqual(end);
        expect(fault === QueryFault.isResponse).toBe(((message[2] ?? 0) & 0x80) !== 0);
        if (view.qnameBytes > 0) {
          expect(nameBytes(bytes, view.qnameStart)).toBe(view.qnameBytes);
          expect(view.questionEnd).toBe(view.qnameStart + view.qnameBytes + 4);
        } else {
          expect(view.questionEnd).toBe(start + 12);
        }
        if (view.cookieStart !== 0) expect(view.cookieStart + view.cookieBytes).toBeLessThanOrEqual(end);
      }),
      { numRuns: 5000 },
    );
  });

  it('says the same wherever the message lies', () => {
    const elsewhere = new QueryView();
    fc.assert(
      fc.property(mutated(seeds), (message) => {
        readQuery(view, message, 0, message.length);
        readQuery(elsewhere, concat(new Uint8Array(7).fill(0xff), message), 7, 7 + message.length);
        for (const key of ['fault', 'id', 'flags', 'qnameBytes', 'labelCount', 'qtype', 'qclass', 'hasEdns'] as const) {
          expect(elsewhere[key]).toBe(view[key]);
        }
        expect(elsewhere.questionEnd - 7).toBe(view.questionEnd);
      }),
      { numRuns: 2000 },
    );
  });

  it('calls no query whole that dns2 cannot read', () => {
    let whole = 0;
    fc.assert(
      fc.property(mutated(seeds), (message) => {
        if (readQuery(view, message, 0, message.length) !== QueryFault.none || view.opcode !== 0) return;
        whole += 1;
        const packet = Packet.parse(Buffer.from(message));
        // A record that dns2 "recovered" from is one whose RDATA it reads and we step over.
        expect(packet.errors.filter(({ recovered }) => !recovered)).toEqual([]);
        expect(packet.questions).toHaveLength(1);
      }),
      { numRuns: 3000 },
    );
    expect(whole).toBeGreaterThan(0);
  });
});
