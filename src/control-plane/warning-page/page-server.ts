/**
 * The warning page's server: where sinkholed names lead. Answers on every path from the Host alone, before a body is
 * read: what people type into a fraudulent form must not be taken in here. Only the form for objections is read, where
 * there is one (appeal-server.ts). A blocked name gets 451 (RFC 7725), anything else a neutral 404. Runs in a thread of its
 * own; the data plane does not know it.
 *
 * socket -> connection limit -> node:http -> page-requests.ts (rate limit, Host, judge) -> page-answer.ts
 */
import { type RequestListener, type Server, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { fastify } from 'fastify';
import type { FastifyRequest } from 'fastify';
import type { WarningPageConfig } from '../../config/config.ts';
import { Counter } from '../../telemetry/counters.ts';
import type { Log } from '../../telemetry/log.ts';
import { HTTP_SERVER_SETTINGS, answerClientError } from '../http-limits.ts';
import type { AppealDesk } from './appeal-answer.ts';
import { takeAppeals, type AppealCall, type PageReply } from './appeal-server.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { PageAnswer } from './page-answer.ts';
import { PageRequests, type PageRequestsOptions } from './page-requests.ts';

/** How often node:http looks for connections whose request is late; its own default is half a minute. */
const LATE_CHECK_MS = 1_000;

export interface WarningPageOptions extends PageRequestsOptions {
  readonly log: Log;
}

/** Makes the server; the caller listens and closes. `accept` takes connections that came by another way (TLS). */
export function createWarningPage(options: WarningPageOptions) {
  const { cells, log } = options;
  const connections = new ConnectionLimit(options.config, () => cells[Counter.pageConnectionsRejected]!++);
  const requests = new PageRequests(options);

  const server = fastify({
    ...HTTP_SERVER_SETTINGS,
    serverFactory: (handler) => httpServer(handler, connections),
    loggerInstance: log,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, 'text/plain', 'Bad request\n'),
    frameworkErrors: (_error, request, reply) =>
      void Promise.resolve(arrived(request)).then((answer) => {
        // Why never an appeal: what fastify cannot read as a path is none of its two.
        if (!('readsBody' in answer)) respond(request, reply, answer);
      }),
  });

  function arrived({ raw }: Pick<FastifyRequest, 'raw'>): PageAnswer | Promise<PageAnswer> | AppealCall {
    connections.touch(raw.socket);
    return requests.take(raw, isEncrypted(raw.socket));
  }

  const respondAppeal = (request: Pick<FastifyRequest, 'raw'>, reply: PageReply, answer: PageAnswer) =>
    respond(request, reply, requests.countAppeal(answer));
  const calls = new WeakMap<FastifyRequest['raw'], AppealCall>();
  // Why: in this hook nothing of the body has been read yet, and every method and path comes by.
  server.addHook('onRequest', async (request, reply) => {
    const answer = await arrived(request);
    if (!('readsBody' in answer)) return respond(request, reply, answer);
    if (!answer.readsBody) return respondAppeal(request, reply, await answer.answer(undefined, ''));
    calls.set(request.raw, answer);
    return undefined;
  });
  takeAppeals(server, calls, respondAppeal);
  server.setErrorHandler(async (error, request, reply) => {
    // A body that is too long or ends early is no form.
    const call = calls.get(request.raw);
    if (call !== undefined && isClientError(error))
      return respondAppeal(request, reply, await call.answer(undefined, ''));
    log.error({ err: error }, 'warning page failed');
    return reply.code(500).type('text/plain').send('The page could not be made.\n');
  });

  return {
    server,
    connections,
    /** Puts a new configuration in force for everything that is asked from now on. */
    configure(config: WarningPageConfig, desk?: AppealDesk): void {
      requests.configure(config, desk);
      connections.limits = config;
    },
  };
}

function respond({ raw }: Pick<FastifyRequest, 'raw'>, reply: PageReply, { status, headers, body }: PageAnswer) {
  reply.code(status);
  reply.headers(headers);
  const hasBody = raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined;
  // Why closed: the body is left unread in the socket, or whoever sent it sends no second one soon.
  if (hasBody || (raw.method !== 'GET' && raw.method !== 'HEAD')) reply.headers({ Connection: 'close' });
  return reply.send(body);
}

function isClientError(error: unknown): boolean {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500;
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

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
