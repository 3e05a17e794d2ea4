/**
 * What the warning page answers to an objection and to the private link of one: asks the desk, and puts its reply into the
 * form that whoever asked can use. page-server.ts has judged the host, the limits and the path; what was written is shown
 * again only as escaped text, and never logged.
 */
import type { AppealReply, AppealView } from '../appeal-messages.ts';
import type { AppealRefusalCode } from '../ledger/appeal.ts';
import type { AppealFields } from './appeal-body.ts';
import { appealFormPage, type AppealProblem } from './appeal-form.ts';
import { APPEAL_PATH, newSecret } from './appeal-path.ts';
import { appealStatusPage, appealUnavailablePage, appealUnknownPage } from './appeal-status-page.ts';
import type { AskDesk } from './ask-desk.ts';
import type { BlockedHost } from './blocked-host.ts';
import { commonHeaders, type PageAnswer, type PageQuestion } from './page-answer.ts';
import type { Page } from './page-html.ts';
import { isSameBlock } from './same-block.ts';

export interface AppealDesk {
  readonly ask: AskDesk;
  readonly retentionDays: number;
  /** Before the path of a private link; '': the address that was asked. */
  readonly statusUrl: string;
}

export interface AppealQuestionOfPage extends PageQuestion {
  readonly desk: AppealDesk;
  /** Of the page, as a URI with a slash at the end. */
  readonly address: string;
}

type Blocked = AppealQuestionOfPage & { readonly blocked: BlockedHost };

const PROBLEM_STATUS: Readonly<Record<AppealProblem, number>> = {
  badWho: 422,
  badContact: 422,
  badReason: 422,
  badEvidence: 422,
  badForm: 400,
  tooManyOfEntry: 409,
  tooManyOfList: 503,
  tooManyOfClient: 429,
  closed: 403,
  unavailable: 503,
};
const RETRY_AFTER_SECONDS = '60';

const NO_FIELDS: AppealFields = { who: '', contact: '', reason: '', evidenceUrl: '', key: '', incident: '', by: '' };

/** The empty form. */
export function formAnswer(question: Blocked): PageAnswer {
  return formWith(question, { ...NO_FIELDS, key: newSecret(), incident: question.blocked.incident }, undefined, 200);
}

/** An objection that was sent; `fields` undefined: what was sent is no form. */
export async function filedAnswer(
  question: Blocked,
  fields: AppealFields | undefined,
  client: string,
): Promise<PageAnswer> {
  if (fields === undefined) return refusedAnswer(question, NO_FIELDS, 'badForm');
  const { blocked } = question;
  // Why its own where there is none: a program need not make one up.
  const secret = fields.key === '' ? newSecret() : fields.key;
  const { who, contact, reason, evidenceUrl } = fields;
  const reply = await question.desk.ask({
    kind: 'file',
    appeal: {
      list: blocked.list,
      name: blocked.name,
      entry: blocked.entry,
      incident: isSameBlock(fields.incident, blocked.incident) ? fields.incident : blocked.incident,
      who,
      contact,
      reason,
      evidenceUrl,
      secret,
      client,
    },
  });
  if (reply.kind === 'filed') return statusWith(question, reply.appeal, { secret, isNew: true, status: 201 });
  const problem = reply.kind === 'refused' ? problemOf(reply.code) : 'unavailable';
  return refusedAnswer(question, { ...fields, key: secret }, problem);
}

/** The private page. */
export async function statusAnswer(question: AppealQuestionOfPage, secret: string): Promise<PageAnswer> {
  return ofReply(question, secret, await question.desk.ask({ kind: 'status', secret }));
}

/** The owner wants their proof looked at. */
export async function proofAnswer(
  question: AppealQuestionOfPage,
  secret: string,
  fields: AppealFields | undefined,
): Promise<PageAnswer> {
  const by = fields?.by;
  if (by !== 'dns' && by !== 'http') return statusAnswer(question, secret);
  return ofReply(question, secret, await question.desk.ask({ kind: 'prove', secret, by }));
}

