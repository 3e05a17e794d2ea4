/**
 * /v1/exceptions: the clients of one prefix are let through to a name for some hours. Answered when every resolver thread
 * judges by it. It needs the right to approve on all lists, for an exception lifts the blocks of every list.
 */
import {
  EXCEPTION_HOURS_MAX,
  EXCEPTION_STATES,
  IPV4_BITS_MIN,
  IPV6_BITS_MIN,
  type ExceptionRow,
  type ExceptionState,
  type NewException,
} from '../ledger/exception.ts';
import { allows, forbidden, ok, refuse, refusedByLedger, type ApiAnswer, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { isInForceInTime } from './put-in-force.ts';
import { ID_CHARACTERS_MAX, pageParameters, pageSchema } from './readable-page.ts';
import { dateTime, dateTimeOrNull, reason, record, scope, text, textOrNull, timeText } from './schemas.ts';

const RIGHTS = ['approve'] as const;
const NAME_CHARACTERS_MAX = 1_024;
const CLIENTS_CHARACTERS_MAX = 64;

const exceptionSchema = record({
  id: text,
  name: text,
  scope,
  clients: { ...text, description: 'the prefix' },
  reason: text,
  state: { enum: EXCEPTION_STATES },
  createdBy: text,
  createdAt: dateTime,
  expiresAt: dateTime,
  endedBy: textOrNull,
  endedAt: dateTimeOrNull,
  endReason: textOrNull,
});

export function exceptionRoutes(services: ApiServices): ApiRoute[] {
  return [listRoute(services), createRoute(services), endRoute(services)];
}

function listRoute(services: ApiServices): ApiRoute {
  return {
    method: 'GET',
    url: '/v1/exceptions',
    operationId: 'getExceptions',
    summary: 'Names that some clients are let through to, oldest first',
    rights: RIGHTS,
    query: {
      state: { type: 'string', description: 'in this state only', enum: EXCEPTION_STATES },
      ...pageParameters('exception'),
    },
    answer: pageSchema('exceptions', exceptionSchema),
    problems: [],
    handle: async ({ actor, query }) => {
      if (!allows(actor, RIGHTS, '*')) return forbidden(RIGHTS, '*');
      const { state, after } = query;
      const limit = Number(query['limit']);
      const rows = await services.ledger.exceptions({
        limit: limit + 1,
        ...(state === undefined ? {} : { state: state as ExceptionState }),
        ...(after === undefined ? {} : { after: String(after) }),
      });
      const shown = rows.slice(0, limit);
      const next = rows.length > limit ? shown.at(-1)!.id : null;
      return ok({ exceptions: shown.map(exceptionBody), next });
    },
  };
}

function createRoute(services: ApiServices): ApiRoute {
  return {
    method: 'POST',
    url: '/v1/exceptions',
    operationId: 'createException',
    summary: 'Let the clients of a prefix through to a name for some hours',
    rights: RIGHTS,
    body: record(
      {
        name: { type: 'string', description: 'domain name', maxLength: NAME_CHARACTERS_MAX },
        scope: { ...scope, description: 'default: subtree' },
        clients: {
          type: 'string',
          description: `an address or a prefix, no larger than IPv4 /${IPV4_BITS_MIN} or IPv6 /${IPV6_BITS_MIN}`,
          maxLength: CLIENTS_CHARACTERS_MAX,
        },
        hours: { type: 'integer', minimum: 1, maximum: EXCEPTION_HOURS_MAX },
        reason,
      },
      ['scope'],
    ),
    answer: record({ exception: exceptionSchema }),
    problems: ['badException', 'tooManyExceptions', 'storeFull', 'notInForceYet'],
    handle: async ({ actor, body }) => {
      const sent = { scope: 'subtree', ...(body as Omit<NewException, 'scope'>) } as const;
      const created = await services.ledger.createException(sent, actor);
      return created.kind === 'refused' ? refusedByLedger(created) : inForce(services, created.exception);
    },
  };
}

function endRoute(services: ApiServices): ApiRoute {
  return {
    method: 'POST',
    url: '/v1/exceptions/:id/end',
    operationId: 'endException',
    summary: 'End an exception before its time',
    rights: RIGHTS,
    body: record({ reason }),
    answer: record({ exception: exceptionSchema }),
    problems: ['exceptionUnknown', 'exceptionEnded', 'storeFull', 'notInForceYet'],
    handle: async ({ actor, params, body }) => {
      const id = params['id']!;
      if (id.length > ID_CHARACTERS_MAX) return refuse('exceptionUnknown', 'There is no such exception.');
      const ended = await services.ledger.endException(id, (body as { reason: string }).reason, actor);
      return ended.kind === 'refused' ? refusedByLedger(ended) : inForce(services, ended.exception);
    },
  };
}

async function inForce(services: ApiServices, exception: ExceptionRow): Promise<ApiAnswer> {
  const { id, state } = exception;
  void services.onLedgerChanged();
  services.log.info({ exception: id, state }, 'an exception was changed');
  if (await isInForceInTime(services, services.exceptionsChanged(), { exception: id })) {
    return ok({ exception: exceptionBody(exception) });
  }
  return refuse('notInForceYet', `The exception ${id} is ${state}, but not every resolver thread knows of it yet.`);
}

function exceptionBody(row: ExceptionRow): Record<string, unknown> {
  const { id, name, clients, reason: why, state, createdBy, endedBy, endReason } = row;
  return {
    id,
    name,
    scope: row.scope,
    clients,
    reason: why,
    state,
    createdBy,
    createdAt: timeText(row.createdAtSeconds),
    expiresAt: timeText(row.untilSeconds),
    endedBy: endedBy ?? null,
    endedAt: timeText(row.endedAtSeconds ?? 0),
    endReason: endReason ?? null,
  };
}
