import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config/load-config.ts';
import {
  PAGE_LANGUAGES,
  PAGE_TEXT_KEYS,
  PAGE_TEXT_PLACEHOLDERS,
  placeholdersOf,
} from '../../../../src/config/page-text-keys.ts';
import { PAGE_TEXTS, filled, wordsOf } from '../../../../src/control-plane/warning-page/texts/page-texts.ts';
import { CATEGORIES } from '../../../../src/policy/category.ts';

const SCRIPTS = { 'zh-CN': /\p{Script=Han}/u, en: /[A-Za-z]{2}/, ug: /\p{Script=Arabic}/u } as const;

describe.each(PAGE_LANGUAGES)('the texts in %s', (language) => {
  const texts: Readonly<Record<string, string>> = PAGE_TEXTS[language];

  it('have the keys of every language, no more and no fewer', () => {
    expect(Object.keys(texts).toSorted()).toEqual([...PAGE_TEXT_KEYS].toSorted());
  });

  it('have the placeholders that the page fills', () => {
    const found = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, placeholdersOf(text)]));
    expect(found).toEqual(PAGE_TEXT_PLACEHOLDERS);
  });

  it('are written in the script of the language', () => {
    const foreign = Object.entries(texts).filter(
      ([key, text]) => !SCRIPTS[language].test(text) && key !== 'list.version',
    );
    expect(foreign).toEqual([]);
  });

  it('explain every category', () => {
    const short = CATEGORIES.filter((one) => (texts[`category.${one}.explanation`] ?? '').length < 14);
    expect(short).toEqual([]);
  });
});

describe('words', () => {
  it('are an operator’s own where there are some', () => {
    const words = wordsOf('en', { title: 'Stop' });
    expect([words('title'), words('brand')]).toEqual(['Stop', PAGE_TEXTS.en.brand]);
  });

  it('take values in, and leave what has none', () => {
    expect(filled('{a} and {b}', { a: '{b}' })).toBe('{b} and {b}');
    expect(wordsOf('en')('list.version', { version: '7' })).toBe('version 7');
  });
});

it('the configuration has a file for each language', () => {
  const outcome = parseConfig('{}', '/', ['192.0.2.53']);
  expect(outcome.kind === 'ok' && Object.keys(outcome.config.warningPage.texts)).toEqual([...PAGE_LANGUAGES]);
});
