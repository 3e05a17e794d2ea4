import { expect, test } from 'vitest';
import { decodeMessage } from '../../../../src/dns/codec.ts';
import { HEADER_BYTES } from '../../../../src/dns/iana.ts';
import {
  prepareQuery,
  QUERY_BYTES_MAX,
  randomizeCase,
  writeQuery,
} from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import { question } from '../../../support/upstream-harness.ts';
import { wireName } from '../../../support/wire.ts';

test('a query is what dns2 reads as one question with an OPT record, and without it when EDNS is left out', () => {
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question('www.Example.com', { qtype: 65, dnssecOk: true }), 1232);
  const withEdns = decodeMessage(query.slice(0, prepareQuery(query, questionEnd, 0xbeef, true)));
  expect(withEdns).toMatchObject({
    id: 0xbeef,
    opcode: 0,
    questions: [{ type: 65, recordClass: 1 }],
    answers: [],
    edns: { version: 0, udpPayloadBytes: 1232, dnssecOk: true, options: [] },
  });
  const plain = decodeMessage(query.slice(0, prepareQuery(query, questionEnd, 1, false)));
  expect(plain).toMatchObject({ id: 1, questions: [{ type: 65 }], edns: undefined });
});

test('the longest name fits', () => {
  const label = 'a'.repeat(63);
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`;
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question(longest), 1232);
  expect(prepareQuery(query, questionEnd, 1, true)).toBe(QUERY_BYTES_MAX);
});

test('random case touches letters only: not digits, not hyphens, not label lengths, not qtype', () => {
  // Labels of 33 and 65 - 32 octets would look like letters' neighbours if lengths were folded.
  const name = `${'x1-_'.repeat(12)}.${'\\000@[`{'.repeat(4)}.example`;
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const asked = question(name, { qtype: 0x4142 });
  const questionEnd = writeQuery(query, asked, 1232);
  const before = query.slice(0, questionEnd);
  const random = new RandomWords();
  const seen = new Set<string>();
  for (let count = 0; count < 50; count++) {
    randomizeCase(query, questionEnd, random);
    seen.add(Buffer.from(query.subarray(0, questionEnd)).toString('latin1'));
    for (let offset = 0; offset < questionEnd; offset++) {
      const isLetter = offset >= HEADER_BYTES && /[a-z]/u.test(String.fromCodePoint(before[offset]!));
      const isNameOctet = offset < HEADER_BYTES + wireName(name).length;
      if (isLetter && isNameOctet) expect(query[offset]! | 0x20).toBe(before[offset]);
      else expect(query[offset]).toBe(before[offset]);
    }
  }
  expect(seen.size).toBeGreaterThan(40);
});
