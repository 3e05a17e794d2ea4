import { describe, expect, it } from 'vitest';
import { extendedErrorOption } from '../../src/dns/edns.ts';
import { ExtendedError } from '../../src/dns/extended-error.ts';
import { readResponse } from '../../src/dns/response-view.ts';
import { concat, header, hex, opt, question } from '../support/wire.ts';

describe('RFC 8914', () => {
  it('2 the option is OPTION-CODE 15, OPTION-LENGTH, a 16-bit INFO-CODE and UTF-8 EXTRA-TEXT without a NUL', () => {
    expect(extendedErrorOption(ExtendedError.censored, 'ok')).toEqual(hex('000f 0004 0010 6f6b'));
  });

  it('2 EXTRA-TEXT may have no octets at all', () => {
    expect(extendedErrorOption(ExtendedError.filtered)).toEqual(hex('000f 0002 0011'));
  });

  it('4 the codes have the numbers of the registry', () => {
    expect(ExtendedError).toMatchObject({ staleAnswer: 3, forgedAnswer: 4, blocked: 15, censored: 16, filtered: 17 });
    expect(ExtendedError).toMatchObject({ prohibited: 18, noReachableAuthority: 22, networkError: 23 });
  });

  it('2 several of them may be in one message: the first is the one told', () => {
    const options = concat(extendedErrorOption(22), extendedErrorOption(23));
    const message = concat(header(1, 0x8182, { questions: 1, additionals: 1 }), question('a.example'), opt(options));
    expect(readResponse(message)?.extendedError).toBe(22);
  });
});
