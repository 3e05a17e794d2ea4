/**
 * The admin listener: /metrics, /healthz, /readyz for everyone, and under /v1 the interface for people who keep lists
 * (api-routes.ts). The data plane answers whether this server lives or not. Errors are problem documents (RFC 9457).
 */
import { fastify } from 'fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { TlsMaterial } from '../../config/tls-material.ts';
import type { Log } from '../../telemetry/log.ts';
import { CONNECTIONS_MAX, HTTP_SERVER_SETTINGS, answerClientError, statusOfClientError } from '../http-limits.ts';
import { adminTlsSettings } from './admin-tls.ts';
import { apiPlugin, NDJSON, type ApiOptions } from './api-plugin.ts';
import { limitBodyTime } from './body-timeout.ts';
import { PROBLEM_CONTENT_TYPE, problem, problemCodeOfStatus } from './problem.ts';
import type { ProblemDocument } from './problem.ts';

export interface ListReadiness {
  readonly name: string;
  /** failed: the first attempt failed and there is no copy from before; `detail` says why. */
  readonly state: 'loading' | 'loaded' | 'failed';
  readonly version: number;
  readonly entries: number;
  readonly detail?: string;
}

export interface Readiness {
  /** Listeners bound, and each list loaded or its first attempt failed and shown. */
  readonly ready: boolean;
  readonly lists: readonly ListReadiness[];
}

export interface AdminServerOptions {
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly isAlive: () => boolean;
  readonly readiness: () => Readiness;
  readonly log: Log;
  /** Undefined: HTTP. */
  readonly tls?: TlsMaterial | undefined;
  /** Undefined: nothing under /v1. */
  readonly api?: ApiOptions;
}

/** For an API whose every path is fixed, these are the methods worth naming in Allow. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Makes the server; the caller listens and closes. */
export function createAdminServer(options: AdminServerOptions) {
  const server = fastify({
    ...HTTP_SERVER_SETTINGS,
    ...httpsSettings(options.tls),
    // Why 0: a bulk change streams for longer; body-timeout.ts has the limit for every other request.
    requestTimeout: 0,
    // Why: what a program did not mean to say is an error, never dropped and never bent into shape.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    loggerInstance: options.log,
    clientErrorHandler: (error, socket) => {
      const document = problem(problemCodeOfStatus(statusOfClientError(error.code)));
      answerClientError(error, socket, PROBLEM_CONTENT_TYPE, JSON.stringify(document));
    },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problem(problemCodeOfStatus(error.statusCode ?? 400)));
    },
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  server.addHook('onRequest', async (request) => {
    if (!isStreamed(request)) limitBodyTime(request);
  });
  server.addHook('onSend', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff');
  });

  server.get('/', async () => ({ service: 'weir', endpoints: ['/metrics', '/healthz', '/readyz'] }));
  server.get('/metrics', async (_request, reply) => {
    const text = await options.metrics.render();
    return reply.type(options.metrics.contentType).send(text);
  });
  server.get('/healthz', async (_request, reply) => {
    const alive = options.isAlive();
    return reply.code(alive ? 200 : 503).send({ status: alive ? 'ok' : 'failing' });
  });
  server.get('/readyz', async (_request, reply) => {
    const readiness = options.readiness();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });

  if (options.api !== undefined) void server.register(apiPlugin(options.api));

  server.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, '');
    const allowed = METHODS.filter((method) => server.hasRoute({ method, url: path }));
    if (allowed.length === 0) return sendProblem(reply, problem('notFound'));
    reply.header('Allow', allowed.join(', '));
    return sendProblem(reply, problem('methodNotAllowed', `It takes ${allowed.join(' and ')}.`));
  });
  server.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    if (error.validation !== undefined) return sendProblem(reply, invalidBody(error));
    const code = problemCodeOfStatus(error.statusCode ?? 500);
    // Why: the text of an unexpected error may hold anything; it goes to the log, never to the client.
    if (code === 'internalError')
      options.log.error({ err: error, route: request.routeOptions.url }, 'admin request failed');
    return sendProblem(reply, problem(code, code === 'internalError' ? undefined : error.message));
  });
  return server;
}

/** Why typed so: to everything here an HTTPS server is an HTTP server. */
function httpsSettings(tls: TlsMaterial | undefined): object {
  return tls === undefined ? {} : { https: { ...HTTP_SERVER_SETTINGS.http, ...adminTlsSettings(tls) } };
}

/** A bulk change: its route looks after the time it takes. */
function isStreamed(request: FastifyRequest): boolean {
  return (
    request.routeOptions.config.isStreamed === true && request.headers['content-type']?.startsWith(NDJSON) === true
  );
}

/** Says which part of the body is not as the schema wants it. */
function invalidBody({ validation = [], validationContext = 'body' }: FastifyError): ProblemDocument {
  const errors = validation.map(({ instancePath, message = '', params }) => {
    const property = params['additionalProperty'];
    const what = typeof property === 'string' ? `${message}: ${property}` : message;
    return { path: `${validationContext}${instancePath}`, message: what };
  });
  const [first] = errors;
  return problem('badRequest', first === undefined ? undefined : `${first.path} ${first.message}`, { errors });
}

function sendProblem(reply: Pick<FastifyReply, 'code'>, document: ProblemDocument): FastifyReply {
  return reply.code(document.status).type(PROBLEM_CONTENT_TYPE).send(document);
}
