/**
 * POST /v1/lists/NAME/rollback: makes a push list say again what an earlier version said. That is a new version, so that
 * nothing of the history is lost; it goes into force like a push.
 */
import { monotonicMs } from '../../clock.ts';
import { allows, forbidden, refuse, refusedByLedger, type ApiRoute } from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { changeAnswerSchema } from './change-request.ts';
import { answerChange } from './put-in-force.ts';
import { count, reason, record } from './schemas.ts';

const RIGHTS = ['push'] as const;

export function rollbackRoutes(services: ApiServices): ApiRoute[] {
  return [
    {
      method: 'POST',
      url: '/v1/lists/:name/rollback',
      operationId: 'rollBackList',
      summary: 'Make a push list say again what an earlier version said',
      rights: RIGHTS,
      body: record({ toVersion: { ...count, description: 'one of /versions' }, reason }),
      answer: changeAnswerSchema,
      problems: ['listUnknown', 'notAPushList', 'versionUnknown', 'storeFull', 'notInForceYet'],
      handle: async ({ actor, params, body }) => {
        const startedMs = monotonicMs();
        const name = params['name']!;
        const { toVersion, reason: why } = body as { toVersion: number; reason: string };
        if (!services.config().lists.some((list) => list.name === name)) {
          return refuse('listUnknown', `There is no ${name}.`);
        }
        if (!allows(actor, RIGHTS, name)) return forbidden(RIGHTS, name);
        const done = await services.ledger.rollback(name, toVersion, why, actor);
        if (done.kind === 'refused') {
          services.metrics.countPush(name, 'refused');
          return refusedByLedger(done);
        }
        return answerChange(services, name, done, startedMs);
      },
    },
  ];
}
