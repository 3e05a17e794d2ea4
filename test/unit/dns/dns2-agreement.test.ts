/** The differential test: random messages through our readers and writers and through dns2 must come out the same. */
import { Packet } from 'dns2';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeQuery } from '../../../src/dns/codec.ts';
import { encodeResponse, type RecordFields } from '../../support/encode-response.ts';
import { HeaderFlag, RecordType } from '../../../src/dns/iana.ts';
import { nameToText } from '../../../src/dns/name.ts';
import { readUint32 } from '../../../src/dns/patch.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { readResponse } from '../../../src/dns/response-view.ts';
import { stripResponse } from '../../support/strip-response.ts';

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/u);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
const uint16 = fc.nat(0xffff);
const ttlSeconds = fc.nat(0x7fff_ffff);

const rdata = fc.oneof(
  fc.ipV4().map((address) => ({ type: RecordType.A, address })),
  fc.constantFrom('2001:db8::1', '::', '1:2:3:4:5:6:7:8').map((address) => ({ type: RecordType.AAAA, address })),
  name.map((ns) => ({ type: RecordType.NS, ns })),
  name.map((domain) => ({ type: RecordType.PTR, domain })),
  fc.record({ exchange: name, priority: uint16 }).map((fields) => ({ type: RecordType.MX, ...fields })),
  fc
    .record({ target: name, priority: uint16, weight: uint16, port: uint16 })
    .map((fields) => ({ type: RecordType.SRV, ...fields })),
  fc
    .array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 3 })
    .map((data) => ({ type: RecordType.TXT, data })),
  fc.uint8Array({ maxLength: 40 }).map((octets) => ({ type: 4711, data: Buffer.from(octets) })),
);

/** Records owned by the question's name, so that each of them belongs to its chain. */
const records = fc.array(fc.tuple(rdata, ttlSeconds), { maxLength: 8 });

function owned(owner: string, list: readonly (readonly [object & { type: number }, number])[]): RecordFields[] {
  return list.map(([fields, seconds]) => ({ ...fields, name: owner, ttlSeconds: seconds }));
}

describe('queries', () => {
  it('that dns2 writes are read by us as they were meant', () => {
    const view = new QueryView();
    fc.assert(
      fc.property(name, uint16, uint16, fc.boolean(), (qname, id, type, recursionDesired) => {
        const packet = new Packet();
        packet.questions.push(new Packet.Question({ name: qname, type: type === 0 ? 1 : type, class: 1 }));
        packet.header.id = id;
        packet.header.rd = recursionDesired ? 1 : 0;
        const message = packet.toBuffer();
        expect(readQuery(view, message, 0, message.length)).toBe(QueryFault.none);
        expect(view).toMatchObject({
          id,
          qtype: type === 0 ? 1 : type,
          qclass: 1,
          labelCount: qname.split('.').length,
        });
        expect(nameToText(message, view.qnameStart)).toBe(qname);
        expect((view.flags & HeaderFlag.RD) !== 0).toBe(recursionDesired);
        expect(view.questionEnd).toBe(message.length);
      }),
    );
  });

  it('that we write are read by dns2 as they were meant', () => {
    fc.assert(
      fc.property(name, uint16, uint16, fc.boolean(), (qname, id, type, dnssecOk) => {
        const message = encodeQuery({ id, name: qname, type, dnssecOk });
        const packet = Packet.parse(Buffer.from(message ?? []));
        expect(packet.errors).toEqual([]);
        expect(packet.header).toMatchObject({ id, qr: 0, rd: 1, qdcount: 1, arcount: 1 });
        expect(packet.questions).toMatchObject([{ name: qname, type, class: 1 }]);
        expect(packet.additionals).toMatchObject([{ type: 41, class: 1232, version: 0, doFlag: dnssecOk }]);
      }),
    );
  });
});

describe('responses', () => {
  it('that dns2 writes are read by us: every TTL at its offset, every record in the chain', () => {
    fc.assert(
      fc.property(name, uint16, records, records, (qname, id, answers, authorities) => {
        const message = encodeResponse({
          id,
          question: { name: qname, type: 255 },
          answers: owned(qname, answers),
          authorities: owned(qname, authorities),
        });
        const view = readResponse(message);
        const ttls = [...answers, ...authorities].map(([, seconds]) => seconds);
        expect(view).toMatchObject({ id, answerCount: answers.length, droppedCount: 0, qtype: 255 });
        expect(nameToText(view?.rawQname ?? message, 0)).toBe(qname);
        expect(view?.ttlOffsets.map((offset) => readUint32(message, offset))).toEqual(ttls);
        expect(view?.ttlSecondsMin).toBe(ttls.length === 0 ? 0 : Math.min(...ttls));
      }),
    );
  });

  it('that we write anew are read by dns2 as the records that were to stay', () => {
    fc.assert(
      fc.property(name, records, (qname, kept) => {
        const stray: RecordFields = {
          name: `stray.${qname}`,
          type: RecordType.PTR,
          ttlSeconds: 1,
          domain: `x.${qname}`,
        };
        const question = { name: qname, type: 255 };
        const message = encodeResponse({ id: 1, question, answers: [stray, ...owned(qname, kept)] });
        const view = readResponse(message);
        expect(view).toMatchObject({ droppedCount: 1, answerCount: kept.length });
        if (view === undefined) return;
        const rebuilt = Packet.parse(Buffer.from(stripResponse(message, view)));
        const original = Packet.parse(Buffer.from(message));
        expect(rebuilt.errors).toEqual([]);
        expect(rebuilt.answers).toEqual(original.answers.slice(1));
      }),
    );
  });
});
