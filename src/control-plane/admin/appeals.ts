/**
 * /v1/appeals: what subscribers and owners of blocked names have handed in, and the decision on it. An appeal that is
 * upheld is answered when the block is off every resolver thread. What a person has written is shown to those who may
 * decide; who may only read sees what became of it.
 */
import { wallClockMs } from '../../clock.ts';
import {
  APPEAL_STATES,
  APPELLANTS,
  OWNER_PROOFS,
  isOpen,
  type AppealFilter,
  type AppealRow,
} from '../ledger/appeal.ts';
import { allows, ok, refuse, refusedByLedger, type ApiAnswer, type ApiCall, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { appealFilingRoute } from './appeal-filing.ts';
import { blockOf } from './appealed-block.ts';
import { READ_RIGHTS } from './lists.ts';
import { isLookedAtAgain, notInForceYet, putInForce } from './put-in-force.ts';
import { ID_CHARACTERS_MAX, pageParameters, pageSchema, readablePage } from './readable-page.ts';
import { count, dateTime, dateTimeOrNull, flag, list, reason, record, text, textOrNull, timeText } from './schemas.ts';

const RIGHTS = ['approve'] as const;

const personal = 'null: forgotten, never given, or not for this token';
const appealSchema = record({
  id: text,
  list: text,
  name: { ...text, description: 'the blocked name' },
  entry: { ...text, description: 'the entry that blocks it' },
  incident: text,
  who: { enum: APPELLANTS },
  contact: { ...textOrNull, description: personal },
  reason: { ...textOrNull, description: personal },
  evidenceUrl: { ...textOrNull, description: personal },
  ownerProof: { enum: OWNER_PROOFS, description: 'how the owner has shown control of the name' },
  state: { enum: APPEAL_STATES },
  createdAt: dateTime,
  dueAt: { ...dateTime, description: 'until when it has to be decided' },
  overdue: flag,
  decidedBy: textOrNull,
  decidedAt: dateTimeOrNull,
  decisionReason: { ...textOrNull, description: 'the applicant reads it' },
});

export function appealRoutes(services: ApiServices): ApiRoute[] {
  return [
    {
      method: 'GET',
      url: '/v1/appeals',
      operationId: 'getAppeals',
      summary: 'Objections to blocks, oldest first',
      rights: READ_RIGHTS,
      query: {
        list: { type: 'string', description: 'against this list only', maxLength: 32 },
        state: {
          type: 'string',
          description: 'in this state only; open: received or in review',
          enum: [...APPEAL_STATES, 'open'],
        },
        ...pageParameters('appeal'),
      },
      answer: pageSchema('appeals', appealSchema),
      problems: [],
      handle: async (call) => getAppeals(services, call),
    },
    {
      method: 'GET',
      url: '/v1/appeals/:id',
      operationId: 'getAppeal',
      summary: 'One objection',
      rights: READ_RIGHTS,
      answer: record({ appeal: appealSchema }),
      problems: ['appealUnknown'],
      handle: async (call) => {
        const appeal = await readableAppeal(services, call);
        return 'kind' in appeal ? appeal : ok({ appeal: appealBody(appeal, call) });
      },
    },
    appealFilingRoute(services, appealSchema, appealBody),
    {
      method: 'POST',
      url: '/v1/appeals/:id/review',
      operationId: 'reviewAppeal',
      summary: 'Say that somebody looks at an objection; the applicant sees it',
      rights: RIGHTS,
      answer: record({ appeal: appealSchema }),
      problems: ['appealUnknown', 'appealDecided'],
      handle: async (call) => review(services, call),
    },
    decisionRoute(services, 'uphold', 'Decide that the block was wrong, and lift it at once'),
    decisionRoute(services, 'reject', 'Decide that the block stays'),
  ];
}

function decisionRoute(services: ApiServices, decision: 'uphold' | 'reject', summary: string): ApiRoute {
  return {
    method: 'POST',
    url: `/v1/appeals/:id/${decision}`,
    operationId: `${decision}Appeal`,
    summary,
    rights: RIGHTS,
    body: record({ reason: { ...reason, description: 'why; the applicant reads it' } }),
    answer: record({
      appeal: appealSchema,
      alsoDecided: { ...list(text), description: 'other objections to the same entry, decided with it' },
      version: { anyOf: [count, { type: 'null' }], description: 'of the list, where the decision has changed it' },
      stillBlockedBy: {
        anyOf: [record({ list: text, entry: text }), { type: 'null' }],
        description: 'what else blocks the name now',
      },
    }),
    problems: ['appealUnknown', 'appealDecided', 'samePerson', 'storeFull', 'notInForceYet'],
    handle: async (call) => decide(services, decision, call),
  };
}

async function getAppeals(services: ApiServices, call: ApiCall): Promise<ApiAnswer> {
  const { state } = call.query;
  const ofState = state === undefined ? {} : { state: state as NonNullable<AppealFilter['state']> };
  const page = await readablePage(call, (filter) => services.ledger.appeals({ ...filter, ...ofState }));
  if (page.kind !== 'page') return page;
  return ok({ appeals: page.rows.map((appeal) => appealBody(appeal, call)), next: page.next });
}

/** Why unknown where it may not be read: an id says nothing to who may not. */
async function readableAppeal({ ledger }: ApiServices, { actor, params }: ApiCall) {
  const id = params['id']!;
  const appeal = id.length > ID_CHARACTERS_MAX ? undefined : await ledger.appeal(id);
  if (appeal === undefined || !allows(actor, READ_RIGHTS, appeal.list)) {
    return refuse('appealUnknown', 'There is no such appeal.');
  }
  return appeal;
}

async function review(services: ApiServices, call: ApiCall): Promise<ApiAnswer> {
  const appeal = await readableAppeal(services, call);
  if ('kind' in appeal) return appeal;
  const reviewed = await services.ledger.reviewAppeal(appeal.id, call.actor);
  if (reviewed.kind === 'refused') return refusedByLedger(reviewed);
  void services.onLedgerChanged();
  return ok({ appeal: appealBody(reviewed.appeal, call) });
}

async function decide(services: ApiServices, decision: 'uphold' | 'reject', call: ApiCall): Promise<ApiAnswer> {
  const appeal = await readableAppeal(services, call);
  if ('kind' in appeal) return appeal;
  const { reason: why } = call.body as { reason: string };
  const decided = await services.ledger.decideAppeal(appeal.id, decision, why, call.actor);
  if (decided.kind === 'refused') return refusedByLedger(decided);
  void services.onLedgerChanged();
  services.appealDecided(decided);
  const { change, alsoDecided } = decided;
  services.log.info({ list: appeal.list, appeal: appeal.id, decision }, 'an appeal was decided');
  if (change !== undefined) {
    if (!(await putInForce(services, change))) return notInForceYet(change.version);
  } else if (decision === 'uphold' && isPulled(services, appeal.list)) {
    if (!(await isLookedAtAgain(services, appeal.list))) return notInForceYet(0);
  }
  return ok({
    appeal: appealBody(decided.appeal, call),
    alsoDecided,
    version: change?.version ?? null,
    stillBlockedBy: blockOf(services.policy(), appeal.name) ?? null,
  });
}

/** The list is pulled, so that what is lifted of it is held from now on, whatever it says next. */
function isPulled({ config }: ApiServices, ofList: string): boolean {
  const kind = config().lists.find(({ name }) => name === ofList)?.sourceKind;
  return kind === 'file' || kind === 'https';
}

function appealBody(row: AppealRow, { actor }: ApiCall): Record<string, unknown> {
  const { id, list: ofList, name, entry, incident, who, ownerProof, state, dueAtSeconds } = row;
  const mayDecide = allows(actor, RIGHTS, ofList);
  return {
    id,
    list: ofList,
    name,
    entry,
    incident,
    who,
    contact: (mayDecide ? row.contact : undefined) ?? null,
    reason: (mayDecide ? row.reason : undefined) ?? null,
    evidenceUrl: (mayDecide ? row.evidenceUrl : undefined) ?? null,
    ownerProof,
    state,
    createdAt: timeText(row.createdAtSeconds),
    dueAt: timeText(dueAtSeconds),
    overdue: isOpen(row) && dueAtSeconds * 1000 < wallClockMs(),
    decidedBy: row.decidedBy ?? null,
    decidedAt: timeText(row.decidedAtSeconds ?? 0),
    decisionReason: row.decisionReason ?? null,
  };
}
