import { expect, test } from 'vitest';
import { decodeMessage } from '../../../../src/dns/codec.ts';
import { EdnsOption, HEADER_BYTES } from '../../../../src/dns/iana.ts';
import { clientSubnetOf } from '../../../../src/data-plane/upstream/client-subnet.ts';
import {
  paddedLength,
  prepareQuery,
  QUERY_BYTES_MAX,
  randomizeCase,
  writePadding,
  writeQuery,
} from '../../../../src/data-plane/upstream/query-message.ts';
import { RandomWords } from '../../../../src/data-plane/upstream/random-words.ts';
import { question } from '../../../support/upstream-harness.ts';
import { hex, wireName } from '../../../support/wire.ts';

test('a query is what dns2 reads as one question with an OPT record, and without it when EDNS is left out', () => {
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question('www.Example.com', { qtype: 65, dnssecOk: true }), {
    udpPayloadBytes: 1232,
  });
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
  const questionEnd = writeQuery(query, question(longest), {
    udpPayloadBytes: 1232,
    clientSubnet: clientSubnetOf('2001:db8::1/128'),
  });
  expect(prepareQuery(query, questionEnd, 1, true)).toBe(QUERY_BYTES_MAX);
});

test.each([
  ['192.0.2.77/24', '0001 18 00 c00002'],
  ['192.0.2.255/25', '0001 19 00 c0000280'],
  ['192.0.2.77/32', '0001 20 00 c000024d'],
  ['2001:db8:ff:ffff::/47', '0002 2f 00 20010db800fe'],
  ['0.0.0.0/0', '0001 00 00'],
])('RFC 7871 6: the subnet %s goes as one option, and not into what is left out with EDNS', (prefix, data) => {
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question('www.example.com'), {
    udpPayloadBytes: 1232,
    clientSubnet: clientSubnetOf(prefix),
  });
  const message = decodeMessage(query.slice(0, prepareQuery(query, questionEnd, 1, true)));
  expect(message?.edns?.options).toEqual([{ code: EdnsOption.ECS, data: hex(data) }]);
  expect(decodeMessage(query.slice(0, prepareQuery(query, questionEnd, 1, false)))?.edns).toBeUndefined();
  writeQuery(query, question('www.example.com'), { udpPayloadBytes: 1232 });
  expect(decodeMessage(query.slice(0, prepareQuery(query, questionEnd, 1, true)))?.edns?.options).toEqual([]);
});

test('padding comes behind the subnet', () => {
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const questionEnd = writeQuery(query, question('www.example.com'), {
    udpPayloadBytes: 1232,
    clientSubnet: clientSubnetOf('192.0.2.0/24'),
  });
  const bare = prepareQuery(query, questionEnd, 1, true);
  const padded = new Uint8Array(paddedLength(bare, 128));
  padded.set(query.subarray(0, bare));
  writePadding(padded, questionEnd, bare);
  expect(padded).toHaveLength(128);
  expect(decodeMessage(padded)?.edns?.options.map(({ code }) => code)).toEqual([EdnsOption.ECS, EdnsOption.PADDING]);
});

test('random case touches letters only: not digits, not hyphens, not label lengths, not qtype', () => {
  // Labels of 33 and 65 - 32 octets would look like letters' neighbours if lengths were folded.
  const name = `${'x1-_'.repeat(12)}.${'\\000@[`{'.repeat(4)}.example`;
  const query = new Uint8Array(QUERY_BYTES_MAX);
  const asked = question(name, { qtype: 0x4142 });
  const questionEnd = writeQuery(query, asked, { udpPayloadBytes: 1232 });
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
