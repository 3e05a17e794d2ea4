/**
 * Invariants of readResponse: it never throws or hangs; what it accepts can be stripped, and the stripped message is
 * accepted again, says the same, has every TTL at its offset, no OPT record, and is readable by dns2.
 */
import { Packet } from 'dns2';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TARGETS_MAX } from '../../src/dns/answer-chain.ts';
import { HEADER_BYTES, MESSAGE_BYTES_MAX, RecordType } from '../../src/dns/iana.ts';
import { nameBytes } from '../../src/dns/name.ts';
import { readUint16, readUint32 } from '../../src/dns/patch.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { mutated } from '../support/mutate.ts';
import {
  concat,
  header,
  hex,
  opt,
  option,
  question,
  QNAME_POINTER,
  record,
  soaRdata,
  wireName,
  words,
} from '../support/wire.ts';
import { stripResponse } from '../support/strip-response.ts';

const alias = record(QNAME_POINTER, RecordType.CNAME, 300, concat(hex('01 62'), words(0xc010)));
const address = record(words(0xc000 | 41), RecordType.A, 60, hex('c0000201'));
const seeds: Uint8Array[] = [
  concat(
    header(1, 0x8180, { questions: 1, answers: 2, additionals: 1 }),
    question('www.example'),
    alias,
    address,
    opt(option(15, hex('0003'))),
  ),
  concat(
    header(1, 0x8183, { questions: 1, authorities: 1 }),
    question('x.example'),
    record('example', 6, 900, soaRdata(60)),
  ),
  concat(
    header(1, 0x8180, { questions: 1, answers: 2 }),
    question('w.example'),
    record('example', 39, 60, wireName('y.test')),
    record(QNAME_POINTER, 5, 60, wireName('w.y.test')),
  ),
  concat(
    header(1, 0x8180, { questions: 1, answers: 1, additionals: 2 }),
    question('h.example', 65),
    record(QNAME_POINTER, 65, 60, concat(hex('0001'), wireName('s.test'), hex('0001 0003 02 6832'))),
    opt(),
    record('s.test', 1, 5, hex('c0000201')),
  ),
  concat(
    header(1, 0x8180, { questions: 1, answers: 4 }),
    question('m.example', 255),
    record(QNAME_POINTER, 15, 60, concat(words(5), QNAME_POINTER)),
    record(QNAME_POINTER, 16, 60, hex('01 61')),
    record(QNAME_POINTER, 33, 60, concat(words(1, 2, 3), QNAME_POINTER)),
    record(QNAME_POINTER, 46, 60, concat(new Uint8Array(18), hex('00 ff'))),
  ),
];

describe('readResponse on broken messages', () => {
  it('accepts only what survives being stripped and read again', () => {
    let accepted = 0;
    let rebuilt = 0;
    fc.assert(
      fc.property(mutated(seeds), (message) => {
        const view = readResponse(message);
        if (view === undefined) return;
        accepted += 1;
        rebuilt += view.rebuilt === undefined ? 0 : 1;
        const stripped = stripResponse(message, view);
        const again = readResponse(stripped);
        expect(again).toMatchObject({
          id: view.id,
          qtype: view.qtype,
          qname: view.qname,
          rawQname: view.rawQname,
          ttlOffsets: view.ttlOffsets,
          ttlSecondsMin: view.ttlSecondsMin,
          negativeTtlSeconds: view.negativeTtlSeconds,
          answerCount: view.answerCount,
          targets: view.targets,
          droppedCount: 0,
          optStart: 0,
          rebuilt: undefined,
        });
        expect(readUint16(stripped, 6)).toBe(view.answerCount);
        expect(stripped.length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        for (const offset of view.ttlOffsets) {
          expect(offset).toBeGreaterThanOrEqual(HEADER_BYTES);
          expect(readUint32(stripped, offset)).toBeGreaterThanOrEqual(0);
        }
        expect(view.targets.length).toBeLessThanOrEqual(TARGETS_MAX);
        for (const target of view.targets) expect(nameBytes(target, 0)).toBe(target.length);
      }),
      { numRuns: 6000 },
    );
    expect(accepted).toBeGreaterThan(100);
    expect(rebuilt).toBeGreaterThan(10);
  });

  it('accepts nothing whose structure dns2 cannot follow', () => {
    fc.assert(
      fc.property(mutated(seeds), (message) => {
        const view = readResponse(message);
        if (view === undefined) return;
        const packet = Packet.parse(Buffer.from(stripResponse(message, view)));
        // A record that dns2 "recovered" from is one whose RDATA it checks beyond its structure.
        expect(packet.errors.filter(({ recovered }) => !recovered)).toEqual([]);
        expect(packet.answers.length + packet.errors.filter(({ section }) => section === 'answers').length).toBe(
          view.answerCount,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no longer than the message is long: 64 KB of pointers and owners end', () => {
    const pointers = Array.from({ length: 8000 }, (_, index) => 0xc000 | Math.max(12, 11 + index * 2));
    const records = Array.from({ length: 3000 }, () =>
      record(words(0xc000 | 16_000), RecordType.A, 1, hex('c0000201')),
    );
    const padding = record('.', 4711, 0, words(...pointers));
    const message = concat(header(1, 0x8180, { questions: 1, answers: 3001 }), question('.'), padding, ...records);
    expect(message.length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
    expect(readResponse(message)).toBeUndefined();
  });
});
