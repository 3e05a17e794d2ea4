/**
 * What the warning page takes from a request: the host asked for, the form of answer that fits, the language. Everything
 * is a client's word and comes out as a value of a closed set or as a checked host name; nothing is kept.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { PAGE_LANGUAGES } from '../../config/page-text-keys.ts';
import type { PageLanguage } from '../../config/page-text-keys.ts';

/** Text form of a name: 253 octets without the trailing dot (RFC 1035 section 2.3.4). */
const HOST_CHARACTERS_MAX = 253;
/** Letters, digits, hyphens and the underscores that phishers use; what browsers send for U-labels is A-labels. */
const HOST_PATTERN = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
const LANGUAGE_RANGES_MAX = 20;
/** Why: on a run of white space the pattern takes a time that grows with its square: half a second for 15,000. */
const LANGUAGE_RANGE_CHARACTERS_MAX = 100;
/** Why: a switch without cookies lives in the address, and the address is whatever a client sends. */
const TARGET_CHARACTERS_MAX = 4096;

/** The host of a request, lower case, without port; undefined if it is no name (RFC 9110 section 7.2). */
export function hostOf(url: string, headers: IncomingHttpHeaders): string | undefined {
  // RFC 9112 section 3.2.2: "the origin server MUST ignore the received Host header field (if any) and instead use the
  // host information of the request-target" where that is in absolute form.
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(url);
  const authority = (absolute?.[1] ?? headers.host ?? '').toLowerCase();
  const host = authority
    .replace(/^.*@/, '')
    .replace(/:\d{0,5}$/, '')
    .replace(/\.$/, '');
  if (host.length > HOST_CHARACTERS_MAX || !HOST_PATTERN.test(host) || isIP(host) !== 0) return undefined;
  return host;
}

/** The path of a request, without query; '' where it is too long or none. */
export function pathOf(url: string): string {
  if (url.length > TARGET_CHARACTERS_MAX) return '';
  return /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(url)?.[1] ?? '';
}

export type PageForm = 'html' | 'json' | 'image' | 'script' | 'style' | 'text';

const FORMS_OF_DESTINATIONS: Readonly<Record<string, PageForm>> = {
  document: 'html',
  image: 'image',
  style: 'style',
  script: 'script',
  worker: 'script',
  sharedworker: 'script',
  serviceworker: 'script',
};

/**
 * The form that whoever asked can use: a page for a navigation, next to nothing for what another page embeds. Why also
 * by Accept: browsers send Sec-Fetch-Dest to HTTPS and loopback only (Fetch Metadata, "trustworthy").
 */
export function formOf(headers: IncomingHttpHeaders): PageForm {
  const accept = (headers.accept ?? '*/*').toLowerCase();
  const destination = headers['sec-fetch-dest'];
  const wantsJson = /\bapplication\/(?:[a-z0-9.-]+\+)?json\b/.test(accept);
  if (typeof destination === 'string') {
    const form = Object.hasOwn(FORMS_OF_DESTINATIONS, destination) ? FORMS_OF_DESTINATIONS[destination] : undefined;
    if (form !== undefined && !(form === 'html' && wantsJson && !accept.includes('text/html'))) return form;
    return wantsJson ? 'json' : 'text';
  }
  if (accept.includes('text/html')) return 'html';
  if (wantsJson) return 'json';
  if (accept.startsWith('image/')) return 'image';
  if (accept.startsWith('text/css')) return 'style';
  if (/^(?:application|text)\/(?:x-)?javascript/.test(accept)) return 'script';
  // Why: browsers ask for scripts and by fetch() with "*/*" alone; curl and the like do too, and get the page.
  if (accept === '*/*' && headers['user-agent']?.startsWith('Mozilla/') === true) return 'script';
  return accept.includes('*/*') || accept.includes('text/*') ? 'html' : 'text';
}

/**
 * The language that the reader has chosen on the page (`?lang=`), or prefers of those it has.
 * @param ofOthers asked for who names none of them; undefined: English for who reads another, else the first
 */
export function languageOf(
  url: string,
  acceptLanguage: string | undefined,
  ofOthers: () => PageLanguage | undefined = () => undefined,
): PageLanguage {
  return chosenLanguage(url) ?? preferredLanguage(acceptLanguage, ofOthers);
}

function chosenLanguage(url: string): PageLanguage | undefined {
  const chosen = /[?&]lang=([a-z]{2}(?:-[a-z]{2})?)(?:&|$)/i.exec(url.slice(0, TARGET_CHARACTERS_MAX))?.[1];
  return chosen === undefined ? undefined : languageOfTag(chosen);
}

/** RFC 9110 section 12.5.4. */
function preferredLanguage(acceptLanguage: string | undefined, ofOthers: () => PageLanguage | undefined): PageLanguage {
  let best: PageLanguage | undefined;
  let bestQuality = 0;
  let readsAnother = false;
  for (const range of (acceptLanguage ?? '').split(',', LANGUAGE_RANGES_MAX)) {
    if (range.length > LANGUAGE_RANGE_CHARACTERS_MAX) continue;
    const match = /^\s*([a-z]{1,8}(?:-[a-z0-9-]{1,35})?|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(range);
    const quality = match === null ? 0 : Number(match[2] ?? '1');
    if (quality === 0) continue;
    const language = languageOfTag(match?.[1] ?? '');
    if (language === undefined) readsAnother = true;
    else if (quality > bestQuality) [best, bestQuality] = [language, quality];
  }
  return best ?? ofOthers() ?? (readsAnother ? 'en' : PAGE_LANGUAGES[0]);
}

/** Whoever reads one Chinese reads the other better than English. */
function languageOfTag(tag: string): PageLanguage | undefined {
  const primary = tag.toLowerCase().split('-', 1)[0];
  return PAGE_LANGUAGES.find((language) => language.toLowerCase().split('-', 1)[0] === primary);
}
