import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeQuery } from '../../../src/dns/codec.ts';
import { encodeResponse } from '../../support/encode-response.ts';
import { encodeOption, extendedErrorOption } from '../../../src/dns/edns.ts';
import { HeaderFlag, Rcode, RecordType } from '../../../src/dns/iana.ts';
import { concat, header, hex, opt, question, record, soaRdata, wireName, words } from '../../support/wire.ts';

describe('encodeQuery', () => {
  it('asks with recursion desired and EDNS unless told otherwise', () => {
    expect(encodeQuery({ id: 5, name: 'a.example', type: RecordType.TXT })).toEqual(
      concat(header(5, HeaderFlag.RD, { questions: 1, additionals: 1 }), question('a.example', RecordType.TXT), opt()),
    );
    expect(
      encodeQuery({ id: 5, name: '.', type: 2, recordClass: 3, recursionDesired: false, udpPayloadBytes: 0 }),
    ).toEqual(concat(header(5, 0, { questions: 1 }), question('.', 2, 3)));
  });

  it('carries DO, CD and options', () => {
    const options = [encodeOption(3, hex('')), encodeOption(4711, hex('ff'))];
    const query = encodeQuery({ id: 0, name: 'a', type: 1, dnssecOk: true, checkingDisabled: true, options });
    expect(query).toEqual(
      concat(
        header(0, HeaderFlag.RD | HeaderFlag.CD, { questions: 1, additionals: 1 }),
        question('a'),
        opt(concat(...options), 0x8000),
      ),
    );
  });

  it('refuses a name that is none', () => {
    expect(encodeQuery({ id: 0, name: 'a..b', type: 1 })).toBeUndefined();
  });
});

describe('decodeMessage', () => {
  it('tells records as a master file would', () => {
    const answers = [
      record('a.example', RecordType.A, 1, hex('c0000201')),
      record('a.example', RecordType.AAAA, 2, hex('20010db8000000000000000000000001')),
      record('a.example', RecordType.CNAME, 3, wireName('b.example')),
      record('a.example', RecordType.NS, 4, wireName('ns.example')),
      record('a.example', RecordType.MX, 5, concat(words(10), wireName('mx.example'))),
      record('a.example', RecordType.SRV, 6, concat(words(1, 2, 443), wireName('.'))),
      record('a.example', RecordType.TXT, 7, hex('04 61 22 5c 0a 00')),
      record('example', RecordType.SOA, 8, soaRdata(5)),
      record('a.example', RecordType.CAA, 9, hex('00 05 6973737565 63612e78')),
      record('a.example', RecordType.DS, 10, hex('0102030405')),
      record('a.example', 4711, 11, hex('')),
    ];
    const message = concat(
      header(1, 0x8180, { questions: 1, answers: answers.length }),
      question('a.example'),
      ...answers,
    );
    expect(decodeMessage(message)?.answers.map(({ ttlSeconds, data }) => `${ttlSeconds} ${data}`)).toEqual([
      '1 192.0.2.1',
      '2 2001:db8::1',
      '3 b.example.',
      '4 ns.example.',
      '5 10 mx.example.',
      '6 1 2 443 .',
      String.raw`7 "a\"\\\010" ""`,
      '8 ns.example. host.example. 1 2 3 4 5',
      '9 0 issue "ca.x"',
      String.raw`10 \# 5 0102030405`,
      String.raw`11 \# 0`,
    ]);
  });

  it('tells EDNS whole: options that dns2 does not know, extended errors, the 12-bit rcode', () => {
    const options = concat(extendedErrorOption(16, 'list=x'), encodeOption(4711, hex('ff')));
    const message = concat(
      header(1, 0x8180, { questions: 1, additionals: 1 }),
      question('a.example'),
      opt(options, 0x0100_8000),
    );
    expect(decodeMessage(message)).toMatchObject({
      rcode: Rcode.BADVERS,
      additionals: [],
      edns: {
        version: 0,
        udpPayloadBytes: 1232,
        dnssecOk: true,
        options: [{ code: 15 }, { code: 4711, data: hex('ff') }],
        extendedErrors: [{ infoCode: 16, text: 'list=x' }],
      },
    });
  });

  it('lets no control character of a name through', () => {
    const message = concat(header(1, 0, { questions: 1 }), hex('03 1b5b41 00 0001 0001'));
    expect(decodeMessage(message)?.questions).toEqual([{ name: String.raw`\027[A`, type: 1, recordClass: 1 }]);
    expect(decodeMessage(concat(header(1, 0, { questions: 1 }), question('.')))?.questions[0]?.name).toBe('.');
  });

  it.each([
    ['too short', hex('00')],
    ['cut', concat(header(1, 0, { questions: 1 }), hex('01 61'))],
    ['followed by an octet', concat(header(1, 0, { questions: 1 }), question('a'), hex('00'))],
    ['with two questions', concat(header(1, 0, { questions: 2 }), question('a'), question('a'))],
  ])('has nothing to tell of a message that is %s', (_, message) => {
    expect(decodeMessage(message)).toBeUndefined();
  });
});

describe('encodeResponse', () => {
  it('writes what decodeMessage reads, with names compressed', () => {
    const message = encodeResponse({
      id: 9,
      flags: HeaderFlag.AA | Rcode.NXDOMAIN,
      question: { name: 'a.example', type: RecordType.A },
      answers: [{ name: 'a.example', type: RecordType.CNAME, ttlSeconds: 60, domain: 'b.example' }],
      authorities: [{ name: 'example', type: 4711, ttlSeconds: 61, data: Buffer.from('ab', 'hex') }],
    });
    expect(decodeMessage(message)).toMatchObject({
      id: 9,
      flags: HeaderFlag.QR | HeaderFlag.AA | Rcode.NXDOMAIN,
      rcode: Rcode.NXDOMAIN,
      answers: [{ name: 'a.example', type: 5, recordClass: 1, ttlSeconds: 60, data: 'b.example.' }],
      authorities: [{ name: 'example', ttlSeconds: 61, data: String.raw`\# 1 ab` }],
      edns: undefined,
    });
    expect(message.length).toBeLessThan(12 + 15 + 2 + 10 + 4 + 2 + 10 + 2);
  });
});
