/**
 * The table of languages: one file each, every one with all keys of page-text-keys.ts (the type demands it). To add a
 * language: its file, one line here, one in PAGE_LANGUAGES.
 */
import type { PageLanguage, PageTextKey, PageTexts } from '../../../config/page-text-keys.ts';
import { EN } from './en.ts';
import { UG } from './ug.ts';
import { ZH_CN } from './zh-cn.ts';

export const PAGE_TEXTS: Readonly<Record<PageLanguage, PageTexts>> = { 'zh-CN': ZH_CN, en: EN, ug: UG };

export const TEXT_DIRECTIONS: Readonly<Record<PageLanguage, 'ltr' | 'rtl'>> = { 'zh-CN': 'ltr', en: 'ltr', ug: 'rtl' };

/** Puts values in the place of `{name}`; what has no value stays as it is. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{([a-z]+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

export type Words = (key: PageTextKey, values?: Readonly<Record<string, string>>) => string;

/** Looks words up: an operator's own where there are some, else those that come with Weir. */
export function wordsOf(language: PageLanguage, overrides: Readonly<Partial<Record<PageTextKey, string>>> = {}): Words {
  const texts = PAGE_TEXTS[language];
  return (key, values = {}) => filled(overrides[key] ?? texts[key], values);
}
