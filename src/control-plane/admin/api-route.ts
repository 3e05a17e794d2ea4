/**
 * What a route under /v1 is: data that the server registers (api-plugin.ts) and that the OpenAPI description is made of
 * (openapi.ts), so that the two cannot differ. A resource is one file that exports its routes; a handler returns what is
 * to be answered and throws only for bugs.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, LedgerRefusal, Right } from '../ledger/ledger.ts';
import { problem, type ProblemCode, type ProblemDocument } from './problem.ts';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A query parameter as OpenAPI has it; read-query.ts checks it. */
export interface QueryParameter {
  readonly type: 'integer' | 'string';
  readonly description: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
}

export type QueryValues = Readonly<Record<string, string | number | undefined>>;

export interface ApiCall {
  readonly actor: Actor;
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryValues;
  /** JSON: valid by the route's schema. NDJSON: the stream. */
  readonly body: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The route's own `bodyLine`. */
  readonly lineSchema: JsonSchema | undefined;
}

export type ApiProblem = {
  readonly kind: 'problem';
  readonly problem: ProblemDocument;
  readonly headers?: Readonly<Record<string, string>>;
};

export type ApiAnswer = { readonly kind: 'ok'; readonly body: unknown; readonly contentType?: string } | ApiProblem;

export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** With `:name` for a parameter. */
  readonly url: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Rights any of which the token must have (for which list, the handler asks); none: any token will do. */
  readonly rights: readonly Right[];
  readonly query?: Readonly<Record<string, QueryParameter>>;
  /** Of a JSON body, strict. */
  readonly body?: JsonSchema;
  /** Of one line, where the route also takes application/x-ndjson. */
  readonly bodyLine?: JsonSchema;
  /** Of the answer with status 200. */
  readonly answer: JsonSchema;
  /** Media type of that answer, where it is not JSON. */
  readonly answerType?: string;
  /** Of one line, where the route can answer application/x-ndjson. */
  readonly answerLine?: JsonSchema;
  /** Beside those that any route may give. */
  readonly problems: readonly ProblemCode[];
  readonly handle: (call: ApiCall) => Promise<ApiAnswer>;
}

export function ok(body: unknown): ApiAnswer {
  return { kind: 'ok', body };
}

export function refuse(
  code: ProblemCode,
  detail?: string,
  extensions?: Readonly<Record<string, unknown>>,
  headers?: Readonly<Record<string, string>>,
): ApiProblem {
  return { kind: 'problem', problem: problem(code, detail, extensions), ...(headers === undefined ? {} : { headers }) };
}

/** A refusal of the ledger: its codes are codes of problems too. */
export function refusedByLedger({ code, message }: LedgerRefusal): ApiProblem {
  const retry = code === 'storeUnavailable' ? { 'Retry-After': '1' } : undefined;
  return refuse(code, message, undefined, retry);
}

/** Whether the token has one of the rights on the list; `*`: on all lists. */
export function allows(actor: Actor, rights: readonly Right[], list: string): boolean {
  return (
    rights.some((right) => actor.rights.includes(right)) && (actor.lists.includes('*') || actor.lists.includes(list))
  );
}

export function forbidden(rights: readonly Right[], list: string): ApiProblem {
  const needed = rights.join(' or ');
  return refuse('forbidden', `It needs the right ${needed} on ${list === '*' ? 'all lists' : `the list ${list}`}.`, {
    right: needed,
    list,
  });
}
