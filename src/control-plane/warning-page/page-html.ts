/**
 * The warning page as HTML, in one language: what was blocked, which fraud, what to do now, the incident number, who
 * ordered it, how to object. One self-contained document without scripts; shows nothing of the request but the checked
 * name. The words are in texts/, the look in page-style.ts.
 */
import { domainToUnicode } from 'node:url';
import { PAGE_LANGUAGES, isPageTextKey } from '../../config/page-text-keys.ts';
import type { PageLanguage } from '../../config/page-text-keys.ts';
import { APPEAL_PATH } from './appeal-path.ts';
import type { BlockedHost } from './blocked-host.ts';
import { SafeHtml, html } from './html.ts';
import type { PageLook } from './page-look.ts';
import { TEXT_DIRECTIONS } from './texts/page-texts.ts';
import type { Words } from './texts/page-texts.ts';

/** Of 20 bits: as many characters as the incident id has between its hyphens. */
const GROUP_SEPARATOR = '-';

const SHIELD = html`<svg width="30" height="30" viewBox="0 0 28 28" fill="none" aria-hidden="true">
  <path
    d="M14 2.5 24 6v7.4c0 5.7-4 9.9-10 12.1C8 23.3 4 19.1 4 13.4V6l10-3.5Z"
    stroke="currentColor"
    stroke-width="2"
    stroke-linejoin="round"
  />
  <path d="m9.5 14 3.2 3.2 6-6.4" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
</svg>`;

/** Why: without one, browsers ask for /favicon.ico. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><path d="M14 2.5 24 6v7.4c0 5.7-4 9.9-10 12.1C8 23.3 4 19.1 4 13.4V6l10-3.5Z" fill="#1d4260"/></svg>',
)}`;

export interface Page {
  readonly look: PageLook;
  readonly language: PageLanguage;
  readonly words: Words;
}

/** A whole document around its content; `privacy`: the words at its foot. */
export function pageDocument(page: Page, title: string, content: SafeHtml, privacy = page.words('privacy')): string {
  const { look, language, words } = page;
  // Why in one piece: the hash in the policy covers every octet between the tags.
  const style = SafeHtml.fromTemplate([`<style>${look.style}</style>`], []);
  return html`<!doctype html>
    <html lang="${language}" dir="${TEXT_DIRECTIONS[language]}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="${ICON}" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <header class="top">${brand(look, words)} ${languages(look, language, words)}</header>
        ${content}
        <footer class="privacy"><p>${privacy}</p></footer>
      </body>
    </html>`.markup.replaceAll(/\n\s+/g, '\n');
}

function brand({ provider, logo }: PageLook, words: Words): SafeHtml {
  const mark = logo === '' ? SHIELD : html`<img src="${logo}" alt="" />`;
  // Why the name inside: the line in front of it is on the page's side, whichever way the name is written.
  const name = provider === '' ? html`` : html`<span><bdi>${provider}</bdi></span>`;
  return html`<p class="brand">${mark}<span>${words('brand')}${name}</span></p>`;
}

/** The switch: links to the same address with another `lang`, so that it needs neither scripts nor cookies. */
function languages(look: PageLook, current: PageLanguage, words: Words): SafeHtml {
  const items = PAGE_LANGUAGES.map((language) => {
    const own = look.words[language]('language.own');
    return language === current
      ? html`<li><b aria-current="true">${own}</b></li>`
      : html`<li><a href="?lang=${language}" lang="${language}" hreflang="${language}" rel="nofollow">${own}</a></li>`;
  });
  return html`<nav class="languages" aria-label="${words('language.switch')}">
    <ul>
      ${items}
    </ul>
  </nav>`;
}

/** The name as it was asked for and, where that is A-labels, as a browser may have shown it: one can pass for another. */
export function hostSection({ words }: Page, { name, target }: Pick<BlockedHost, 'name' | 'target'>): SafeHtml {
  const written = domainToUnicode(name);
  const shown =
    written === '' || written === name
      ? html``
      : html`<p class="also">
          <span class="label">${words('host.written')}</span> <bdi class="host" translate="no">${written}</bdi>
        </p>`;
  const via = target === undefined ? html`` : html`<p class="also">${words('host.via', { target })}</p>`;
  return html`<section>
    <h2 class="label">${words('host.label')}</h2>
    <p class="host" translate="no">${name}</p>
    ${shown}${via}
  </section>`;
}

function whySection({ words }: Page, { category }: BlockedHost): SafeHtml {
  return html`<section class="why">
    <h2>${words(`category.${category}.name`)}</h2>
    <p>${words(`category.${category}.explanation`)}</p>
  </section>`;
}

