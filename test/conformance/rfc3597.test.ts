import { describe, expect, it } from 'vitest';
import { className, typeName, typeNumber } from '../../src/dns/iana.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, question, QNAME_POINTER, record } from '../support/wire.ts';
import { stripResponse } from '../support/strip-response.ts';

describe('RFC 3597', () => {
  it('3 RDATA of an unknown type is opaque: kept octet by octet, also where the message is written anew', () => {
    const opaque = record(QNAME_POINTER, 65_280, 60, hex('c00c 3f ff 00'));
    const stray = record('stray.example', 1, 60, hex('c0000201'));
    const message = concat(
      header(1, 0x8180, { questions: 1, answers: 2, additionals: 1 }),
      question('a.example', 65_280),
      stray,
      opaque,
      opt(),
    );
    const view = readResponse(message);
    expect(view).toMatchObject({ answerCount: 1, droppedCount: 1 });
    if (view === undefined) return;
    expect(stripResponse(message, view)).toEqual(
      concat(
        header(1, 0x8180, { questions: 1, answers: 1 }),
        question('a.example', 65_280),
        record('a.example', 65_280, 60, hex('c00c 3f ff 00')),
      ),
    );
  });

  it('5 "the word TYPE immediately followed by the decimal RR type number", and CLASS likewise', () => {
    expect(typeName(65_280)).toBe('TYPE65280');
    expect(typeNumber('TYPE65280')).toBe(65_280);
    expect(typeNumber('TYPE1')).toBe(1);
    expect(className(32)).toBe('CLASS32');
  });
});
