/**
 * POST /v1/appeals: an objection that came by telephone or letter, taken in by a help desk for who has made it. The block is
 * what the policy in force says of the name; what is written is checked, and the limits of the list and the entry counted,
 * by the ledger, as for the form of the warning page.
 */
import { monotonicMs } from '../../clock.ts';
import type { AppealReply } from '../appeal-messages.ts';
import {
  CONTACT_CHARACTERS_MAX,
  CONTACT_CHARACTERS_MIN,
  EVIDENCE_CHARACTERS_MAX,
  REASON_CHARACTERS_MAX,
  REASON_CHARACTERS_MIN,
} from '../ledger/appeal-check.ts';
import { APPELLANTS, type AppealRefusalCode, type AppealRow, type Appellant } from '../ledger/appeal.ts';
import { normaliseName } from '../list-sync/format/normalise-name.ts';
import { APPEAL_PATH, newSecret } from '../warning-page/appeal-path.ts';
import {
  allows,
  forbidden,
  ok,
  refuse,
  type ApiAnswer,
  type ApiCall,
  type ApiProblem,
  type ApiRoute,
  type JsonSchema,
} from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { blockingRule } from './appealed-block.ts';
import { READ_RIGHTS } from './lists.ts';
import { RateLimiter } from './rate-limiter.ts';
import { record, text } from './schemas.ts';

/** Objections of one token: a help desk types them in. */
export const FILING_RATE = { burst: 20, perSecond: 0.2, keysMax: 10_000 } as const;
const NAME_CHARACTERS_MAX = 1_024;
/** What the ledger takes is less; beyond this it is not looked at. */
const TEXT_CHARACTERS_MAX = 4_000;

interface Filing {
  readonly name: string;
  readonly who: Appellant;
  readonly contact: string;
  readonly reason: string;
  readonly evidenceUrl?: string;
}

const DETAILS: Readonly<Partial<Record<AppealRefusalCode, string>>> = {
  badContact: `contact has ${CONTACT_CHARACTERS_MIN} to ${CONTACT_CHARACTERS_MAX} characters, none of them a control character`,
  badReason: `reason has ${REASON_CHARACTERS_MIN} to ${REASON_CHARACTERS_MAX} characters, none of them a control character`,
  badEvidence: `evidenceUrl begins with http:// or https:// and has at most ${EVIDENCE_CHARACTERS_MAX} characters`,
  tooManyOfEntry: 'Enough objections to this entry are being looked at already.',
  tooManyOfList: 'Too many objections to this list wait.',
};

const written = { type: 'string', maxLength: TEXT_CHARACTERS_MAX };

export function appealFilingRoute(
  services: ApiServices,
  appealSchema: JsonSchema,
  bodyOf: (row: AppealRow, call: ApiCall) => Record<string, unknown>,
): ApiRoute {
  const rate = new RateLimiter(FILING_RATE);
  return {
    method: 'POST',
    url: '/v1/appeals',
    operationId: 'fileAppeal',
    summary: 'Take in an objection for somebody who has made it by telephone or letter',
    rights: READ_RIGHTS,
    body: record(
      {
        name: { type: 'string', maxLength: NAME_CHARACTERS_MAX, description: 'the blocked name' },
        who: { enum: APPELLANTS },
        contact: { ...written, description: 'how to reach them' },
        reason: { ...written, description: 'why the block is wrong' },
        evidenceUrl: written,
      },
      ['evidenceUrl'],
    ),
    answer: record({
      appeal: appealSchema,
      privatePath: {
        ...text,
        description: 'behind the address of the warning page: how the applicant follows it; shown this once',
      },
    }),
    problems: ['notBlocked', 'badAppeal', 'appealsClosed', 'tooManyAppeals', 'tooManyRequests', 'storeFull'],
    handle: async (call) => {
      const nowMs = monotonicMs();
      const { id } = call.actor;
      if (!rate.take(id, nowMs)) {
        const headers = { 'Retry-After': String(rate.waitSeconds(id, nowMs)) };
        return refuse('tooManyRequests', undefined, undefined, headers);
      }
      return fileAppeal(services, call, bodyOf);
    },
  };
}

async function fileAppeal(
  services: ApiServices,
  call: ApiCall,
  bodyOf: (row: AppealRow, call: ApiCall) => Record<string, unknown>,
): Promise<ApiAnswer> {
  const { name: sent, evidenceUrl = '', ...words } = call.body as Filing;
  const normalised = normaliseName(sent);
  if (normalised.kind !== 'name') return refuse('badRequest', `name is not a domain name (${normalised.reason})`);
  const { name } = normalised;
  const policy = services.policy();
  if (policy === undefined) return refuse('storeUnavailable', 'No policy is published yet.');
  const block = blockingRule(policy, name);
  if (block === undefined) {
    return refuse('notBlocked', `No list blocks ${name}. Where it leads to a blocked name, give that one.`);
  }
  if (!allows(call.actor, READ_RIGHTS, block.list)) return forbidden(READ_RIGHTS, block.list);
  const secret = newSecret();
  const { list, entry, incident = '' } = block;
  const appeal = { ...words, evidenceUrl, list, name, entry, incident, secret, client: undefined, by: call.actor };
  const reply = await services.fileAppeal(appeal);
  if (reply.kind !== 'filed') return refusalOf(reply);
  const row = await services.ledger.appeal(reply.appeal.id);
  if (row === undefined) return refuse('storeUnavailable', 'The objection was taken in, and cannot be shown now.');
  return ok({ appeal: bodyOf(row, call), privatePath: `${APPEAL_PATH}/${secret}` });
}

function refusalOf(reply: Exclude<AppealReply, { kind: 'filed' }>): ApiProblem {
  if (reply.kind !== 'refused')
    return refuse('storeUnavailable', 'The ledger does not answer; nothing is known of it.');
  const { code } = reply;
  if (code === 'appealsClosed' || code === 'storeFull' || code === 'storeUnavailable') return refuse(code);
  return refuse(code.startsWith('tooMany') ? 'tooManyAppeals' : 'badAppeal', DETAILS[code]);
}
