/**
 * Invariant: what readPlainResponse accepts, readResponse accepts too, and both say the same of it. Where it says no,
 * nothing is lost, for readResponse is asked then. What nearly all responses are it must accept.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, Rcode, RecordType } from '../../src/dns/iana.ts';
import { ResponseSummary, readPlainResponse } from '../../src/dns/plain-response.ts';
import { nameBytes } from '../../src/dns/name.ts';
import { readUint16 } from '../../src/dns/patch.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { equalizeTtls } from '../../src/dns/equal-ttls.ts';
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

const FLAGS = HeaderFlag.QR | HeaderFlag.RD | HeaderFlag.RA;
const NAME = 'www.example';
const QNAME = wireName(NAME);
const A_RDATA = hex('c0000201');
const AAAA_RDATA = hex('20010db8000000000000000000000001');
/** Where the first record's RDATA begins, its owner a pointer. */
const FIRST_RDATA = HEADER_BYTES + QNAME.length + 4 + 12;
const address = record(QNAME_POINTER, RecordType.A, 300, A_RDATA);
const alias = (ttlSeconds = 60) => record(QNAME_POINTER, RecordType.CNAME, ttlSeconds, wireName('edge.cdn.test'));
const soa = (owner: Uint8Array | string = 'example', ttlSeconds = 900) =>
  record(owner, RecordType.SOA, ttlSeconds, soaRdata(60));

interface Parts {
  readonly qtype?: number;
  readonly flags?: number;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
}

function response({ qtype = 1, flags = 0, answers = [], authorities = [], additionals = [] }: Parts): Uint8Array {
  const counts = {
    questions: 1,
    answers: answers.length,
    authorities: authorities.length,
    additionals: additionals.length,
  };
  return concat(header(7, FLAGS | flags, counts), question(NAME, qtype), ...answers, ...authorities, ...additionals);
}

const PLAIN: readonly (readonly [string, Uint8Array])[] = [
  ['one address', response({ answers: [address] })],
  ['two addresses and OPT', response({ answers: [address, address], additionals: [opt()] })],
  ['an IPv6 address', response({ qtype: 28, answers: [record(QNAME_POINTER, 28, 60, AAAA_RDATA)] })],
  [
    'an alias, its target by pointer',
    response({ answers: [alias(), record(words(0xc000 | FIRST_RDATA), 1, 30, A_RDATA)], additionals: [opt()] }),
  ],
  ['an alias, its target in full', response({ answers: [alias(), record('EDGE.cdn.test', 1, 30, A_RDATA)] })],
  [
    'two aliases',
    response({
      answers: [
        alias(),
        record(words(0xc000 | FIRST_RDATA), 5, 30, wireName('n.example')),
        record('n.example', 1, 5, A_RDATA),
      ],
    }),
  ],
  ['no data', response({ authorities: [soa()], additionals: [opt()] })],
  ['no data of type HTTPS', response({ qtype: 65, authorities: [soa()] })],
  ['no data behind an alias', response({ answers: [alias()], authorities: [soa('cdn.test')] })],
  ['no data, the SOA of another zone', response({ authorities: [soa('other.test')] })],
  ['no such name', response({ flags: Rcode.NXDOMAIN, authorities: [soa(words(0xc010))], additionals: [opt()] })],
  ['no such name, the root zone', response({ flags: Rcode.NXDOMAIN, authorities: [soa('.')] })],
  ['nothing', response({})],
  ['an extended error', response({ answers: [address], additionals: [opt(option(15, hex('0016 41')))] })],
  ['AD', response({ flags: HeaderFlag.AD, answers: [address] })],
];

