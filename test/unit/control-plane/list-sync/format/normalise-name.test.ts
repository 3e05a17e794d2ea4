import { describe, expect, test } from 'vitest';
import { normaliseName } from '../../../../../src/control-plane/list-sync/format/normalise-name.ts';

function result(text: string): string {
  const normalised = normaliseName(text);
  return normalised.kind === 'name' ? normalised.name : `!${normalised.reason}`;
}

describe('normaliseName gives the name that DNS would be asked for', () => {
  test.each([
    ['a.example', 'a.example'],
    ['A.Example', 'a.example'],
    ['a.example.', 'a.example'],
    ['  a.example\t', 'a.example'],
    ['*.a.example', 'a.example'],
    ['.a.example', 'a.example'],
    ['top', 'top'],
    ['*.com', 'com'],
    ['.', '.'],
    ['*', '.'],
    ['a_b.example', 'a_b.example'],
    ['_dmarc.a.example', '_dmarc.a.example'],
    ['-a-.ex--ample.example', '-a-.ex--ample.example'],
    ['xn--a.example', 'xn--a.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%j is %s', (text, expected) => {
    expect(result(text)).toBe(expected);
  });

  test.each([
    ['a.example:8080', 'a.example'],
    ['http://a.example', 'a.example'],
    ['https://a.example:8443/path?query#fragment', 'a.example'],
    ['https://user:password@a.example/', 'a.example'],
    ['https://good.example@evil.example/', 'evil.example'],
    ['a.example/path', 'a.example'],
    ['a.example?query', 'a.example'],
    ['a.example#fragment', 'a.example'],
    ['//a.example/x', 'a.example'],
    ['*://*.a.example/*', 'a.example'],
    ['hxxps://a[.]example/x', 'a.example'],
    ['a[dot]example', 'a.example'],
    ['a.example,', 'a.example'],
    ['https://a%2eexample/', 'a.example'],
  ])('%j is the host %s', (text, expected) => {
    expect(result(text)).toBe(expected);
  });

  test.each([
    ['黑貓宅配.example', 'xn--09s945i07cm1q.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['ａｂｃ．example', 'abc.example'],
    ['a。example', 'a.example'],
    ['𝗼𝘀.example', 'os.example'],
    ['a\u00adb.example', 'ab.example'],
    ['\u200ba.example', 'a.example'],
    ['a_ü.example', 'xn--a_-yka.example'],
    ['１２７.example', '127.example'],
    ['☕.example', 'xn--53h.example'],
    ['💊.example', 'xn--pr8h.example'],
  ])('%j becomes A-labels: %s', (text, expected) => {
    expect(result(text)).toBe(expected);
  });

  test.each([
    ['192.0.2.1', '!ipAddress'],
    ['192.0.2.1:80', '!ipAddress'],
    ['192.0.2.0/24', '!ipAddress'],
    ['http://192.0.2.1/x', '!ipAddress'],
    ['0x7f.1', '!ipAddress'],
    ['999.0.2.1', '!ipAddress'],
    ['１９２.０.２.１', '!ipAddress'],
    ['2001:db8::1', '!ipAddress'],
    ['2001:db8::/32', '!ipAddress'],
    ['[2001:db8::1]:53', '!ipAddress'],
    ['a.example.123', '!notAName'],
    ['', '!notAName'],
    ['..', '!notAName'],
    ['a..example', '!notAName'],
    ['$0/', '!notAName'],
    ['a b.example', '!notAName'],
    ['someone@a.example', '!notAName'],
    ['a,b.example', '!notAName'],
    ['a\0b.example', '!notAName'],
    ['a\ufffd.example', '!notAName'],
    ['%zz.example', '!notAName'],
    ['%00.example', '!notAName'],
    ['a.*.example', '!wildcardInside'],
    ['*a.example', '!wildcardInside'],
    [`${'a'.repeat(64)}.example`, '!labelTooLong'],
    [`${'a'.repeat(60)}.`.repeat(5) + 'example', '!nameTooLong'],
    ['a'.repeat(100_000), '!nameTooLong'],
  ])('%j is no name: %s', (text, expected) => {
    expect(result(text)).toBe(expected);
  });

  test('says whether a path accuses one page only', () => {
    expect(normaliseName('https://a.example/page')).toMatchObject({ hasPath: true });
    expect(normaliseName('https://a.example/')).toMatchObject({ hasPath: false });
    expect(normaliseName('*://a.example/*')).toMatchObject({ hasPath: false });
  });
});
