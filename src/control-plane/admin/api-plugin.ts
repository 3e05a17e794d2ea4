/**
 * Puts the routes under /v1 on the admin server: who asks, what the token may do, query, body, handler, answer, in this
 * order; each step may end it with a problem document. A route's file says the rest.
 *
 * onRequest: authenticate, rights -> body (JSON by schema, or NDJSON as a stream) -> query -> handle -> answer, counted
 */
import { Socket } from 'node:net';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../ledger/ledger.ts';
import { storeRefusal } from '../ledger/ledger-failure.ts';
import { forbidden, refuse, refusedByLedger, type ApiAnswer, type ApiProblem, type ApiRoute } from './api-route.ts';
import { CONNECTION_TIMEOUT_MS } from '../http-limits.ts';
import type { Authentication } from './authentication.ts';
import { PROBLEM_CONTENT_TYPE } from './problem.ts';
import { readQuery } from './read-query.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads a body as it arrives. */
    isStreamed?: boolean;
  }
}

export const NDJSON = 'application/x-ndjson';
/** For the rest of a body that nobody reads any more, so that the client gets to read the answer. */
export const LINGER_MS = 5_000;

/**
 * A connection may be silent for so long while its request is worked on: longer than all that a route waits for, the
 * ledger's patience with a bulk change and its way into force, each with a limit of its own. Units: milliseconds.
 */
export const WORK_TIMEOUT_MS = 1_000_000;

export interface ApiOptions {
  readonly routes: readonly ApiRoute[];
  readonly authentication: Authentication;
  /** Every answer; `url` with the parameters' names in it. */
  readonly onAnswer: (url: string, status: number) => void;
}

export function apiPlugin({ routes, authentication, onAnswer }: ApiOptions): FastifyPluginAsync {
  const actors = new WeakMap<FastifyRequest, Actor>();
  return async (api) => {
    api.removeContentTypeParser('text/plain');
    api.addHook('onResponse', async (request, reply) => {
      onAnswer(request.routeOptions.url ?? '', reply.statusCode);
      endUnreadBody(request);
    });
    for (const route of routes) {
      await api.register(async (scope) => {
        if (route.bodyLine !== undefined) {
          scope.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
        }
        scope.route({
          method: route.method,
          url: route.url,
          config: { isStreamed: route.bodyLine !== undefined },
          ...(route.body === undefined
            ? {}
            : { schema: { body: { content: { 'application/json': { schema: route.body } } } } }),
          onRequest: async (request, reply) => {
            const who = await orStoreRefusal(authentication.authenticate(request));
            if (who.kind === 'problem') return send(reply, who);
            const { actor } = who;
            if (route.rights.length > 0 && !route.rights.some((right) => actor.rights.includes(right))) {
              return send(reply, forbidden(route.rights, nameOf(request) ?? 'in question'));
            }
            actors.set(request, actor);
            return undefined;
          },
          handler: async (request, reply) => send(reply, await handle(route, request, reply, actors.get(request)!)),
        });
      });
    }
  };
}

async function handle(route: ApiRoute, request: FastifyRequest, reply: FastifyReply, actor: Actor): Promise<ApiAnswer> {
  const query = readQuery(route.query ?? {}, request.query as Record<string, unknown>);
  if (query.kind === 'bad') {
    const errors = [{ path: `query/${query.parameter}`, message: query.message }];
    return refuse('badRequest', `query parameter ${query.parameter} ${query.message}`, { errors });
  }
  const params = request.params as Record<string, string>;
  const { body } = request;
  const call = { actor, params, query: query.values, body, request, reply, lineSchema: route.bodyLine };
  // Why: while the ledger works, or an index is built, there is no traffic, and that is no reason to close.
  allowSilence(request, WORK_TIMEOUT_MS);
  try {
    return await orStoreRefusal(route.handle(call));
  } finally {
    allowSilence(request, CONNECTION_TIMEOUT_MS);
  }
}

function allowSilence({ raw: { socket } }: FastifyRequest, ms: number): void {
  // Why the question: a request that was injected has no real one.
  if (socket instanceof Socket) socket.setTimeout(ms);
}

/** Where the ledger cannot answer at all, and everything else goes on. Errors: throws what is a bug. */
async function orStoreRefusal<T>(result: Promise<T>): Promise<T | ApiProblem> {
  try {
    return await result;
  } catch (error) {
    const refusal = storeRefusal(error);
    if (refusal === undefined) throw error;
    return refusedByLedger(refusal);
  }
}

function send(reply: FastifyReply, answer: ApiAnswer): FastifyReply {
  if (answer.kind === 'ok') return reply.type(answer.contentType ?? 'application/json').send(answer.body);
  reply.headers({ ...answer.headers });
  return reply.code(answer.problem.status).type(PROBLEM_CONTENT_TYPE).send(answer.problem);
}

function nameOf({ params }: FastifyRequest): string | undefined {
  return (params as Record<string, string | undefined>)['name'];
}

function endUnreadBody({ raw }: FastifyRequest): void {
  if (raw.complete || raw.destroyed) return;
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), LINGER_MS);
  timer.unref();
  raw.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
}
