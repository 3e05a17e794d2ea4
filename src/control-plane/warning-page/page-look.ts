/**
 * The part of the configuration that the warning page shows, made ready once: words by language, style sheet and the
 * policy that allows it, hotlines, links. Made anew by every reload.
 */
import type { WarningPageConfig } from '../../config/config.ts';
import { PAGE_LANGUAGES } from '../../config/page-text-keys.ts';
import type { PageLanguage } from '../../config/page-text-keys.ts';
import { pagePolicy, pageStyle } from './page-style.ts';
import { wordsOf } from './texts/page-texts.ts';
import type { Words } from './texts/page-texts.ts';

export interface PageLook {
  readonly words: Readonly<Record<PageLanguage, Words>>;
  readonly provider: string;
  /** A data: URI, or ''. */
  readonly logo: string;
  readonly hotlines: WarningPageConfig['hotlines'];
  /** '': the page says to contact the provider. */
  readonly objectionUrl: string;
  /** '': the address of the page. */
  readonly blockedBy: string;
  readonly style: string;
  /** Content-Security-Policy. */
  readonly policy: string;
  /** The same for a page with a form. */
  readonly formPolicy: string;
  /** Whether there is a form for objections. */
  readonly takesAppeals: boolean;
}

export function pageLook(config: WarningPageConfig, takesAppeals = false): PageLook {
  const { provider, logo, hotlines, objectionUrl, blockedBy } = config;
  const style = pageStyle(config.colours);
  const [zh, en, ug] = PAGE_LANGUAGES.map((language) => wordsOf(language, config.texts[language]));
  return {
    words: { 'zh-CN': zh!, en: en!, ug: ug! },
    provider,
    logo,
    hotlines,
    objectionUrl,
    blockedBy,
    style,
    policy: pagePolicy(style),
    formPolicy: pagePolicy(style, "'self'"),
    takesAppeals,
  };
}
