import { describe, expect, it } from 'vitest';
import { keepaliveOption } from '../../src/dns/edns.ts';
import { QueryView, readQuery } from '../../src/dns/query-view.ts';
import { concat, header, hex, opt, question } from '../support/wire.ts';

describe('RFC 7828', () => {
  it('3.1 the server sends OPTION-CODE 11, length 2 and the timeout "in units of 100 milliseconds"', () => {
    expect(keepaliveOption(10_000)).toEqual(hex('000b 0002 0064'));
    expect(keepaliveOption(0)).toEqual(hex('000b 0002 0000'));
  });

  it('3.2.1 a client asks with an empty option', () => {
    const view = new QueryView();
    const message = concat(
      header(1, 0, { questions: 1, additionals: 1 }),
      question('a.example'),
      opt(hex('000b 0000')),
    );
    readQuery(view, message, 0, message.length);
    expect(view.hasKeepalive).toBe(true);
  });
});
