/**
 * Errors of the admin API as problem documents (RFC 9457). `code` is the part that programs may rely on; it never
 * changes. `detail` is for people.
 */

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export const PROBLEMS = {
  badRequest: { status: 400, title: 'The request cannot be understood' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The token does not have this right' },
  originRefused: { status: 403, title: 'Pages in browsers may not use this interface' },
  samePerson: { status: 403, title: 'Another person than the proposer has to decide this' },
  notFound: { status: 404, title: 'There is nothing at this path' },
  listUnknown: { status: 404, title: 'The configuration has no such list' },
  versionUnknown: { status: 404, title: 'The list has no such version, or it is not kept any more' },
  holdUnknown: { status: 404, title: 'There is no such hold' },
  rolloutUnknown: { status: 404, title: 'There is no such rollout' },
  exceptionUnknown: { status: 404, title: 'There is no such exception' },
  appealUnknown: { status: 404, title: 'There is no such appeal' },
  incidentUnknown: { status: 404, title: 'No entry has this incident id' },
  methodNotAllowed: { status: 405, title: 'This path does not take that method' },
  requestTimeout: { status: 408, title: 'The request took too long to arrive' },
  notAPushList: { status: 409, title: 'The list does not take pushes' },
  holdDecided: { status: 409, title: 'The hold is decided already' },
  appealDecided: { status: 409, title: 'The appeal is decided already' },
  notBlocked: { status: 409, title: 'The name is not blocked' },
  appealsClosed: { status: 409, title: 'No appeals are taken against this list' },
  tooManyAppeals: { status: 409, title: 'Too many appeals are open' },
  exceptionEnded: { status: 409, title: 'The exception is over already' },
  tooManyExceptions: { status: 409, title: 'Too many exceptions are active' },
  rolloutEnded: { status: 409, title: 'The rollout has ended' },
  noRolloutSlot: { status: 409, title: 'Too many rollouts are running' },
  changeRunning: { status: 409, title: 'Another bulk change of the list is under way' },
  payloadTooLarge: { status: 413, title: 'The body is too large' },
  tooManyEntries: { status: 413, title: 'The change has too many entries' },
  uriTooLong: { status: 414, title: 'The path is too long' },
  unsupportedMediaType: { status: 415, title: 'The body has a content type that is not read here' },
  hostRefused: { status: 421, title: 'The Host field names another server' },
  idempotencyMismatch: { status: 422, title: 'The idempotency key belongs to another change' },
  badException: { status: 422, title: 'The exception is not one that can be made' },
  badAppeal: { status: 422, title: 'The appeal is not one that can be taken in' },
  tooManyRequests: { status: 429, title: 'Too many requests' },
  tooManyFailures: { status: 429, title: 'Too many failed authentications from this address' },
  headerTooLarge: { status: 431, title: 'The header is too large' },
  internalError: { status: 500, title: 'The server failed; the log says how' },
  storeUnavailable: { status: 503, title: 'The ledger cannot be reached' },
  notInForceYet: { status: 504, title: 'The change is durable, but not in force yet' },
  storeFull: { status: 507, title: 'The disk is full; nothing was changed' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail?: string;
  /** What a code has to say beside that (RFC 9457 section 3.2), for example `right` or `version`. */
  readonly [extension: string]: unknown;
}

/** A problem document by its code. */
export function problem(
  code: ProblemCode,
  detail?: string,
  extensions: Readonly<Record<string, unknown>> = {},
): ProblemDocument {
  const { status, title } = PROBLEMS[code];
  // RFC 9457 section 4.2.1: "about:blank" says no more than the status code; our `code` says the rest.
  return { type: 'about:blank', title, status, code, ...(detail === undefined ? {} : { detail }), ...extensions };
}

/** The code that fits a status of the HTTP server. */
export function problemCodeOfStatus(status: number): ProblemCode {
  switch (status) {
    case 404:
      return 'notFound';
    case 405:
      return 'methodNotAllowed';
    case 408:
      return 'requestTimeout';
    case 413:
      return 'payloadTooLarge';
    case 414:
      return 'uriTooLong';
    case 415:
      return 'unsupportedMediaType';
    case 431:
      return 'headerTooLarge';
    default:
      return status >= 400 && status < 500 ? 'badRequest' : 'internalError';
  }
}
