import { expect, test } from 'vitest';
import {
  matchResponse,
  refusesEdns,
  ResponseKind,
  ResponseMatch,
  responseKind,
} from '../../../../src/data-plane/upstream/match-response.ts';
import { prepareQuery, QUERY_BYTES_MAX, writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { HEADER_BYTES, Rcode, RecordType } from '../../../../src/dns/iana.ts';
import { question } from '../../../support/upstream-harness.ts';
import { concat, header, opt, QNAME_POINTER, record } from '../../../support/wire.ts';

const query = new Uint8Array(QUERY_BYTES_MAX);
const questionEnd = writeQuery(query, question('www.example.com'), { udpPayloadBytes: 1232 });
prepareQuery(query, questionEnd, 7, true);

/** The query turned into an empty response, changed as the test says. */
function response(change: (bytes: Uint8Array) => void = () => undefined): Uint8Array {
  const bytes = query.slice(0, questionEnd);
  bytes[2] = 0x81;
  bytes[3] = 0x80;
  bytes[11] = 0;
  change(bytes);
  return bytes;
}

function match(bytes: Uint8Array): number {
  return matchResponse(query, questionEnd, bytes, 0, bytes.length);
}

test('the response to our query matches, also in the middle of a buffer', () => {
  expect(match(response())).toBe(ResponseMatch.yes);
  const bytes = Uint8Array.of(9, 9, 9, ...response(), 9);
  expect(matchResponse(query, questionEnd, bytes, 3, bytes.length - 1)).toBe(ResponseMatch.yes);
});

test.each<[string, (bytes: Uint8Array) => void]>([
  ['a query', (bytes) => void (bytes[2] = 0x01)],
  ['another opcode', (bytes) => void (bytes[2] = 0xa1)],
  ['no question', (bytes) => void (bytes[5] = 0)],
  ['two questions', (bytes) => void (bytes[5] = 2)],
  ['another name', (bytes) => void (bytes[13] = 0x78)],
  ['another label length', (bytes) => void (bytes[12] = 4)],
  ['a compression pointer for a name', (bytes) => void (bytes[12] = 0xc0)],
  ['another type', (bytes) => void (bytes[questionEnd - 3] = 28)],
  ['another class', (bytes) => void (bytes[questionEnd - 1] = 3)],
])('%s does not match', (_, change) => {
  expect(match(response(change))).toBe(ResponseMatch.no);
});

test('a message cut anywhere does not match', () => {
  for (let length = 0; length < questionEnd; length++) {
    expect(match(response().slice(0, length))).toBe(ResponseMatch.no);
  }
});

test('another letter case is told apart, in the name only', () => {
  expect(match(response((bytes) => void (bytes[13] = 0x57)))).toBe(ResponseMatch.otherCase);
  const asked = writeQuery(query, question('www.example.com', { qtype: 0x61 }), { udpPayloadBytes: 1232 });
  const bytes = query.slice(0, asked);
  bytes[2] = 0x81;
  bytes[asked - 3] = 0x41;
  expect(matchResponse(query, asked, bytes, 0, asked)).toBe(ResponseMatch.no);
  writeQuery(query, question('www.example.com'), { udpPayloadBytes: 1232 });
});

test('a header alone matches only as FORMERR or NOTIMP', () => {
  const bare = [0, 1, 2, 3, 4, 5].map((rcode) => Uint8Array.of(0, 7, 0x81, 0x80 | rcode, 0, 0, 0, 0, 0, 0, 0, 0));
  expect(bare.map(match)).toEqual([0, 1, 0, 0, 1, 0]);
});

/** What kind a message is that has our question, this rcode, and these records behind it, counted as (answer, authority, additional). */
function kindOf(
  rcode: number,
  counts: readonly [number, number, number] = [0, 0, 0],
  ...records: Uint8Array[]
): number {
  const fields = { questions: 1, answers: counts[0], authorities: counts[1], additionals: counts[2] };
  const flags = 0x8180 | (rcode & 0x0f);
  const bytes = concat(header(7, flags, fields), query.subarray(HEADER_BYTES, questionEnd), ...records);
  // Also in the middle of a buffer.
  const padded = concat(Uint8Array.of(9, 9, 9), bytes, Uint8Array.of(9));
  const kind = responseKind(bytes, 0, bytes.length, questionEnd);
  expect(responseKind(padded, 3, padded.length - 1, questionEnd)).toBe(kind);
  return kind;
}
const optOf = (rcode: number) => opt(new Uint8Array(0), (rcode >>> 4) << 24);

test('responses are sorted by TC and rcode', () => {
  expect(responseKind(header(7, 0x8380, { questions: 1 }), 0, HEADER_BYTES, questionEnd)).toBe(ResponseKind.truncated);
  expect([0, 1, 2, 3, 4, 5, 6, 9].map((rcode) => kindOf(rcode))).toEqual([
    ResponseKind.good,
    ResponseKind.formerr,
    ResponseKind.servfail,
    ResponseKind.good,
    ResponseKind.formerr,
    ResponseKind.refused,
    ResponseKind.good,
    ResponseKind.refused,
  ]);
});

test('the part of the rcode that an OPT record carries counts, wherever the record is', () => {
  const other = record(QNAME_POINTER, 1, 60, Uint8Array.of(192, 0, 2, 1));
  const soa = record(QNAME_POINTER, RecordType.SOA, 60, new Uint8Array(22));
  expect(kindOf(Rcode.NOERROR, [0, 0, 1], optOf(Rcode.NOERROR))).toBe(ResponseKind.good);
  expect(kindOf(Rcode.NOERROR, [0, 1, 1], soa, optOf(Rcode.NOERROR))).toBe(ResponseKind.good);
  expect(kindOf(Rcode.BADVERS, [0, 0, 1], optOf(Rcode.BADVERS))).toBe(ResponseKind.badVersion);
  expect(kindOf(Rcode.BADVERS, [0, 1, 3], soa, other, optOf(Rcode.BADVERS), other)).toBe(ResponseKind.badVersion);
  // BADMODE and BADTRUNC, whose lower part is that of NXDOMAIN and of YXDOMAIN.
  for (const rcode of [19, 22, Rcode.BADCOOKIE])
    expect(kindOf(rcode, [0, 0, 1], optOf(rcode))).toBe(ResponseKind.refused);
});

test('records that are cut, or fewer than counted, carry no part of the rcode, and nothing is read behind the end', () => {
  const whole = optOf(Rcode.BADVERS);
  for (let length = 0; length < whole.length; length++)
    expect(kindOf(Rcode.NOERROR, [0, 0, 1], whole.subarray(0, length))).toBe(ResponseKind.good);
  expect(kindOf(Rcode.NOERROR, [0, 0, 0xffff], optOf(0).subarray(0, 0))).toBe(ResponseKind.good);
  const long = record(QNAME_POINTER, 1, 60, Uint8Array.of(192, 0, 2, 1));
  long[11] = 200;
  expect(kindOf(Rcode.NOERROR, [0, 0, 2], long, whole)).toBe(ResponseKind.good);
});

test('EDNS is refused by BADVERS, and by FORMERR without any additional record', () => {
  const withOne = header(7, 0x8181, { questions: 1, additionals: 1 });
  const without = header(7, 0x8181, { questions: 1 });
  const refusals = [ResponseKind.badVersion, ResponseKind.formerr, ResponseKind.refused, ResponseKind.good];
  expect(refusals.map((kind) => refusesEdns(kind, withOne, 0))).toEqual([true, false, false, false]);
  expect(refusals.map((kind) => refusesEdns(kind, without, 0))).toEqual([true, true, false, false]);
});
