import { describe, expect, it } from 'vitest';
import { EdnsOption, HeaderFlag, RecordClass, RecordType } from '../../../src/dns/iana.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { concat, header, hex, long, opt, option, question, QNAME_POINTER, record, words } from '../../support/wire.ts';

function read(message: Uint8Array, start = 0): QueryView {
  const view = new QueryView();
  expect(readQuery(view, message, start, message.length)).toBe(view.fault);
  return view;
}

const plain = concat(header(0xabcd, HeaderFlag.RD, { questions: 1 }), question('www.Example.com', RecordType.AAAA));

function withOpt(options: Uint8Array, ttl = 0): Uint8Array {
  return concat(header(1, 0, { questions: 1, additionals: 1 }), question('example.com'), opt(options, ttl));
}

describe('readQuery', () => {
  it('reads header and question where they lie', () => {
    const view = read(concat(hex('ffffff'), plain), 3);
    expect(view).toMatchObject({
      fault: QueryFault.none,
      id: 0xabcd,
      flags: HeaderFlag.RD,
      opcode: 0,
      questionCount: 1,
      qnameStart: 15,
      qnameBytes: 17,
      labelCount: 3,
      qtype: RecordType.AAAA,
      qclass: RecordClass.IN,
      questionEnd: 36,
      hasEdns: false,
      udpPayloadBytes: 0,
    });
    expect([...view.labelStarts.subarray(0, 3)]).toEqual([0, 4, 12]);
  });

  it('reads the root as a name without labels', () => {
    const view = read(concat(header(1, 0, { questions: 1 }), question('.', RecordType.NS)));
    expect(view).toMatchObject({ fault: QueryFault.none, qnameBytes: 1, labelCount: 0, questionEnd: 17 });
  });

  it('reads the OPT record and notes the options that we act upon', () => {
    const options = concat(
      option(EdnsOption.NSID, hex('')),
      option(EdnsOption.ECS, hex('0001 18 00 c00002')),
      option(EdnsOption.COOKIE, hex('0102030405060708')),
      option(EdnsOption.KEEPALIVE, hex('')),
      option(EdnsOption.PADDING, hex('0000')),
      option(4711, hex('ff')),
    );
    const message = withOpt(options, 0x8000);
    const view = read(message);
    expect(view).toMatchObject({
      fault: QueryFault.none,
      hasEdns: true,
      ednsVersion: 0,
      udpPayloadBytes: 1232,
      dnssecOk: true,
      cookieBytes: 8,
      hasNsid: true,
      hasKeepalive: true,
    });
    expect(message.subarray(view.cookieStart, view.cookieStart + 8)).toEqual(hex('0102030405060708'));
  });

  it('leaves nothing of the message before in the view', () => {
    const view = read(withOpt(option(EdnsOption.COOKIE, hex('0102030405060708')), 0x8000));
    readQuery(view, plain, 0, plain.length);
    const fresh = read(plain);
    // labelStarts holds old offsets behind labelCount, which nobody reads.
    view.labelStarts.fill(0, view.labelCount);
    expect(view).toEqual(fresh);
    readQuery(view, plain, 0, 5);
    expect(view).toMatchObject({ fault: QueryFault.tooShort, id: 0, qnameBytes: 0, labelCount: 0, questionEnd: 0 });
  });

  it('steps over additional records that are not OPT', () => {
    const signature = record('key.example', RecordType.TSIG, 0, hex('0102'), RecordClass.ANY);
    const message = concat(
      header(1, 0, { questions: 1, additionals: 3 }),
      question('example.com'),
      record(QNAME_POINTER, RecordType.A, 0, hex('c0000201')),
      opt(),
      signature,
    );
    expect(read(message)).toMatchObject({ fault: QueryFault.none, hasEdns: true });
  });

  it('takes the SOA record that an IXFR query carries, but only there', () => {
    const soa = record(QNAME_POINTER, RecordType.SOA, 0, concat(hex('00 00'), ...[1, 2, 3, 4, 5].map(long)));
    const counts = { questions: 1, authorities: 1 };
    const ixfr = concat(header(1, 0, counts), question('example.com', RecordType.IXFR), soa);
    const other = concat(header(1, 0, counts), question('example.com', RecordType.A), soa);
    expect(read(ixfr).fault).toBe(QueryFault.none);
    expect(read(other).fault).toBe(QueryFault.malformed);
  });
});

