import { describe, expect, it } from 'vitest';
import { addressText, cannotListen, isMissingAddress } from '../../../src/supervisor/cannot-listen.ts';

const failure = (code: string, host = '127.0.0.1') => ({
  key: 'listen.do53',
  address: { host, port: 53 },
  code,
  message: 'what the kernel said',
});

describe('cannotListen', () => {
  it.each([
    [
      'EADDRINUSE',
      'cannot listen on 127.0.0.1:53: another program has that port; stop it (ss -lntup shows it) or change listen.do53',
    ],
    [
      'EACCES',
      'cannot listen on 127.0.0.1:53: not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE',
    ],
    ['EADDRNOTAVAIL', 'cannot listen on 127.0.0.1:53: this machine has no such address; change listen.do53'],
    ['EAFNOSUPPORT', 'cannot listen on 127.0.0.1:53: this machine has no such address; change listen.do53'],
    ['EMFILE', 'cannot listen on 127.0.0.1:53: what the kernel said'],
  ])('%s: says where, why, and what to do', (code, sentence) => {
    expect(cannotListen(failure(code))).toBe(sentence);
  });

  it('writes an IPv6 address in brackets', () => {
    expect(addressText({ host: '::1', port: 53 })).toBe('[::1]:53');
    expect(cannotListen(failure('EACCES', '::1'))).toContain('cannot listen on [::1]:53:');
  });

  it('tells an address that the machine does not have from one that it cannot use', () => {
    expect(
      ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EADDRINUSE', 'EACCES'].map((code) => isMissingAddress(failure(code))),
    ).toEqual([true, true, false, false]);
  });
});