const OTHER: readonly (readonly [string, Uint8Array])[] = [
  ['SERVFAIL', response({ flags: Rcode.SERVFAIL })],
  ['truncated', response({ flags: HeaderFlag.TC })],
  ['addresses of two TTLs', response({ answers: [address, record(QNAME_POINTER, 1, 299, A_RDATA)] })],
  ['the alias behind its target', response({ answers: [record('edge.cdn.test', 1, 30, A_RDATA), alias()] })],
  ['a record out of the chain', response({ answers: [address, record('x.test', 1, 30, A_RDATA)] })],
  ['an alias to itself', response({ answers: [record(QNAME_POINTER, 5, 60, QNAME_POINTER)] })],
  [
    'a signature',
    response({ answers: [address, record(QNAME_POINTER, 46, 300, concat(new Uint8Array(18), hex('00')))] }),
  ],
  ['another type', response({ qtype: 16, answers: [record(QNAME_POINTER, 16, 60, hex('01 61'))] })],
  [
    'OPT before another record',
    response({ answers: [address], additionals: [opt(), record('x.test', 1, 5, A_RDATA)] }),
  ],
  ['an upper rcode', response({ answers: [address], additionals: [opt(hex(''), 0x0100_0000)] })],
  ['an octet too many', concat(response({ answers: [address] }), hex('00'))],
  ['a name server', response({ answers: [address], authorities: [record('example', 2, 60, wireName('ns.example'))] })],
];

const asked = (qtype: number) => ({ qname: QNAME, qnameBytes: QNAME.length, qtype });
const qtypeOf = (message: Uint8Array) => readUint16(message, HEADER_BYTES + QNAME.length);

/** Reads it where it lies among others. */
function readAt(start: number, message: Uint8Array, qtype: number): ResponseSummary | undefined {
  const bytes = new Uint8Array(start + message.length + 9).fill(0xee);
  bytes.set(message, start);
  const into = new ResponseSummary();
  return readPlainResponse(into, bytes, start, start + message.length, asked(qtype)) ? into : undefined;
}

function targetsOf({ targets, targetCount, targetsBytes }: ResponseSummary): Uint8Array[] {
  const names: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; index < targetCount; index++) {
    const bytes = nameBytes(targets, at);
    names.push(Uint8Array.from(targets.subarray(at, at + bytes)));
    at += bytes;
  }
  expect(at).toBe(targetsBytes);
  return names;
}

function expectSame(message: Uint8Array, plain: ResponseSummary): void {
  const view = readResponse(message);
  if (view === undefined) throw new Error('accepted here, malformed there');
  expect(view.rebuilt).toBeUndefined();
  expect(plain).toMatchObject({
    flags: view.flags,
    rcode: view.rcode,
    kind: view.kind,
    answerCount: view.answerCount,
    authorityCount: readUint16(message, 8),
    additionalCount: readUint16(message, 10) - (view.optStart > 0 ? 1 : 0),
    bodyStart: HEADER_BYTES + QNAME.length + 4,
    bodyEnd: view.optStart > 0 ? view.optStart : message.length,
    ttlSecondsMin: view.ttlSecondsMin,
    negativeTtlSeconds: view.negativeTtlSeconds ?? -1,
    extendedError: view.extendedError ?? -1,
  });
  expect(Array.from(plain.ttlOffsets.subarray(0, plain.ttlCount))).toEqual(view.ttlOffsets);
  expect(targetsOf(plain)).toEqual(view.targets.map((target) => Uint8Array.from(target)));
  // What is plain needs no RRset's TTLs made equal.
  const equalized = message.slice();
  equalizeTtls(equalized, plain.bodyStart, view.ttlOffsets);
  expect(equalized).toEqual(message);
}