function hotlines({ look, words }: Page): SafeHtml {
  const items = look.hotlines.map(({ label, number }) => {
    const key = `hotline.${number}`;
    const whose = label === '' && isPageTextKey(key) ? words(key) : label;
    return html`<li>
      <a href="tel:${number.replaceAll(/[^\d+]/g, '')}"
        ><b><bdi dir="ltr">${number}</bdi></b
        >${whose}</a
      >
    </li>`;
  });
  return items.length === 0
    ? html``
    : html`<ul class="hotlines">
        ${items}
      </ul>`;
}

function nowSection(page: Page): SafeHtml {
  const { words } = page;
  return html`<section>
    <h2>${words('now.title')}</h2>
    <ol>
      <li>${words('now.close')}</li>
      <li>${words('now.paid')}${hotlines(page)}</li>
      <li>${words('now.password')}</li>
      <li>${words('now.installed')}</li>
    </ol>
  </section>`;
}

function incidentSection({ words }: Page, { incident }: BlockedHost): SafeHtml {
  const groups = incident
    .split(GROUP_SEPARATOR)
    .map((group, index) => (index === 0 ? html`<span>${group}</span>` : html`<i>-</i><span>${group}</span>`));
  return html`<section class="incident">
    <h2 class="label">${words('incident.label')}</h2>
    <output translate="no">${groups}</output>
    <p>${words('incident.help')}</p>
  </section>`;
}

function factsSection({ words }: Page, blocked: BlockedHost): SafeHtml {
  const authority = blocked.authority === '' ? words('authority.unnamed') : blocked.authority;
  const rows: [string, SafeHtml][] = [
    [words('authority.label'), html`<bdi>${authority}</bdi>`],
    [words('basis.label'), html`${words(`order.${blocked.order}`)}`],
    [
      words('list.label'),
      html`<bdi translate="no">${blocked.list}</bdi> (${words('list.version', { version: String(blocked.version) })})`,
    ],
    [words('entry.label'), html`<bdi translate="no">${blocked.entry}</bdi>`],
  ];
  if (blocked.reference !== undefined) {
    rows.splice(1, 0, [words('reference.label'), html`<bdi translate="no">${blocked.reference}</bdi>`]);
  }
  const items = rows.map(
    ([label, value]) =>
      html`<div>
        <dt>${label}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<section>
    <h2>${words('facts.title')}</h2>
    <dl>${items}</dl>
  </section>`;
}

function objectionSection({ look, language, words }: Page): SafeHtml {
  const form = look.takesAppeals
    ? html`<p class="also"><a href="${APPEAL_PATH}?lang=${language}" rel="nofollow">${words('objection.link')}</a></p>`
    : html``;
  // Why: two links with the same words cannot be told apart.
  const urlWords = look.takesAppeals ? 'objection.other' : 'objection.link';
  const link =
    look.objectionUrl === ''
      ? html``
      : html`<p class="also"><a href="${look.objectionUrl}" rel="noreferrer">${words(urlWords)}</a></p>`;
  return html`<section>
    <h2>${words('objection.title')}</h2>
    <p>${words(look.takesAppeals ? 'objection.form' : 'objection.text')}</p>
    ${form}${link}
  </section>`;
}

export function plainContent(title: string, paragraphs: readonly string[]): SafeHtml {
  return html`<main>
    <div class="banner"><h1>${title}</h1></div>
    <div class="body">
      <section>${paragraphs.map((text) => html`<p class="also">${text}</p>`)}</section>
    </div>
  </main>`;
}

/** The page for a blocked name. */
export function blockedPage(look: PageLook, language: PageLanguage, blocked: BlockedHost): string {
  const words = look.words[language];
  const page = { look, language, words };
  const content = html`<main>
    <div class="banner">
      <h1>${words('title')}</h1>
      <p>${words('lead')}</p>
    </div>
    <div class="body">
      ${hostSection(page, blocked)} ${whySection(page, blocked)} ${nowSection(page)} ${incidentSection(page, blocked)}
      ${factsSection(page, blocked)} ${objectionSection(page)}
    </div>
  </main>`;
  return pageDocument(page, words('title'), content);
}

/** The page for everything else that arrives here; says nothing of the request. */
export function neutralPage(look: PageLook, language: PageLanguage): string {
  const words = look.words[language];
  const content = plainContent(words('neutral.title'), [words('neutral.text'), words('neutral.hint')]);
  return pageDocument({ look, language, words }, words('neutral.title'), content);
}

/** The page for a client that asks too often. */
export function limitedPage(look: PageLook, language: PageLanguage): string {
  const words = look.words[language];
  const content = plainContent(words('limited.title'), [words('limited.text')]);
  return pageDocument({ look, language, words }, words('limited.title'), content);
}
