import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formOf, hostOf, languageOf } from '../../../../src/control-plane/warning-page/request-view.ts';
import { nameFromText } from '../../../../src/dns/name.ts';

describe('the host of a request', () => {
  it.each([
    ['bad.example', 'bad.example'],
    ['BAD.Example', 'bad.example'],
    ['bad.example.', 'bad.example'],
    ['bad.example:8080', 'bad.example'],
    ['bad.example:', 'bad.example'],
    ['pay_now.bad.example', 'pay_now.bad.example'],
    ['xn--fiqs8s', 'xn--fiqs8s'],
    ['', undefined],
    ['.', undefined],
    ['bad..example', undefined],
    ['.bad.example', undefined],
    ['127.0.0.1', undefined],
    ['127.0.0.1:8080', undefined],
    ['[::1]:8080', undefined],
    ['bad.example/<script>', undefined],
    ['bad example', undefined],
    ['"><img src=x>', undefined],
    ['中国', undefined],
    [`${'a'.repeat(64)}.example`, undefined],
    [`${'a.'.repeat(127)}a`, undefined],
  ])('%j is %j', (host, expected) => {
    expect(hostOf('/', { host })).toBe(expected);
  });

  it('is that of a request-target in absolute form, whatever the Host field says', () => {
    expect(hostOf('http://bad.example/path', { host: 'other.example' })).toBe('bad.example');
    expect(hostOf('http://u:p@bad.example:81?x', { host: 'other.example' })).toBe('bad.example');
  });

  it('is undefined where there is none', () => {
    expect(hostOf('/', {})).toBeUndefined();
  });

  it('is always a name, whatever is sent', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.webUrl()), fc.string(), (host, url) => {
        const found = hostOf(url, { host });
        return found === undefined || (nameFromText(found) !== undefined && /^[a-z0-9._-]+$/.test(found));
      }),
    );
  });
});

describe('the form of the answer', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
  it.each([
    ['a navigation', { accept: browser, 'sec-fetch-dest': 'document' }, 'html'],
    ['a browser without fetch metadata', { accept: browser }, 'html'],
    ['curl', { accept: '*/*' }, 'html'],
    ['nothing said', {}, 'html'],
    ['an embedded frame', { accept: browser, 'sec-fetch-dest': 'iframe' }, 'text'],
    ['an image', { accept: 'image/avif,image/webp,*/*;q=0.8', 'sec-fetch-dest': 'image' }, 'text'],
    ['a script', { accept: '*/*', 'sec-fetch-dest': 'script' }, 'text'],
    ['an image without fetch metadata', { accept: 'image/png' }, 'text'],
    ['an app', { accept: 'application/json' }, 'json'],
    ['a fetch for JSON', { accept: 'application/json, text/plain, */*', 'sec-fetch-dest': 'empty' }, 'json'],
    ['a client of problem documents', { accept: 'application/problem+json' }, 'json'],
  ] as const)('for %s', (_who, headers, form) => {
    expect(formOf(headers)).toBe(form);
  });
});

describe('the language put first', () => {
  it.each([
    [undefined, 'zh-CN'],
    ['', 'zh-CN'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['zh-TW', 'zh-CN'],
    ['en-US,en;q=0.9', 'en'],
    ['en;q=0.5, zh;q=0.8', 'zh-CN'],
    ['zh;q=0.1, fr', 'en'],
    ['de', 'en'],
    ['zh;q=0', 'zh-CN'],
    ['*', 'en'],
    ['!!!', 'zh-CN'],
  ] as const)('%j: %s', (header, language) => {
    expect(languageOf(header)).toBe(language);
  });

  it('reads no range longer than any real one, which could take a pattern long', () => {
    expect(languageOf(`en${' '.repeat(100)},zh;q=0.5`)).toBe('zh-CN');
    expect(languageOf(`en ${' '.repeat(15_000)}x,zh;q=0.5`)).toBe('zh-CN');
  });
});
