/**
 * The time that a body may take to arrive. node:http has one limit for all requests of a server; here a bulk change may
 * stream for as long as it makes progress (bulk-change.ts watches that), and everything else has REQUEST_TIMEOUT_MS.
 */
import type { FastifyRequest } from 'fastify';
import { REQUEST_TIMEOUT_MS, answerClientError } from '../http-limits.ts';
import { PROBLEM_CONTENT_TYPE, problem } from './problem.ts';

/** Call it when the header has been read. */
export function limitBodyTime(request: FastifyRequest, timeoutMs = REQUEST_TIMEOUT_MS): void {
  const { raw } = request;
  if (raw.headers['content-length'] === undefined && raw.headers['transfer-encoding'] === undefined) return;
  const timer = setTimeout(() => {
    if (raw.complete) return;
    const document = JSON.stringify(problem('requestTimeout'));
    answerClientError({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, raw.socket, PROBLEM_CONTENT_TYPE, document);
    raw.destroy();
  }, timeoutMs);
  timer.unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}