describe('readPlainResponse', () => {
  it.each(PLAIN)('accepts %s, as readResponse does, wherever it lies', (_, message) => {
    for (const start of [0, 17]) {
      const plain = readAt(start, message, qtypeOf(message));
      if (plain === undefined) throw new Error('not plain');
      expectSame(message, plain);
    }
  });

  it.each(OTHER)('leaves %s to readResponse', (_, message) => {
    expect(readAt(17, message, qtypeOf(message))).toBeUndefined();
  });

  it.each(PLAIN)('wants the question that was asked: %s', (_, message) => {
    expect(readAt(0, message, qtypeOf(message) + 1)).toBeUndefined();
    const otherName = message.slice();
    otherName[HEADER_BYTES + 1]! ^= 1;
    expect(readAt(0, otherName, qtypeOf(message))).toBeUndefined();
    const otherClass = message.slice();
    otherClass[HEADER_BYTES + QNAME.length + 3] = 3;
    expect(readAt(0, otherClass, qtypeOf(message))).toBeUndefined();
  });

  it('accepts no cut message', () => {
    for (const [, message] of PLAIN) {
      for (let end = 0; end < message.length; end++) {
        expect(readAt(17, message.subarray(0, end), qtypeOf(message))).toBeUndefined();
      }
    }
  });

  it('says the same as readResponse of responses put together from records as they come', () => {
    const owners = [QNAME_POINTER, 'WWW.example', 'edge.cdn.test', words(0xc000 | FIRST_RDATA), 'n.example'] as const;
    const owner = fc.constantFrom(...owners);
    const ttlSeconds = fc.constantFrom(0, 60, 300, 0x8000_0000);
    const answer = fc.oneof(
      fc.tuple(owner, ttlSeconds).map(([name, ttl]) => record(name, 1, ttl, A_RDATA)),
      fc.tuple(owner, ttlSeconds).map(([name, ttl]) => record(name, 28, ttl, AAAA_RDATA)),
      fc
        .tuple(owner, ttlSeconds, fc.constantFrom('edge.cdn.test', 'n.example', NAME))
        .map(([name, ttl, target]) => record(name, 5, ttl, wireName(target))),
    );
    const ofTarget = fc.constantFrom<Uint8Array | string>('edge.cdn.test', words(0xc000 | FIRST_RDATA));
    const aliased = fc
      .tuple(ttlSeconds, fc.array(ofTarget, { maxLength: 3 }), fc.array(answer, { maxLength: 1 }))
      .map(([ttl, names, more]) => [alias(ttl), ...names.map((name) => record(name, 1, 60, A_RDATA)), ...more]);
    const zone = fc.constantFrom<Uint8Array | string>(
      'example',
      '.',
      'cdn.test',
      'n.example',
      'a.n.example',
      words(0xc010),
    );
    const authority = fc.tuple(zone, ttlSeconds).map(([name, ttl]) => soa(name, ttl));
    const additional = fc.constantFrom(opt(), opt(option(15, hex('0006'))), opt(option(10, hex('01'))), address);
    const parts = fc.record({
      qtype: fc.constantFrom(1, 28, 65, 5, 255),
      flags: fc.constantFrom(0, Rcode.NXDOMAIN, HeaderFlag.AD),
      answers: fc.oneof(fc.array(answer, { maxLength: 4 }), aliased),
      authorities: fc.array(authority, { maxLength: 2 }),
      additionals: fc.array(additional, { maxLength: 2 }),
    });
    let accepted = 0;
    let isAliased = 0;
    fc.assert(
      fc.property(parts, (each) => {
        const message = response(each);
        const plain = readAt(5, message, each.qtype);
        if (plain === undefined) return;
        accepted++;
        if (plain.targetCount > 0 && plain.kind === 'answer') isAliased++;
        expectSame(message, plain);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
    expect(isAliased).toBeGreaterThan(10);
  });

  it('says the same as readResponse of whatever octets it accepts', () => {
    let accepted = 0;
    const seeds = [...PLAIN, ...OTHER].map(([, message]) => message);
    fc.assert(
      fc.property(mutated(seeds), fc.nat(40), (message, start) => {
        if (message.length > MESSAGE_BYTES_MAX || message.length < HEADER_BYTES) return;
        const plain = readAt(start, message, message.length > 30 ? qtypeOf(message) : 1);
        if (plain === undefined) return;
        accepted++;
        expectSame(message, plain);
      }),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it('says nothing of the response before', () => {
    const into = new ResponseSummary();
    for (const [, message] of [...PLAIN, ...PLAIN.toReversed()]) {
      expect(readPlainResponse(into, message.slice(), 0, message.length, asked(qtypeOf(message)))).toBe(true);
      expectSame(message, into);
    }
  });
});
