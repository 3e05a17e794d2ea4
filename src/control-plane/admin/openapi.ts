/**
 * The description of this interface (OpenAPI 3.1), made from the same routes that the server registers. It is behind a
 * token like everything under /v1: it holds no secret, but one rule without an exception is easier to keep.
 */
import { ok, type ApiRoute, type JsonSchema, type QueryParameter } from './api-route.ts';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemCode } from './problem.ts';
import { count, text } from './schemas.ts';

const OPENAPI_VERSION = '3.1.0';
const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';
/** Any route may give these. */
const COMMON_PROBLEMS: readonly ProblemCode[] = [
  ...(['badRequest', 'unauthenticated', 'forbidden', 'originRefused', 'hostRefused'] as const),
  ...(['tooManyFailures', 'internalError', 'storeUnavailable', 'uriTooLong', 'headerTooLarge'] as const),
];
const BODY_PROBLEMS: readonly ProblemCode[] = ['payloadTooLarge', 'unsupportedMediaType', 'requestTimeout'];

const problemSchema: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. `code` is what a program may rely on.',
  properties: {
    type: text,
    title: text,
    status: { type: 'integer' },
    code: { enum: Object.keys(PROBLEMS) },
    detail: text,
    right: text,
    list: text,
    version: count,
    errors: { type: 'array', items: { type: 'object', properties: { path: text, message: text } } },
  },
  required: ['type', 'title', 'status', 'code'],
};

/** The document, and the route that serves it: the last of them, which describes itself too. */
export function openApiRoute(routes: readonly ApiRoute[], version: string): ApiRoute {
  const route: ApiRoute = {
    method: 'GET',
    url: '/v1/openapi.json',
    operationId: 'getDescription',
    summary: 'This description',
    rights: [],
    answer: { type: 'object' },
    problems: [],
    handle: async () => ok(document),
  };
  const document = openApi([...routes, route], version);
  return route;
}

export function openApi(routes: readonly ApiRoute[], version: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = { ...openPaths() };
  for (const route of routes) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: OPENAPI_VERSION,
    info: {
      title: 'Weir: lists, holds, versions and their history',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'weir token create' } },
      schemas: { Problem: problemSchema },
    },
  };
}

function responseOf(description: string, type: string): JsonSchema {
  return { description, content: { [type]: {} } };
}

function get(operationId: string, summary: string, responses: JsonSchema): Record<string, unknown> {
  return { get: { operationId, summary, security: [], responses } };
}

/** What needs no token. */
function openPaths(): Record<string, Record<string, unknown>> {
  return {
    '/': get('getEndpoints', 'Names the endpoints', { 200: responseOf('the endpoints', JSON_TYPE) }),
    '/metrics': get('getMetrics', 'Metrics for Prometheus', { 200: responseOf('the metrics', 'text/plain') }),
    '/healthz': get('getHealth', 'Whether the process lives', {
      200: responseOf('it does', JSON_TYPE),
      503: responseOf('it does not', JSON_TYPE),
    }),
    '/readyz': get('getReadiness', 'Whether listeners are bound and lists loaded', {
      200: responseOf('ready', JSON_TYPE),
      503: responseOf('not yet', JSON_TYPE),
    }),
  };
}

function operation(route: ApiRoute): JsonSchema {
  const { operationId, summary, description, rights } = route;
  const needed = rights.length === 0 ? 'Any token will do.' : `The token needs the right ${rights.join(' or ')}.`;
  return {
    operationId,
    summary,
    description: description === undefined ? needed : `${description} ${needed}`,
    ...parametersOf(route),
    ...bodyOf(route),
    responses: responsesOf(route),
  };
}

function parametersOf({ url, query = {}, bodyLine }: ApiRoute): JsonSchema {
  const inPath = [...url.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text }));
  const inQuery = Object.entries<QueryParameter>(query).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema,
  }));
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    schema: {
      type: 'string',
      maxLength: 255,
    },
    description: 'Makes a repeated request safe: it is done once, and answered each time.',
  };
  const parameters = [...inPath, ...inQuery, ...(bodyLine === undefined ? [] : [key])];
  return parameters.length === 0 ? {} : { parameters };
}

function bodyOf({ body, bodyLine }: ApiRoute): JsonSchema {
  if (body === undefined) return {};
  const lines = bodyLine === undefined ? {} : { [NDJSON_TYPE]: { schema: bodyLine } };
  return { requestBody: { required: true, content: { [JSON_TYPE]: { schema: body }, ...lines } } };
}

function responsesOf({ answer, answerType = JSON_TYPE, answerLine, problems, body }: ApiRoute): JsonSchema {
  const lines = answerLine === undefined ? {} : { [NDJSON_TYPE]: { schema: answerLine } };
  const codes = new Set([...COMMON_PROBLEMS, ...(body === undefined ? [] : BODY_PROBLEMS), ...problems]);
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: Record<string, unknown> = {
    200: { description: 'done', content: { [answerType]: { schema: answer }, ...lines } },
  };
  for (const [status, ofStatus] of byStatus) {
    const content = { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };
    responses[String(status)] = {
      description: ofStatus.map((code) => `${code}: ${PROBLEMS[code].title}`).join('; '),
      content,
    };
  }
  return responses;
}
