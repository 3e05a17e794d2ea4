/** GET /v1/rollouts, and moving one by hand: to its next stage, or back out of force. */
import type { RolloutRow } from '../ledger/ledger.ts';
import { allows, ok, refuse, refusedByLedger, type ApiAnswer, type ApiCall, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { READ_RIGHTS } from './lists.ts';
import { notInForceYet, putInForce } from './put-in-force.ts';
import { count, dateTimeOrNull, list, reason, record, text, timeText } from './schemas.ts';

const RIGHTS = ['approve'] as const;
const percent = { type: 'number', minimum: 0, maximum: 100 };

const rolloutSchema = record({
  id: text,
  list: text,
  state: { enum: ['running', 'complete', 'aborted'] },
  stages: list(
    record({ percent, seconds: { ...count, description: 'until the next stage; 0: until it is promoted' } }),
  ),
  stage: { ...count, description: 'index in stages' },
  percent: { ...percent, description: 'of the subscribers, now' },
  nextAt: dateTimeOrNull,
  entries: count,
  version: count,
  reason: text,
});

export function rolloutRoutes(services: ApiServices): ApiRoute[] {
  return [
    {
      method: 'GET',
      url: '/v1/rollouts',
      operationId: 'getRollouts',
      summary: 'Entries that go into force for a part of the subscribers first',
      rights: READ_RIGHTS,
      answer: record({ rollouts: list(rolloutSchema) }),
      problems: [],
      handle: async ({ actor }) => {
        const rollouts = await services.ledger.rollouts();
        return ok({ rollouts: rollouts.filter((one) => allows(actor, READ_RIGHTS, one.list)).map(rolloutBody) });
      },
    },
    moveRoute(services, 'promote', 'Move a rollout to its next stage'),
    moveRoute(services, 'abort', 'Take the entries of a rollout out of force'),
  ];
}

function moveRoute(services: ApiServices, to: 'promote' | 'abort', summary: string): ApiRoute {
  return {
    method: 'POST',
    url: `/v1/rollouts/:id/${to}`,
    operationId: `${to}Rollout`,
    summary,
    rights: RIGHTS,
    body: record({ reason }),
    answer: record({
      rollout: rolloutSchema,
      version: { anyOf: [count, { type: 'null' }], description: 'of the list, where the move has changed it' },
    }),
    problems: ['rolloutUnknown', 'rolloutEnded', 'storeFull', 'notInForceYet'],
    handle: async (call) => move(services, to, call),
  };
}

async function move(
  services: ApiServices,
  to: 'promote' | 'abort',
  { actor, params, body }: ApiCall,
): Promise<ApiAnswer> {
  const id = params['id']!;
  if (id.length > 64) return refuse('rolloutUnknown', 'There is no such rollout.');
  const moved = await services.ledger.moveRollout(id, to, (body as { reason: string }).reason, actor);
  if (moved.kind === 'refused') return refusedByLedger(moved);
  await services.onLedgerChanged();
  const { rollout, change } = moved;
  services.log.info({ list: rollout.list, rollout: id, to, percent: rollout.percent }, 'a rollout was moved');
  if (change !== undefined && !(await putInForce(services, change))) return notInForceYet(change.version);
  return ok({ rollout: rolloutBody(rollout), version: change?.version ?? null });
}

function rolloutBody(row: RolloutRow): Record<string, unknown> {
  const { id, list: ofList, state, stages, stage, percent: now, version, reason: why } = row;
  return {
    id,
    list: ofList,
    state,
    stages,
    stage,
    percent: now,
    nextAt: timeText(row.nextAtSeconds),
    entries: row.entryCount,
    version,
    reason: why,
  };
}
