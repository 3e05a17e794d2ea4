/**
 * The warning page's server: where sinkholed names lead. Answers every method on every path from the Host alone, before
 * a body is read: what people type into a fraudulent form must not be taken in here. A blocked name gets 451 (RFC 7725),
 * anything else a neutral 404. Runs in a thread of its own; the data plane does not know it.
 */
import { fastify } from 'fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAGE_LANGUAGES, PAGE_SCHEMES } from '../../telemetry/counter-labels.ts';
import type { PageLanguage } from '../../telemetry/counter-labels.ts';
import { pageCounter } from '../../telemetry/counters.ts';
import type { Log } from '../../telemetry/log.ts';
import { CONNECTIONS_MAX, HTTP_SERVER_SETTINGS, answerClientError } from '../http-limits.ts';
import type { BlockedHost } from './blocked-host.ts';
import { blockedPage, neutralPage } from './page-html.ts';
import { PAGE_POLICY } from './page-style.ts';
import { PAGE_WORDS } from './page-text.ts';
import { formOf, hostOf, languageOf } from './request-view.ts';
import type { PageForm } from './request-view.ts';

export const STATUS_BLOCKED = 451;
export const STATUS_NEUTRAL = 404;

export interface WarningPageOptions {
  /** What the policy says of a host; undefined: not blocked. */
  readonly judge: (host: string) => BlockedHost | undefined;
  readonly log: Log;
  readonly cells: Float64Array;
}

const HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex',
} as const;

/** Makes the server; the caller listens and closes. */
export function createWarningPage(options: WarningPageOptions) {
  const { cells } = options;
  const server = fastify({
    ...HTTP_SERVER_SETTINGS,
    loggerInstance: options.log,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, 'text/plain', 'Bad request\n'),
    frameworkErrors: (_error, request, reply) => {
      respond(request, reply);
    },
  });
  server.server.maxConnections = CONNECTIONS_MAX;

  function respond(
    request: Pick<FastifyRequest, 'raw'>,
    reply: Pick<FastifyReply, 'code' | 'headers' | 'type' | 'send'>,
  ) {
    const { headers, url = '/', method } = request.raw;
    const language = languageOf(headers['accept-language']);
    cells[pageCounter(PAGE_SCHEMES.indexOf('http'), PAGE_LANGUAGES.indexOf(language))]!++;
    const host = hostOf(url, headers);
    const blocked = host === undefined ? undefined : options.judge(host);
    const form = formOf(headers);
    reply.code(blocked === undefined ? STATUS_NEUTRAL : STATUS_BLOCKED);
    reply.headers({ ...HEADERS, 'Content-Language': form === 'html' ? 'zh-CN, en' : language });
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    if (hasBody || (method !== 'GET' && method !== 'HEAD')) reply.headers({ Connection: 'close' });
    if (blocked !== undefined) reply.headers({ Link: blockedBy(request.raw.socket) });
    const { type, body } = render(form, blocked, language);
    return reply.type(type).send(body);
  }

  // Why: in this hook nothing of the body has been read yet, and every method and path comes by.
  server.addHook('onRequest', async (request, reply) => respond(request, reply));
  server.setErrorHandler((error, _request, reply) => {
    options.log.error({ err: error }, 'warning page failed');
    return reply.code(500).headers(HEADERS).type('text/plain').send('The page could not be made.\n');
  });
  return server;
}

/** RFC 7725 section 4: the link "blocked-by" identifies "the entity that implements blocking": the address we answer at. */
function blockedBy(socket: {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): string {
  const address = socket.localAddress ?? '127.0.0.1';
  const host = address.includes(':') ? `[${address}]` : address;
  return `<http://${host}${socket.localPort === undefined || socket.localPort === 80 ? '' : `:${socket.localPort}`}/>; rel="blocked-by"`;
}

function render(
  form: PageForm,
  blocked: BlockedHost | undefined,
  language: PageLanguage,
): { readonly type: string; readonly body: string } {
  const words = PAGE_WORDS[language];
  if (form === 'html') {
    const body = blocked === undefined ? neutralPage(language) : blockedPage(blocked, language);
    return { type: 'text/html; charset=utf-8', body };
  }
  if (form === 'text') {
    const body = blocked === undefined ? 'Not found\n' : `${words.title} (${blocked.incident})\n`;
    return { type: 'text/plain; charset=utf-8', body };
  }
  const document =
    blocked === undefined
      ? { status: STATUS_NEUTRAL, code: 'notBlocked', title: words.neutral.title }
      : { status: STATUS_BLOCKED, code: 'blocked', title: words.title, ...blocked };
  return { type: 'application/json; charset=utf-8', body: JSON.stringify(document) };
}
