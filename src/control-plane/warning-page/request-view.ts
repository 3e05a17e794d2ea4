/**
 * What the warning page takes from a request: the host asked for, the form of answer that fits, the language to put
 * first. Everything is a client's word and comes out as a value of a closed set or as a checked host name; nothing is
 * kept.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { PageLanguage } from '../../telemetry/counter-labels.ts';

/** Text form of a name: 253 octets without the trailing dot (RFC 1035 section 2.3.4). */
const HOST_CHARACTERS_MAX = 253;
/** Letters, digits, hyphens and the underscores that phishers use; what browsers send for U-labels is A-labels. */
const HOST_PATTERN = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
const LANGUAGE_RANGES_MAX = 20;
/** Why: on a run of white space the pattern takes a time that grows with its square: half a second for 15,000. */
const LANGUAGE_RANGE_CHARACTERS_MAX = 100;

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

export type PageForm = 'html' | 'json' | 'text';

/** The form that whoever asked can use: a page for a navigation, a line of text for an image or a script. */
export function formOf(headers: IncomingHttpHeaders): PageForm {
  const accept = (headers.accept ?? '*/*').toLowerCase();
  const destination = headers['sec-fetch-dest'];
  const wantsJson = /\bapplication\/(?:[a-z0-9.-]+\+)?json\b/.test(accept);
  if (accept.includes('text/html') && (destination === undefined || destination === 'document')) return 'html';
  if (wantsJson) return 'json';
  if (destination !== undefined && destination !== 'document') return 'text';
  return accept.includes('*/*') || accept.includes('text/*') ? 'html' : 'text';
}

/** The language that the reader prefers of those the page has; Chinese where nothing is said. */
export function languageOf(acceptLanguage: string | undefined): PageLanguage {
  let best: PageLanguage | undefined;
  let bestQuality = 0;
  for (const range of (acceptLanguage ?? '').split(',', LANGUAGE_RANGES_MAX)) {
    if (range.length > LANGUAGE_RANGE_CHARACTERS_MAX) continue;
    const match = /^\s*([a-z]{1,8}|\*)(?:-[a-z0-9-]{1,35})?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(range);
    const quality = match === null ? 0 : Number(match[2] ?? '1');
    if (quality <= bestQuality) continue;
    // Why: whoever reads neither is served better by English.
    best = match?.[1]?.toLowerCase() === 'zh' ? 'zh-CN' : 'en';
    bestQuality = quality;
  }
  return best ?? 'zh-CN';
}
