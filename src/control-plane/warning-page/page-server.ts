/**
 * The warning page's server: where sinkholed names lead. Answers on every path from the Host alone, before a body is
 * read: what people type into a fraudulent form must not be taken in here. A blocked name gets 451 (RFC 7725), anything
 * else a neutral 404. Runs in a thread of its own; the data plane does not know it.
 *
 * socket -> connection limit -> node:http -> rate limit -> Host -> judge -> page-answer.ts
 */
import { type RequestListener, type Server, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { fastify } from 'fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { monotonicMs } from '../../clock.ts';
import type { WarningPageConfig } from '../../config/config.ts';
import { PAGE_LANGUAGES } from '../../config/page-text-keys.ts';
import { clientOctets } from '../../policy/address.ts';
import { PageOutcomeRow, PageSchemeRow } from '../../telemetry/counter-labels.ts';
import { Counter, pageCounter } from '../../telemetry/counters.ts';
import type { Log } from '../../telemetry/log.ts';
import { RateLimiter } from '../admin/rate-limiter.ts';
import { HTTP_SERVER_SETTINGS, answerClientError } from '../http-limits.ts';
import { clientKey } from './client-key.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { HostJudge } from './host-judge.ts';
import { limitedAnswer, pageAnswer, robotsAnswer } from './page-answer.ts';
import type { PageAnswer, PageQuestion } from './page-answer.ts';
import { pageLook } from './page-look.ts';
import { formOf, hostOf, languageOf, pathOf } from './request-view.ts';

/** How often node:http looks for connections whose request is late; its own default is half a minute. */
const LATE_CHECK_MS = 1_000;
/** A burst: what a browser with several tabs asks for at once. */
const BURST_SECONDS = 5;
const RATE_KEYS_MAX = 20_000;

export interface WarningPageOptions {
  readonly config: WarningPageConfig;
  readonly judge: HostJudge;
  readonly log: Log;
  readonly cells: Float64Array;
}

export type WarningPage = ReturnType<typeof createWarningPage>;

/** Makes the server; the caller listens and closes. `accept` takes connections that came by another way (TLS). */
export function createWarningPage(options: WarningPageOptions) {
  const { cells, log, judge } = options;
  let look = pageLook(options.config);
  let rate = rateLimiterOf(options.config);
  const connections = new ConnectionLimit(options.config, () => cells[Counter.pageConnectionsRejected]!++);

  const server = fastify({
    ...HTTP_SERVER_SETTINGS,
    serverFactory: (handler) => httpServer(handler, connections),
    loggerInstance: log,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, 'text/plain', 'Bad request\n'),
    frameworkErrors: (_error, request, reply) => {
      respond(request, reply);
    },
  });

  function answerTo(request: FastifyRequest['raw'], scheme: number): PageAnswer {
    const { headers, url = '/', method, socket } = request;
    const language = languageOf(url, headers['accept-language']);
    cells[pageCounter(scheme, PAGE_LANGUAGES.indexOf(language))]!++;
    const question = { look, form: formOf(headers), language, blocked: undefined, blockedBy: '' };
    if (!rate(clientKey(socket.remoteAddress))) return counted('rateLimited', limitedAnswer(question));
    if (pathOf(url) === '/robots.txt') return counted('robots', robotsAnswer(question));
    const host = hasOneHost(request) ? hostOf(url, headers) : undefined;
    const blocked = host === undefined ? undefined : judge(host, clientOctets(socket.remoteAddress));
    const isMethodAllowed = method === 'GET' || method === 'HEAD';
    const outcome = isMethodAllowed ? (blocked === undefined ? 'notBlocked' : 'blocked') : 'methodNotAllowed';
    const whole: PageQuestion = { ...question, blocked, blockedBy: look.blockedBy || addressOf(socket) };
    return counted(outcome, pageAnswer(whole, isMethodAllowed));
  }

  function counted(outcome: keyof typeof PageOutcomeRow, answer: PageAnswer): PageAnswer {
    cells[Counter.pageOutcomes + PageOutcomeRow[outcome]]!++;
    return answer;
  }

  function respond(request: Pick<FastifyRequest, 'raw'>, reply: Pick<FastifyReply, 'code' | 'headers' | 'send'>) {
    const { raw } = request;
    connections.touch(raw.socket);
    const scheme = isEncrypted(raw.socket) ? PageSchemeRow.https : PageSchemeRow.http;
    const { status, headers, body } = answerTo(raw, scheme);
    reply.code(status);
    reply.headers(headers);
    const hasBody = raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined;
    // Why closed: the body is left unread in the socket.
    if (hasBody || (raw.method !== 'GET' && raw.method !== 'HEAD')) reply.headers({ Connection: 'close' });
    return reply.send(body);
  }

  // Why: in this hook nothing of the body has been read yet, and every method and path comes by.
  server.addHook('onRequest', async (request, reply) => respond(request, reply));
  server.setErrorHandler((error, _request, reply) => {
    log.error({ err: error }, 'warning page failed');
    return reply.code(500).type('text/plain').send('The page could not be made.\n');
  });

  return {
    server,
    connections,
    /** Puts a new configuration in force for everything that is asked from now on. */
    configure(config: WarningPageConfig): void {
      look = pageLook(config);
      rate = rateLimiterOf(config);
      connections.limits = config;
    },
  };
}

/** The limits of http-limits.ts, with late requests found sooner and connections bounded by client. */
function httpServer(handler: RequestListener, connections: ConnectionLimit): Server {
  const {
    http: parser,
    requestTimeout,
    keepAliveTimeout,
    maxRequestsPerSocket,
    connectionTimeout,
  } = HTTP_SERVER_SETTINGS;
  const server = createServer({ ...parser, connectionsCheckingInterval: LATE_CHECK_MS }, handler);
  Object.assign(server, { requestTimeout, keepAliveTimeout, maxRequestsPerSocket });
  server.setTimeout(connectionTimeout);
  // Why prepended: node:http sets its parser up in the listener that comes next.
  server.prependListener('connection', (socket) => void (isEncrypted(socket) || connections.admit(socket)));
  return server;
}

/** Takes a request of a client from its bucket; always true where there is no limit. */
function rateLimiterOf({ requestsPerSecondMax }: WarningPageConfig): (client: string) => boolean {
  if (requestsPerSecondMax === 0) return () => true;
  const burst = requestsPerSecondMax * BURST_SECONDS;
  const limiter = new RateLimiter({ burst, perSecond: requestsPerSecondMax, keysMax: RATE_KEYS_MAX });
  return (client) => limiter.take(client, monotonicMs());
}

/** Several Host fields may be read as several hosts (RFC 9112 section 3.2: answer 400; here it is simply no host). */
function hasOneHost({ rawHeaders }: FastifyRequest['raw']): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === 'host') count++;
  return count <= 1;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}

/** The address that we answer at, as a URI. */
function addressOf(socket: {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): string {
  const address = socket.localAddress ?? '127.0.0.1';
  const host = address.includes(':') ? `[${address}]` : address;
  return `http://${host}${socket.localPort === undefined || socket.localPort === 80 ? '' : `:${socket.localPort}`}/`;
}
