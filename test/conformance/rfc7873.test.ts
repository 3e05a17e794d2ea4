import { describe, expect, it } from 'vitest';
import { QueryFault, QueryView, readQuery } from '../../src/dns/query-view.ts';
import { concat, header, hex, opt, option, question } from '../support/wire.ts';

function withCookie(cookieBytes: number, questions: 0 | 1 = 1): QueryView {
  const view = new QueryView();
  const cookie = option(10, new Uint8Array(cookieBytes).fill(7));
  const asked = questions === 1 ? question('a.example') : hex('');
  const message = concat(header(1, 0, { questions, additionals: 1 }), asked, opt(cookie));
  readQuery(view, message, 0, message.length);
  return view;
}

describe('RFC 7873', () => {
  it('5.2.2 a cookie that is shorter than 8, 9 to 15, or longer than 40 octets: "FORMERR is generated"', () => {
    for (let cookieBytes = 0; cookieBytes <= 48; cookieBytes += 1) {
      const isLegal = cookieBytes === 8 || (cookieBytes >= 16 && cookieBytes <= 40);
      expect(withCookie(cookieBytes).fault).toBe(isLegal ? QueryFault.none : QueryFault.malformed);
      expect(withCookie(cookieBytes).cookieBytes).toBe(isLegal ? cookieBytes : 0);
    }
  });

  it('5 of several COOKIE options only the first counts', () => {
    const view = new QueryView();
    const options = concat(option(10, hex('0102030405060708')), option(10, hex('00')));
    const message = concat(header(1, 0, { questions: 1, additionals: 1 }), question('a.example'), opt(options));
    expect(readQuery(view, message, 0, message.length)).toBe(QueryFault.none);
    expect(view.cookieBytes).toBe(8);
  });

  it('5.4 a query with QDCOUNT 0 and a COOKIE option asks for a server cookie', () => {
    expect(withCookie(8, 0).fault).toBe(QueryFault.cookieOnly);
    expect(withCookie(24, 0).fault).toBe(QueryFault.cookieOnly);
    expect(withCookie(9, 0).fault).toBe(QueryFault.malformed);
  });
});
