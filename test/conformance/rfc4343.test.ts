/** RFC 4343, Domain Name System (DNS) Case Insensitivity Clarification. */
import { describe, expect, it } from 'vitest';
import { ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, cnameRecord } from '../support/scripted-answers.ts';
import { FOLD, nameFromText, namesEqual, nameToText } from '../../src/dns/name.ts';
import { hex, wireName } from '../support/wire.ts';

describe('RFC 4343', () => {
  it(String.raw`2.1 octets outside 0x21 to 0x7e, the dot and the backslash are written with an escape`, () => {
    expect(nameToText(hex('06 4d 2e 41 5c 20 7f 00'), 0)).toBe(String.raw`M\.A\\\032\127`);
    expect(nameFromText(String.raw`Donald\032E\.\032Eastlake\0323rd.example`)).toEqual(
      wireName(String.raw`\068onald\032E\.\032Eastlake\0323rd.example`),
    );
  });

  it('3 "comparisons on name lookup for DNS queries should be case insensitive": ASCII letters only', () => {
    expect(namesEqual(wireName('ExAmPle'), 0, wireName('eXaMpLE'), 0)).toBe(true);
    for (let octet = 0; octet < 256; octet += 1) {
      const isLetter = octet >= 0x41 && octet <= 0x5a;
      expect(FOLD[octet]).toBe(isLetter ? octet + 0x20 : octet);
    }
    expect(namesEqual(hex('01 c4 00'), 0, hex('01 e4 00'), 0)).toBe(false);
  });

  it('3 lists, exceptions and the cache know no case', () => {
    const weir = new ResolverHarness({
      entries: [{ name: 'listed.example' }, { name: 'ok.listed.example', kind: 'allow' }],
    });
    expect(weir.ask('WWW.LISTED.Example').decoded.answers[0]?.data).toBe('127.0.0.1');
    weir.ask('oK.LiSTeD.example');
    weir.upstream.last.answer({ answers: [aRecord('ok.listed.example')] });
    expect(weir.ask('OK.listed.EXAMPLE')).toMatchObject({
      wasLate: false,
      decoded: { answers: [{ data: '192.0.2.7' }] },
    });
  });

  it('4.1 the letters of a question come back as they were sent: to each client its own', () => {
    const weir = new ResolverHarness();
    const names = ['wWw.eXaMPLE', 'www.example', 'WWW.EXAMPLE'];
    const replies = names.map((name) => weir.ask(name));
    weir.upstream.last.answer({ answers: [aRecord('www.example')] });
    expect(replies.map(({ decoded }) => decoded.questions[0]?.name)).toEqual(names);
    expect(weir.ask('Www.Example').decoded.questions[0]?.name).toBe('Www.Example');
  });

  it('4.1 the letters of names in the data are kept as the upstream sent them', () => {
    const weir = new ResolverHarness();
    const first = weir.ask('www.example');
    weir.upstream.last.answer({ answers: [cnameRecord('www.example', 'HOST.Example'), aRecord('HOST.Example')] });
    for (const { decoded } of [first, weir.ask('www.example')]) {
      expect(decoded.answers[0]?.data).toBe('HOST.Example.');
      expect(decoded.answers[1]?.name).toBe('HOST.Example');
    }
  });

  it('3 a chain is followed and judged whatever the case of its links', () => {
    const weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
    const reply = weir.ask('www.example');
    weir.upstream.last.answer({
      answers: [cnameRecord('WWW.example', 'MID.Example'), cnameRecord('mid.EXAMPLE', 'Sub.LISTED.example')],
    });
    expect(reply.decoded.answers.map(({ data }) => data)).toEqual(['127.0.0.1']);
  });
});