describe('messages to drop', () => {
  it('are those shorter than a header', () => {
    for (let bytes = 0; bytes < 12; bytes += 1) expect(read(plain.slice(0, bytes)).fault).toBe(QueryFault.tooShort);
  });

  it('are responses, whatever else is wrong with them', () => {
    expect(read(header(1, HeaderFlag.QR)).fault).toBe(QueryFault.isResponse);
    expect(read(header(1, HeaderFlag.QR | 0x7800, { questions: 9 })).fault).toBe(QueryFault.isResponse);
  });
});

describe('malformed queries', () => {
  const one = { questions: 1 };
  it.each([
    ['a compression pointer in the question', concat(header(1, 0, one), hex('c00c 0001 0001'))],
    ['a reserved label type', concat(header(1, 0, one), hex('4100 0001 0001'))],
    ['a question cut in the name', plain.slice(0, 20)],
    ['a question cut in the type', plain.slice(0, plain.length - 3)],
    ['a name of 256 octets', concat(header(1, 0, one), new Uint8Array(256).fill(1), hex('00 0001 0001'))],
    ['an octet behind the last record', concat(plain, hex('00'))],
    [
      'an answer record',
      concat(header(1, 0, { ...one, answers: 1 }), question('a.example'), record('a.example', 1, 0, hex('c0000201'))),
    ],
    ['two OPT records', concat(header(1, 0, { ...one, additionals: 2 }), question('a.example'), opt(), opt())],
    [
      'an OPT record below a name',
      concat(
        header(1, 0, { ...one, additionals: 1 }),
        question('a.example'),
        record('x.example', RecordType.OPT, 0, hex('')),
      ),
    ],
    [
      'an OPT record owned by a pointer',
      concat(
        header(1, 0, { ...one, additionals: 1 }),
        question('a.example'),
        record(words(0xc015), RecordType.OPT, 0, hex('')),
      ),
    ],
    [
      'RDLENGTH beyond the message',
      concat(header(1, 0, { ...one, additionals: 1 }), question('a.example'), opt().slice(0, 9), hex('0001')),
    ],
    ['an additional record that is missing', concat(header(1, 0, { ...one, additionals: 1 }), question('a.example'))],
    ['an option beyond RDLENGTH', withOpt(hex('0003 0004 00'))],
    ['half an option header', withOpt(hex('0003 00'))],
    [
      'an owner pointer that leads forwards',
      concat(
        header(1, 0, { ...one, additionals: 1 }),
        question('a.example'),
        record(words(0xc0ff), 1, 0, hex('c0000201')),
      ),
    ],
  ])('%s', (_, message) => {
    expect(read(message).fault).toBe(QueryFault.malformed);
  });

  it('keep the question where it could be read, so that the FORMERR can repeat it', () => {
    expect(read(concat(plain, hex('00')))).toMatchObject({ qnameBytes: 17, questionEnd: 33 });
    expect(read(plain.slice(0, 20))).toMatchObject({ qnameBytes: 0, labelCount: 0, questionEnd: 12 });
  });

  it('keep hasEdns where OPT was seen', () => {
    expect(read(withOpt(hex('0003 0004 00')))).toMatchObject({ fault: QueryFault.malformed, hasEdns: true });
  });
});

describe('other opcodes', () => {
  it('are never faulty, for the answer is NOTIMP in any case', () => {
    const notify = concat(
      header(1, 0x2000, { questions: 1, answers: 1, additionals: 1 }),
      question('a.example'),
      record('a.example', 1, 0, hex('c0000201')),
      opt(),
    );
    expect(read(notify)).toMatchObject({ fault: QueryFault.none, opcode: 4, qnameBytes: 11, hasEdns: true });
    expect(read(header(1, 0x2800, { questions: 3 }))).toMatchObject({
      fault: QueryFault.none,
      opcode: 5,
      qnameBytes: 0,
    });
    expect(read(concat(header(1, 0x7800, { questions: 1 }), hex('c00c')))).toMatchObject({
      fault: QueryFault.none,
      questionEnd: 12,
    });
  });
});
