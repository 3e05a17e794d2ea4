import { expect, test } from 'vitest';
import {
  matchResponse,
  ResponseKind,
  ResponseMatch,
  responseKind,
} from '../../../../src/data-plane/upstream/match-response.ts';
import { prepareQuery, QUERY_BYTES_MAX, writeQuery } from '../../../../src/data-plane/upstream/query-message.ts';
import { question } from '../../../support/upstream-harness.ts';

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

test('responses are sorted by TC and rcode', () => {
  expect(responseKind(Uint8Array.of(0, 0, 0x83, 0x80), 0)).toBe(ResponseKind.truncated);
  const responses = [0, 1, 2, 3, 4, 5, 6, 9].map((rcode) => Uint8Array.of(0, 0, 0x81, 0x80 | rcode));
  expect(responses.map((bytes) => responseKind(bytes, 0))).toEqual([
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
