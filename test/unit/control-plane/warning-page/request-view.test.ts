import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formOf, hostOf, languageOf, pathOf } from '../../../../src/control-plane/warning-page/request-view.ts';
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

describe('the path of a request', () => {
  it.each([
    ['/robots.txt', '/robots.txt'],
    ['/robots.txt?x=/y', '/robots.txt'],
    ['http://bad.example/a/b#c', '/a/b'],
    ['http://bad.example', ''],
    ['*', ''],
    [`/${'a'.repeat(5000)}`, ''],
  ])('of %j is %j', (url, path) => {
    expect(pathOf(url)).toBe(path);
  });
});

describe('the form of the answer', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
  const agent = 'Mozilla/5.0 (X11; Linux x86_64)';
  it.each([
    ['a navigation', { accept: browser, 'sec-fetch-dest': 'document' }, 'html'],
    ['a browser without fetch metadata', { accept: browser, 'user-agent': agent }, 'html'],
    ['curl', { accept: '*/*', 'user-agent': 'curl/8' }, 'html'],
    ['nothing said', {}, 'html'],
    ['an embedded frame', { accept: browser, 'sec-fetch-dest': 'iframe' }, 'text'],
    ['an image', { accept: 'image/avif,image/webp,*/*;q=0.8', 'sec-fetch-dest': 'image' }, 'image'],
    ['an image without fetch metadata', { accept: 'image/avif,image/webp,*/*;q=0.8' }, 'image'],
    ['a style sheet', { accept: 'text/css,*/*;q=0.1', 'sec-fetch-dest': 'style' }, 'style'],
    ['a style sheet without fetch metadata', { accept: 'text/css,*/*;q=0.1' }, 'style'],
    ['a script', { accept: '*/*', 'sec-fetch-dest': 'script' }, 'script'],
    ['a worker', { accept: '*/*', 'sec-fetch-dest': 'worker' }, 'script'],
    ['a script without fetch metadata', { accept: '*/*', 'user-agent': agent }, 'script'],
    ['a font', { accept: '*/*', 'sec-fetch-dest': 'font' }, 'text'],
    ['a destination that is none', { accept: browser, 'sec-fetch-dest': 'constructor' }, 'text'],
    ['an app', { accept: 'application/json' }, 'json'],
    ['a fetch for JSON', { accept: 'application/json, text/plain, */*', 'sec-fetch-dest': 'empty' }, 'json'],
    ['a fetch for JSON without fetch metadata', { accept: 'application/json, */*', 'user-agent': agent }, 'json'],
    ['a client of problem documents', { accept: 'application/problem+json' }, 'json'],
    ['what can use nothing of ours', { accept: 'video/mp4' }, 'text'],
  ] as const)('for %s', (_who, headers, form) => {
    expect(formOf(headers)).toBe(form);
  });
});

describe('the language', () => {
  it.each([
    [undefined, 'zh-CN'],
    ['', 'zh-CN'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['zh-TW', 'zh-CN'],
    ['en-US,en;q=0.9', 'en'],
    ['en;q=0.5, zh;q=0.8', 'zh-CN'],
    ['ug-CN, zh;q=0.9', 'ug'],
    ['ug;q=0.3, zh;q=0.9', 'zh-CN'],
    ['fr, zh;q=0.1', 'zh-CN'],
    ['de', 'en'],
    ['de;q=0', 'zh-CN'],
    ['zh;q=0', 'zh-CN'],
    ['en;q=0, ug;q=0.001', 'ug'],
    ['*', 'en'],
    ['!!!', 'zh-CN'],
    ['en;q=7', 'zh-CN'],
  ] as const)('asked for by %j: %s', (header, language) => {
    expect(languageOf('/', header)).toBe(language);
  });

  it.each([
    ['/?lang=en', 'en'],
    ['/a/b?x=1&lang=ug', 'ug'],
    ['/?lang=zh-CN', 'zh-CN'],
    ['http://bad.example/?lang=en&y', 'en'],
    ['/?lang=fr', 'ug'],
    ['/?lang=en<script>', 'ug'],
    ['/?slang=en', 'ug'],
    ['/lang=en', 'ug'],
  ] as const)('chosen on the page comes first: %s', (url, language) => {
    expect(languageOf(url, 'ug')).toBe(language);
  });

  it.each([
    ['/', undefined, 'ug'],
    ['/', 'de', 'ug'],
    ['/', '*', 'ug'],
    ['/', 'en;q=0', 'ug'],
    ['/', 'de, en;q=0.1', 'en'],
    ['/', 'zh-CN', 'zh-CN'],
    ['/?lang=en', undefined, 'en'],
    ['/?lang=zh-CN', 'de', 'zh-CN'],
    ['/?lang=fr', 'de', 'ug'],
  ] as const)('of %s and %j: %s, where a group has its own for who names none', (url, header, language) => {
    expect(languageOf(url, header, () => 'ug')).toBe(language);
  });

  it('reads no range longer than any real one, which could take a pattern long', () => {
    expect(languageOf('/', `en${' '.repeat(100)},zh;q=0.5`)).toBe('zh-CN');
    expect(languageOf('/', `en ${' '.repeat(15_000)}x,zh;q=0.5`)).toBe('zh-CN');
  });
});
