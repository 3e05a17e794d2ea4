/**
 * What the warning page answers to a request that has been judged: status, headers and body in the form that whoever
 * asked can use. A pure function of the checked host, the form and the language; page-server.ts sends it.
 * RFC 7725 (451, "blocked-by"), RFC 9457 (problem documents), RFC 9309 (robots.txt).
 */
import type { PageLanguage } from '../../config/page-text-keys.ts';
import type { BlockedHost } from './blocked-host.ts';
import type { PageLook } from './page-look.ts';
import { blockedPageOctets, limitedPageOctets, neutralPageOctets } from './page-skeleton.ts';
import type { PageForm } from './request-view.ts';

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface PageQuestion {
  readonly look: PageLook;
  readonly form: PageForm;
  readonly language: PageLanguage;
  /** Undefined: not blocked. */
  readonly blocked: BlockedHost | undefined;
  /** URI of who blocks. */
  readonly blockedBy: string;
}

const STATUS_BLOCKED = 451;
const STATUS_NEUTRAL = 404;
const STATUS_METHOD = 405;
const STATUS_LIMITED = 429;
const RETRY_AFTER_SECONDS = '5';

const TYPES: Readonly<Record<PageForm, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/problem+json; charset=utf-8',
  image: 'image/svg+xml',
  script: 'text/javascript; charset=utf-8',
  style: 'text/css; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** Nothing to see: browsers show the body of an image whatever its status. */
const EMPTY_IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';

export function commonHeaders({ look, form, language }: PageQuestion): Record<string, string> {
  return {
    'Content-Type': TYPES[form],
    'Content-Language': language,
    'Content-Security-Policy': look.policy,
    // RFC 7725 section 3: "cacheable by default"; but a block may be lifted any moment.
    'Cache-Control': 'no-store',
    Vary: 'Accept, Accept-Language, Sec-Fetch-Dest',
    'X-Content-Type-Options': 'nosniff',
    ...(form === 'html' ? { 'X-Frame-Options': 'DENY' } : {}),
    'Referrer-Policy': 'no-referrer',
    'X-Robots-Tag': 'noindex',
  };
}

/** One line for programs and for what other pages embed, in the comment syntax of its type. */
function line(form: PageForm, text: string): string {
  if (form === 'image') return EMPTY_IMAGE;
  return form === 'script' || form === 'style' ? `/* ${text} */\n` : `${text}\n`;
}

/**
 * The answer to GET and HEAD, and with another status to every other method: who was sending a form is told why.
 * @param allowed the methods that would do, of a request with another
 */
export function pageAnswer(question: PageQuestion, allowed: string | undefined): PageAnswer {
  const { look, form, language, blocked } = question;
  const headers = commonHeaders(question);
  // RFC 7725 section 4: the link "blocked-by" identifies "the entity that implements blocking".
  if (blocked !== undefined) headers['Link'] = `<${question.blockedBy}>; rel="blocked-by"`;
  if (allowed !== undefined) headers['Allow'] = allowed;
  const status = allowed === undefined ? (blocked === undefined ? STATUS_NEUTRAL : STATUS_BLOCKED) : STATUS_METHOD;
  if (form === 'html') {
    const body = blocked === undefined ? neutralPageOctets(look, language) : blockedPageOctets(look, language, blocked);
    return { status, headers, body };
  }
  const words = look.words[language];
  if (form === 'json') return { status, headers, body: problemOf(question, status) };
  const text = blocked === undefined ? words('neutral.title') : `${words('title')} (${blocked.incident})`;
  return { status, headers, body: line(form, text) };
}

/** `code` is for programs and does not change. */
function problemOf({ look, language, blocked }: PageQuestion, status: number): string {
  const words = look.words[language];
  // RFC 9457 section 4.2.1: "about:blank" says no more than the status code; `code` says the rest.
  if (blocked === undefined) {
    return JSON.stringify({ type: 'about:blank', title: words('neutral.title'), status, code: 'notBlocked' });
  }
  return JSON.stringify({
    type: 'about:blank',
    title: words('title'),
    status,
    code: 'blocked',
    detail: words(`category.${blocked.category}.explanation`),
    ...blocked,
    hotlines: look.hotlines,
  });
}

/** The answer to a client that asks more often than any person does. */
export function limitedAnswer(question: PageQuestion): PageAnswer {
  const { look, form, language } = question;
  const headers = { ...commonHeaders(question), 'Retry-After': RETRY_AFTER_SECONDS };
  const title = look.words[language]('limited.title');
  const problem = { type: 'about:blank', title, status: STATUS_LIMITED, code: 'tooManyRequests' };
  const body =
    form === 'html' ? limitedPageOctets(look, language) : form === 'json' ? JSON.stringify(problem) : line(form, title);
  return { status: STATUS_LIMITED, headers, body };
}

/** For every host alike: no robot has anything to find here. */
export function robotsAnswer(question: PageQuestion): PageAnswer {
  const headers = commonHeaders({ ...question, form: 'text' });
  return { status: 200, headers, body: 'User-agent: *\nDisallow: /\n' };
}