function ofReply(question: AppealQuestionOfPage, secret: string, reply: AppealReply): PageAnswer {
  if (reply.kind === 'status') return statusWith(question, reply.appeal, { secret, isNew: false, status: 200 });
  if (reply.kind === 'notProved') {
    return statusWith(question, reply.appeal, { secret, isNew: false, status: 200, proof: 'failed' });
  }
  const page = pageOf(question);
  if (reply.kind === 'unknown') return plain(question, 404, 'appealUnknown', appealUnknownPage(page));
  return plain(question, 503, 'unavailable', appealUnavailablePage(page));
}

function problemOf(code: AppealRefusalCode): AppealProblem {
  switch (code) {
    case 'storeFull':
    case 'storeUnavailable':
      return 'unavailable';
    case 'badSecret':
      return 'badForm';
    case 'appealsClosed':
      return 'closed';
    default:
      return code;
  }
}

function refusedAnswer(question: Blocked, fields: AppealFields, problem: AppealProblem): PageAnswer {
  // Why another key where that is what was wrong: the form would be refused for ever.
  const form = problem === 'badForm' ? { ...fields, key: newSecret(), incident: question.blocked.incident } : fields;
  return formWith(question, form, problem, PROBLEM_STATUS[problem]);
}

function formWith(
  question: Blocked,
  fields: AppealFields,
  problem: AppealProblem | undefined,
  status: number,
): PageAnswer {
  const { blocked, desk, look } = question;
  const later = status === 503 || status === 429 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {};
  const headers = { ...commonHeaders(question), 'Content-Security-Policy': look.formPolicy, ...later };
  if (question.form === 'html') {
    const { retentionDays } = desk;
    return { status, headers, body: appealFormPage(pageOf(question), { blocked, fields, problem, retentionDays }) };
  }
  const { words } = pageOf(question);
  const title = words(problem === undefined ? 'objection.title' : 'appeal.problem.title');
  const detail = problem === undefined ? words('objection.form') : words(`appeal.problem.${problem}`);
  return dataAnswer(question, status, headers, {
    type: 'about:blank',
    title,
    status,
    code: problem ?? 'objectionForm',
    detail,
  });
}

interface Shown {
  readonly secret: string;
  readonly isNew: boolean;
  readonly status: number;
  readonly proof?: 'failed';
}

function statusWith(question: AppealQuestionOfPage, appeal: AppealView, shown: Shown): PageAnswer {
  const { desk, look, address, language } = question;
  const { secret, isNew, status, proof } = shown;
  const base = (desk.statusUrl === '' ? address : desk.statusUrl).replace(/\/$/, '');
  const link = `${base}${APPEAL_PATH}/${secret}?lang=${language}`;
  const headers = { ...commonHeaders(question), 'Content-Security-Policy': look.formPolicy };
  if (question.form === 'html') {
    const content = { appeal, link, secret, isNew, proof, retentionDays: desk.retentionDays };
    return { status, headers, body: appealStatusPage(pageOf(question), content) };
  }
  const { createdAtSeconds, dueAtSeconds, decisionReason = null, ...rest } = appeal;
  const [createdAt, dueAt] = [createdAtSeconds, dueAtSeconds].map((seconds) => new Date(seconds * 1000).toISOString());
  return dataAnswer(question, status, headers, { ...rest, createdAt, dueAt, decisionReason, link });
}

function plain(question: AppealQuestionOfPage, status: number, code: string, body: string): PageAnswer {
  const later = status === 503 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {};
  const headers = { ...commonHeaders(question), ...later };
  if (question.form === 'html') return { status, headers, body };
  return dataAnswer(question, status, headers, { type: 'about:blank', status, code });
}

/** For programs: JSON, and a problem document where it is one (RFC 9457). */
function dataAnswer(
  { form }: AppealQuestionOfPage,
  status: number,
  headers: Readonly<Record<string, string>>,
  value: Readonly<Record<string, unknown>>,
): PageAnswer {
  if (form !== 'json') return { status, headers, body: `${String(value['code'] ?? value['state'])}\n` };
  const type = status < 400 ? 'application/json; charset=utf-8' : headers['Content-Type']!;
  return { status, headers: { ...headers, 'Content-Type': type }, body: JSON.stringify(value) };
}

function pageOf({ look, language }: PageQuestion): Page {
  return { look, language, words: look.words[language] };
}
