/**
 * GET /v1/holds and the two decisions on one: what the guard keeps out of force until a person has looked at it, of
 * pushes, feeds and pulled lists alike. A decision is durable and in force when it is answered.
 */
import { HOLD_STATES, type HoldRow, type HoldState } from '../ledger/ledger.ts';
import {
  allows,
  forbidden,
  ok,
  refuse,
  refusedByLedger,
  type ApiAnswer,
  type ApiCall,
  type ApiRoute,
} from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { READ_RIGHTS } from './lists.ts';
import { BULK_IN_FORCE_TIMEOUT_MS, IN_FORCE_TIMEOUT_MS, notInForceYet, putInForce } from './put-in-force.ts';
import { count, dateTime, dateTimeOrNull, list, reason, record, scope, text, textOrNull, timeText } from './schemas.ts';

const RIGHTS = ['approve'] as const;
const PAGE_MAX = 1_000;

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
        after: { type: 'string', description: 'behind this hold', maxLength: 64 },
        limit: { type: 'integer', description: 'at most so many', minimum: 1, maximum: PAGE_MAX, default: 100 },
      },
      answer: record({
        holds: list(holdSchema),
        next: { ...textOrNull, description: 'what to send as `after` for those behind; null: there are none' },
      }),
      problems: ['listUnknown'],
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

async function getHolds(services: ApiServices, { actor, query }: ApiCall): Promise<ApiAnswer> {
  const { state, after } = query;
  const limit = Number(query['limit']);
  const mayRead = (name: string): boolean => allows(actor, READ_RIGHTS, name);
  // Why: where the token is for one list, the holds of all others need not be walked.
  const only = actor.lists.length === 1 && actor.lists[0] !== '*' ? actor.lists.find(mayRead) : undefined;
  const ofList = query['list'] ?? only;
  if (ofList !== undefined && !mayRead(String(ofList))) return forbidden(READ_RIGHTS, String(ofList));
  const found: HoldRow[] = [];
  let cursor = after === undefined ? undefined : String(after);
  // Why a loop: the token may not read the holds of all lists, and a page is as long as it was asked for.
  for (;;) {
    const page = await services.ledger.holds({
      limit,
      ...(ofList === undefined ? {} : { list: String(ofList) }),
      ...(state === undefined ? {} : { state: state as HoldState }),
      ...(cursor === undefined ? {} : { after: cursor }),
    });
    const room = limit - found.length;
    const readable = page.filter((hold) => mayRead(hold.list));
    found.push(...readable.slice(0, room));
    const isLast = page.length < limit && readable.length <= room;
    if (isLast) return ok({ holds: found.map(holdBody), next: null });
    if (found.length === limit) return ok({ holds: found.map(holdBody), next: found.at(-1)!.id });
    cursor = page.at(-1)!.id;
  }
}

async function decide(
  services: ApiServices,
  decision: 'release' | 'reject',
  { actor, params, body }: ApiCall,
): Promise<ApiAnswer> {
  const { reason: why } = body as { reason: string };
  const id = params['id']!;
  if (id.length > 64) return refuse('holdUnknown', 'There is no such hold.');
  const decided = await services.ledger.decideHold(id, decision, why, actor);
  if (decided.kind === 'refused') return refusedByLedger(decided);
  void services.onLedgerChanged();
  const { hold, change } = decided;
  services.log.info({ list: hold.list, guard: hold.guard, decision }, 'a hold was decided');
  if (change !== undefined) {
    // Why so long: what is held may be a bulk change.
    const isInForce = await putInForce(services, change, BULK_IN_FORCE_TIMEOUT_MS);
    if (!isInForce) return notInForceYet(change.version);
  } else if (hold.kind !== 'entry' && !(await isTakenOver(services, hold.list))) {
    return notInForceYet(0);
  }
  return ok({ hold: holdBody(hold), version: change?.version ?? null });
}

/** Of a pulled list: it is looked at again with what people have let through. */
export async function isTakenOver(services: ApiServices, listName: string): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), IN_FORCE_TIMEOUT_MS);
  timer.unref();
  const taken = services.approvalsChanged(listName).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([taken, late.promise]);
  } finally {
    clearTimeout(timer);
  }
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
