/**
 * Errors of the admin API as problem documents (RFC 9457). `code` is the part that programs may rely on; it never
 * changes. `detail` is for people.
 */

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

const PROBLEMS = {
  badRequest: { status: 400, title: 'The request cannot be understood' },
  notFound: { status: 404, title: 'There is nothing at this path' },
  methodNotAllowed: { status: 405, title: 'This path does not take that method' },
  requestTimeout: { status: 408, title: 'The request took too long to arrive' },
  payloadTooLarge: { status: 413, title: 'The body is too large' },
  uriTooLong: { status: 414, title: 'The path is too long' },
  unsupportedMediaType: { status: 415, title: 'The body has a content type that is not read here' },
  headerTooLarge: { status: 431, title: 'The header is too large' },
  internalError: { status: 500, title: 'The server failed; the log says how' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail?: string;
}

/** A problem document by its code. */
export function problem(code: ProblemCode, detail?: string): ProblemDocument {
  const { status, title } = PROBLEMS[code];
  // RFC 9457 section 4.2.1: "about:blank" says no more than the status code; our `code` says the rest.
  return { type: 'about:blank', title, status, code, ...(detail === undefined ? {} : { detail }) };
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
