/**
 * GET /v1/holds and the two decisions on one: what the guard keeps out of force until a person has looked at it, of
 * pushes, feeds and pulled lists alike. A decision is durable and in force when it is answered.
 */
import { HOLD_STATES, type HoldRow, type HoldState } from '../ledger/ledger.ts';
import { ok, refuse, refusedByLedger, type ApiAnswer, type ApiCall, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { READ_RIGHTS } from './lists.ts';
import { isLookedAtAgain, notInForceYet, putInForce } from './put-in-force.ts';
import { ID_CHARACTERS_MAX, pageParameters, pageSchema, readablePage } from './readable-page.ts';
import { count, dateTime, dateTimeOrNull, reason, record, scope, text, textOrNull, timeText } from './schemas.ts';

const RIGHTS = ['approve'] as const;

const holdSchema = record({
  id: text,
  list: text,
  kind: { enum: ['entry', 'listEntry', 'update'], description: 'of a push or feed; of a pulled list; a whole update' },
  name: text,
  scope,
  guard: text,
  detail: text,
  proposer: text,
  reason: text,
  createdAt: dateTime,
  state: { enum: HOLD_STATES },
  decidedBy: textOrNull,
  decidedAt: dateTimeOrNull,
  decisionReason: textOrNull,
});

export function holdRoutes(services: ApiServices): ApiRoute[] {
  return [
    {
      method: 'GET',
      url: '/v1/holds',
      operationId: 'getHolds',
      summary: 'What waits for a person, or has been decided',
      rights: READ_RIGHTS,
      query: {
        list: { type: 'string', description: 'of this list only', maxLength: 32 },
        state: { type: 'string', description: 'in this state only', enum: HOLD_STATES },
        ...pageParameters('hold'),
      },
      answer: pageSchema('holds', holdSchema),
      problems: [],
      handle: async (call) => getHolds(services, call),
    },
    decisionRoute(services, 'release', 'Let what is held go into force'),
    decisionRoute(services, 'reject', 'Decide that what is held stays out of force'),
  ];
}

function decisionRoute(services: ApiServices, decision: 'release' | 'reject', summary: string): ApiRoute {
  return {
    method: 'POST',
    url: `/v1/holds/:id/${decision}`,
    operationId: `${decision}Hold`,
    summary,
    rights: RIGHTS,
    body: record({ reason }),
    answer: record({
      hold: holdSchema,
      version: { anyOf: [count, { type: 'null' }], description: 'of the list, where the decision has changed it' },
    }),
    problems: ['holdUnknown', 'holdDecided', 'samePerson', 'storeFull', 'notInForceYet'],
    handle: async (call) => decide(services, decision, call),
  };
}

async function getHolds(services: ApiServices, call: ApiCall): Promise<ApiAnswer> {
  const { state } = call.query;
  const ofState = state === undefined ? {} : { state: state as HoldState };
  const page = await readablePage(call, (filter) => services.ledger.holds({ ...filter, ...ofState }));
  return page.kind === 'page' ? ok({ holds: page.rows.map(holdBody), next: page.next }) : page;
}

async function decide(
  services: ApiServices,
  decision: 'release' | 'reject',
  { actor, params, body }: ApiCall,
): Promise<ApiAnswer> {
  const { reason: why } = body as { reason: string };
  const id = params['id']!;
  if (id.length > ID_CHARACTERS_MAX) return refuse('holdUnknown', 'There is no such hold.');
  const decided = await services.ledger.decideHold(id, decision, why, actor);
  if (decided.kind === 'refused') return refusedByLedger(decided);
  void services.onLedgerChanged();
  const { hold, change } = decided;
  services.log.info({ list: hold.list, guard: hold.guard, decision }, 'a hold was decided');
  if (change !== undefined) {
    if (!(await putInForce(services, change))) return notInForceYet(change.version);
  } else if (hold.kind !== 'entry' && !(await isLookedAtAgain(services, hold.list))) {
    return notInForceYet(0);
  }
  return ok({ hold: holdBody(hold), version: change?.version ?? null });
}

function holdBody(hold: HoldRow): Record<string, unknown> {
  const { id, list: ofList, kind, name, scope: ofName, guard, detail, proposer, reason: why, state } = hold;
  return {
    id,
    list: ofList,
    kind,
    name,
    scope: ofName,
    guard,
    detail,
    proposer,
    reason: why,
    createdAt: timeText(hold.createdAtSeconds),
    state,
    decidedBy: hold.decidedBy ?? null,
    decidedAt: timeText(hold.decidedAtSeconds ?? 0),
    decisionReason: hold.decisionReason ?? null,
  };
}
