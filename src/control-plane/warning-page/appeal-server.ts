/**
 * The part of the warning page's server that reads bodies: two paths, POST alone, a form or JSON of at most
 * APPEAL_BODY_BYTES_MAX. Which request comes here has been decided by page-server.ts from host, path and limits, before
 * anything of the body was read.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../telemetry/log.ts';
import { filedAnswer, formAnswer, proofAnswer, statusAnswer, type AppealQuestionOfPage } from './appeal-answer.ts';
import { APPEAL_BODY_BYTES_MAX, readAppealBody, type AppealFields } from './appeal-body.ts';
import { APPEAL_PATH, type AppealPath } from './appeal-path.ts';
import { clientKey } from './client-key.ts';
import type { PageAnswer } from './page-answer.ts';

export interface AppealCall {
  readonly readsBody: boolean;
  /** `fields` undefined: there is no body, or none that is a form. */
  readonly answer: (fields: AppealFields | undefined, client: string) => Promise<PageAnswer>;
}

export type PageReply = Pick<FastifyReply, 'code' | 'headers' | 'send'>;
type Raw = FastifyRequest['raw'];

/** What a request on one of the paths is about; undefined: nothing, it is answered like any other. */
export function appealCall(question: AppealQuestionOfPage, path: AppealPath, isRead: boolean): AppealCall | undefined {
  if (path.kind === 'private') {
    const { secret } = path;
    return isRead
      ? { readsBody: false, answer: async () => statusAnswer(question, secret) }
      : { readsBody: true, answer: async (fields) => proofAnswer(question, secret, fields) };
  }
  const { blocked } = question;
  if (blocked === undefined) return undefined;
  return isRead
    ? { readsBody: false, answer: async () => formAnswer({ ...question, blocked }) }
    : { readsBody: true, answer: async (fields, client) => filedAnswer({ ...question, blocked }, fields, client) };
}

/** Reads the bodies of the requests in `calls` and answers them. */
export function takeAppeals(
  server: FastifyInstance<Server, IncomingMessage, ServerResponse, Log>,
  calls: WeakMap<Raw, AppealCall>,
  respond: (request: Pick<FastifyRequest, 'raw'>, reply: PageReply, answer: PageAnswer) => unknown,
): void {
  const answer = async (request: Pick<FastifyRequest, 'raw' | 'body'>, reply: PageReply) => {
    const { raw, body } = request;
    const call = calls.get(raw);
    if (call === undefined) throw new Error('a body is read that nobody has asked for');
    const type = raw.headers['content-type'] ?? '';
    const fields = typeof body === 'string' ? readAppealBody(type, body) : undefined;
    return respond(request, reply, await call.answer(fields, clientKey(raw.socket.remoteAddress)));
  };
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string', bodyLimit: APPEAL_BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );
  server.post(APPEAL_PATH, answer);
  server.post(`${APPEAL_PATH}/:secret`, answer);
  // Why: a path in absolute form (RFC 9112 section 3.2.2) is ours and none of the router's.
  server.setNotFoundHandler(async ({ raw }, reply) => answer({ raw, body: undefined }, reply));
}
