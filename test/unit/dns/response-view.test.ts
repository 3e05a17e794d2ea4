import { describe, expect, it } from 'vitest';
import { EdnsOption, HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { nameToText } from '../../../src/dns/name.ts';
import { readUint32 } from '../../../src/dns/patch.ts';
import { readResponse, type ResponseView } from '../../../src/dns/response-view.ts';
import {
  concat,
  type Counts,
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
} from '../../support/wire.ts';
import { stripResponse } from '../../support/strip-response.ts';

const FLAGS = HeaderFlag.QR | HeaderFlag.RD | HeaderFlag.RA;
const address = record(QNAME_POINTER, RecordType.A, 300, hex('c0000201'));

function response(counts: Counts, records: Uint8Array[], rcode = 0, name = 'Www.Example', type = 1): Uint8Array {
  return concat(header(7, FLAGS | rcode, { questions: 1, ...counts }), question(name, type), ...records);
}

function read(message: Uint8Array): ResponseView {
  const view = readResponse(message);
  if (view === undefined) throw new Error('malformed');
  return view;
}

describe('readResponse', () => {
  it('reads header, question, TTLs and OPT', () => {
    const ede = option(EdnsOption.EDE, hex('0016 41'));
    const message = response({ answers: 1, additionals: 1 }, [address, opt(ede, 0x0100_8000)]);
    const view = read(message);
    expect(view).toMatchObject({
      id: 7,
      flags: FLAGS,
      rcode: Rcode.BADVERS,
      kind: 'failure',
      qtype: 1,
      qclass: 1,
      answerCount: 1,
      droppedCount: 0,
      ttlSecondsMin: 300,
      negativeTtlSeconds: undefined,
      targets: [],
      ednsVersion: 0,
      udpPayloadBytes: 1232,
      dnssecOk: true,
      extendedError: 22,
      rebuilt: undefined,
    });
    expect(nameToText(view.qname, 0)).toBe('www.example');
    expect(nameToText(view.rawQname, 0)).toBe('Www.Example');
    expect(message.subarray(view.optStart, view.optEnd)).toEqual(opt(ede, 0x0100_8000));
    expect(view.ttlOffsets.map((offset) => readUint32(message, offset))).toEqual([300]);
  });

  it('accepts the header-only error of a server that did not read the question', () => {
    expect(read(header(7, FLAGS | Rcode.FORMERR))).toMatchObject({ rcode: 1, kind: 'failure', questionCount: 0 });
  });

  it('says what kind of answer it is', () => {
    const soa = record('example', RecordType.SOA, 900, soaRdata(60));
    const alias = record(QNAME_POINTER, RecordType.CNAME, 300, wireName('x.example'));
    expect(read(response({ answers: 1 }, [address])).kind).toBe('answer');
    expect(read(response({ answers: 1 }, [address], 0, 'a.example', RecordType.ANY)).kind).toBe('answer');
    expect(read(response({ answers: 1, authorities: 1 }, [alias, soa])).kind).toBe('nodata');
    expect(read(response({ authorities: 1 }, [soa])).kind).toBe('nodata');
    expect(read(response({ authorities: 1 }, [soa], Rcode.NXDOMAIN)).kind).toBe('nxdomain');
    expect(read(response({}, [], Rcode.SERVFAIL)).kind).toBe('failure');
  });
});

describe('malformed responses', () => {
  const good = response({ answers: 1 }, [address]);
  it.each([
    ['a query', concat(header(7, 0, { questions: 1 }), question('a.example'))],
    ['another opcode', concat(header(7, FLAGS | 0x2000, { questions: 1 }), question('a.example'))],
    ['two questions', concat(header(7, FLAGS, { questions: 2 }), question('a.example'), question('a.example'))],
    ['a compressed question', concat(header(7, FLAGS, { questions: 1 }), hex('c00c 0001 0001'))],
    ['no header', good.slice(0, 11)],
    ['more octets than a message can have', new Uint8Array(65_536).fill(0x80)],
    ['an octet too few', good.slice(0, good.length - 1)],
    ['an octet too many', concat(good, hex('00'))],
    ['a record that is missing', response({ answers: 2 }, [address])],
    ['an address of 3 octets', response({ answers: 1 }, [record(QNAME_POINTER, 1, 0, hex('c00002'))])],
    ['an address of 5 octets', response({ answers: 1 }, [record(QNAME_POINTER, 1, 0, hex('c000020101'))])],
    ['a CNAME with octets behind its name', response({ answers: 1 }, [record(QNAME_POINTER, 5, 0, hex('00 00'))])],
    [
      'a CNAME whose name leaves the RDATA',
      response({ answers: 1 }, [record(QNAME_POINTER, 5, 0, hex('03 61')), address]),
    ],
    ['a CNAME to itself by pointer', response({ answers: 1 }, [record(QNAME_POINTER, 5, 0, words(0xc000 | 41))])],
    ['a SOA without its numbers', response({ authorities: 1 }, [record('example', 6, 0, hex('00 00 00000001'))])],
    ['a TXT without a string', response({ answers: 1 }, [record(QNAME_POINTER, 16, 0, hex(''))])],
    ['a TXT string beyond RDATA', response({ answers: 1 }, [record(QNAME_POINTER, 16, 0, hex('01 61 05 61'))])],
    [
      'an HTTPS parameter beyond RDATA',
      response({ answers: 1 }, [record(QNAME_POINTER, 65, 0, hex('0001 00 0001 0008 02'))]),
    ],
    ['OPT in the answer section', response({ answers: 1 }, [opt()])],
    ['two OPT records', response({ additionals: 2 }, [opt(), opt()])],
    ['OPT below a name', response({ additionals: 1 }, [record('a', RecordType.OPT, 0, hex(''))])],
    ['half an option', response({ additionals: 1 }, [opt(hex('000a'))])],
    ['an option beyond RDATA', response({ additionals: 1 }, [opt(hex('000a 0002 00'))])],
  ])('%s', (_, message) => {
    expect(readResponse(message)).toBeUndefined();
  });
});

describe('stripResponse', () => {
  it('cuts the OPT record from the end', () => {
    const message = response({ answers: 1, additionals: 1 }, [address, opt()]);
    const view = read(message);
    expect(stripResponse(message, view)).toEqual(response({ answers: 1 }, [address]));
  });

  it('returns a copy where there is nothing to strip', () => {
    const message = response({ answers: 1 }, [address]);
    const stripped = stripResponse(message, read(message));
    expect(stripped).toEqual(message);
    stripped.fill(0);
    expect(message[3]).not.toBe(0);
  });

  it('writes the message anew where records follow the OPT record', () => {
    const glue = record(words(0xc000 | 16), RecordType.A, 60, hex('c0000202'));
    const message = response({ answers: 1, additionals: 3 }, [
      address,
      glue,
      opt(hex('000a 0008 0102030405060708')),
      glue,
    ]);
    const view = read(message);
    const stripped = stripResponse(message, view);
    expect(view.ttlOffsets.map((offset) => readUint32(stripped, offset))).toEqual([300, 60, 60]);
    const whole = record('Example', RecordType.A, 60, hex('c0000202'));
    const expected = [record('Www.Example', RecordType.A, 300, hex('c0000201')), whole, whole];
    expect(stripped).toEqual(response({ answers: 1, additionals: 2 }, expected));
  });

  it('leaves out answers to another question, and what is left reads the same', () => {
    const stray = record('bank.example', RecordType.A, 1, hex('c0000209'));
    const mail = record(QNAME_POINTER, RecordType.MX, 90, concat(words(10), words(0xc000 | 16)));
    const message = response({ answers: 3, additionals: 1 }, [stray, address, mail, opt()]);
    const view = read(message);
    expect(view).toMatchObject({ answerCount: 2, droppedCount: 1, ttlSecondsMin: 90 });
    const stripped = stripResponse(message, view);
    expect(read(stripped)).toMatchObject({
      answerCount: 2,
      droppedCount: 0,
      ttlSecondsMin: 90,
      ttlOffsets: view.ttlOffsets,
      optStart: 0,
    });
    expect(nameToText(stripped, stripped.length - 9)).toBe('Example');
  });

  it('is malformed where names in full would make it too large', () => {
    const mail = record(QNAME_POINTER, RecordType.MX, 90, concat(words(10), QNAME_POINTER));
    const stray = record('bank.example', RecordType.A, 1, hex('c0000209'));
    const many = Array.from({ length: 3000 }, () => mail);
    const name = Array.from({ length: 60 }, () => 'aaa').join('.');
    expect(readResponse(response({ answers: 3000 }, many, 0, name))).toBeDefined();
    expect(readResponse(response({ answers: 3001 }, [...many, stray], 0, name))).toBeUndefined();
  });
});
