/**
 * The warning page as HTML: what was blocked, why, by whom, and what to do, in the reader's language first and in the
 * other one beside it. One self-contained document; shows nothing of the request but the checked name.
 */
import { domainToUnicode } from 'node:url';
import { PAGE_LANGUAGES } from '../../telemetry/counter-labels.ts';
import type { PageLanguage } from '../../telemetry/counter-labels.ts';
import type { BlockedHost } from './blocked-host.ts';
import { SafeHtml, html } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';
import { PAGE_WORDS } from './page-text.ts';
import type { PageWords } from './page-text.ts';

interface Reader {
  readonly language: PageLanguage;
  readonly words: PageWords;
  readonly otherLanguage: PageLanguage;
  readonly otherWords: PageWords;
}

function readerOf(language: PageLanguage): Reader {
  const otherLanguage = PAGE_LANGUAGES.find((other) => other !== language) ?? language;
  return { language, words: PAGE_WORDS[language], otherLanguage, otherWords: PAGE_WORDS[otherLanguage] };
}

/** Made in one piece: the hash in the policy covers every octet between the tags. */
const STYLE = SafeHtml.fromTemplate([`<style>${PAGE_STYLE}</style>`], []);

const SHIELD = html`<svg width="28" height="28" viewBox="0 0 28 28" fill="none" aria-hidden="true">
  <path
    d="M14 2.5 24 6v7.4c0 5.7-4 9.9-10 12.1C8 23.3 4 19.1 4 13.4V6l10-3.5Z"
    stroke="currentColor"
    stroke-width="2"
    stroke-linejoin="round"
  />
  <path d="M9 14h10" stroke="currentColor" stroke-width="3" stroke-linecap="round" />
</svg>`;

function document(reader: Reader, title: string, calm: boolean, content: SafeHtml): string {
  return html`<!doctype html>
    <html lang="${reader.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body class="${calm ? 'calm' : 'alarm'}">
        ${content}
      </body>
    </html> `.markup;
}

function brand({ words, otherWords, otherLanguage }: Reader): SafeHtml {
  return html`<p class="brand">
    ${SHIELD}<span>${words.brand} <i lang="${otherLanguage}">${otherWords.brand}</i></span>
  </p>`;
}

type Label = keyof PageWords['labels'];

function fact(reader: Reader, label: Label, value: SafeHtml, className = ''): SafeHtml {
  const { words, otherWords, otherLanguage } = reader;
  return html`<div class="${className}">
    <dt>${words.labels[label]}<i lang="${otherLanguage}">${otherWords.labels[label]}</i></dt>
    <dd>${value}</dd>
  </div>`;
}

function facts(reader: Reader, blocked: BlockedHost): SafeHtml {
  const { words, otherWords, otherLanguage } = reader;
  const authority =
    blocked.authority === ''
      ? html`${words.fallbackAuthority} <i class="other" lang="${otherLanguage}">${otherWords.fallbackAuthority}</i>`
      : html`${blocked.authority}`;
  const basis = html`${words.orders[blocked.order]}
    <i class="other" lang="${otherLanguage}">${otherWords.orders[blocked.order]}</i>`;
  return html`<dl>
    ${fact(reader, 'authority', authority)} ${fact(reader, 'basis', basis)}
    ${fact(reader, 'list', html`${blocked.list} <i>v${blocked.version}</i>`)}
    ${fact(reader, 'entry', html`${blocked.entry}`)}
    ${fact(reader, 'incident', html`<code>${blocked.incident}</code>`, 'incident')}
  </dl>`;
}

function advice(language: PageLanguage, words: PageWords): SafeHtml {
  const items = words.advice.items.map((item) => html`<li>${item}</li>`);
  return html`<section lang="${language}">
    <h2>${words.advice.title}</h2>
    <ul>
      ${items}
    </ul>
    <h2>${words.mistake.title}</h2>
    <p>${words.mistake.text}</p>
  </section>`;
}

/** The page for a blocked name. */
export function blockedPage(blocked: BlockedHost, language: PageLanguage): string {
  const reader = readerOf(language);
  const { words, otherWords, otherLanguage } = reader;
  const unicode = domainToUnicode(blocked.name);
  const written = unicode === '' || unicode === blocked.name ? html`` : html`<small>${unicode}</small>`;
  const category = words.categories[blocked.category];
  const otherCategory = otherWords.categories[blocked.category];
  const content = html`<main>
    <header class="hero">
      ${brand(reader)}
      <h1>${words.title}</h1>
      <p class="second" lang="${otherLanguage}">${otherWords.title}</p>
      <p class="host" translate="no">${blocked.name}${written}</p>
    </header>
    <div class="body">
      <div class="why">
        <p><strong>${category.name}</strong>${category.sentence}</p>
        <p lang="${otherLanguage}">${otherCategory.name}${otherWords.colon}${otherCategory.sentence}</p>
      </div>
      ${facts(reader, blocked)}
      <div class="advice">${advice(reader.language, words)} ${advice(otherLanguage, otherWords)}</div>
      <footer>
        <p>${words.privacy}</p>
        <p lang="${otherLanguage}">${otherWords.privacy}</p>
      </footer>
    </div>
  </main>`;
  return document(reader, `${words.title} · ${otherWords.title}`, false, content);
}

function neutralText(language: PageLanguage, { neutral }: PageWords): SafeHtml {
  return html`<section lang="${language}">
    <p class="lead">${neutral.text}</p>
    <p class="hint">${neutral.hint}</p>
  </section>`;
}

/** The page for everything else that arrives here; says nothing of the request. */
export function neutralPage(language: PageLanguage): string {
  const reader = readerOf(language);
  const { words, otherWords, otherLanguage } = reader;
  const content = html`<main>
    <header class="hero">
      ${brand(reader)}
      <h1>${words.neutral.title}</h1>
      <p class="second" lang="${otherLanguage}">${otherWords.neutral.title}</p>
    </header>
    <div class="body">
      <div class="advice">${neutralText(reader.language, words)}${neutralText(otherLanguage, otherWords)}</div>
    </div>
  </main>`;
  return document(reader, words.neutral.title, true, content);
}
