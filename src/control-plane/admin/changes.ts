/**
 * POST /v1/lists/NAME/changes: adds and removes entries of a push list, as one version. Answered with 200 only when the
 * change is durable and every resolver thread judges by it. A JSON body for a change of everyday size, NDJSON for bulk
 * (bulk-change.ts).
 */
import { monotonicMs } from '../../clock.ts';
import type { ChangeRequest, Right } from '../ledger/ledger.ts';
import { NDJSON } from './api-plugin.ts';
import {
  allows,
  forbidden,
  refuse,
  refusedByLedger,
  type ApiAnswer,
  type ApiCall,
  type ApiRoute,
} from './api-route.ts';
import type { ApiServices } from './api-services.ts';
import { BulkChanges } from './bulk-change.ts';
import {
  changeAnswerSchema,
  changeBodySchema,
  changeLineSchema,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  isIdempotencyKey,
  JSON_ENTRIES_MAX,
  removalOf,
  type ChangeBody,
} from './change-request.ts';
import { answerChange } from './put-in-force.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Changes of one token. */
export const CHANGE_RATE = { burst: 500, perSecond: 50, keysMax: 10_000 } as const;
const CHANGE_RIGHTS: readonly Right[] = ['push', 'propose'];

export function changeRoutes(services: ApiServices): ApiRoute[] {
  const rate = new RateLimiter(CHANGE_RATE);
  const bulk = new BulkChanges(services);
  return [
    {
      method: 'POST',
      url: '/v1/lists/:name/changes',
      operationId: 'changeList',
      summary: 'Add and remove entries of a push list',
      description:
        'The accepted entries enter force as one version, or none does; what is rejected or held does not stop the rest. 200 means durable and in force on every resolver thread. An Idempotency-Key makes a repeated request safe.',
      rights: CHANGE_RIGHTS,
      body: changeBodySchema,
      bodyLine: changeLineSchema,
      answer: changeAnswerSchema,
      problems: [
        ...(['listUnknown', 'notAPushList', 'forbidden', 'idempotencyMismatch', 'tooManyEntries'] as const),
        ...(['payloadTooLarge', 'tooManyRequests', 'storeFull', 'notInForceYet', 'unsupportedMediaType'] as const),
      ],
      handle: async (call) => {
        const startedMs = monotonicMs();
        const refusal = refuseChange(services, rate, call, startedMs);
        if (refusal !== undefined) return refusal;
        if (call.request.headers['content-type']?.startsWith(NDJSON) === true) return bulk.handle(call, startedMs);
        return changeByJson(services, call, startedMs);
      },
    },
  ];
}

function refuseChange(
  { config }: ApiServices,
  rate: RateLimiter,
  { actor, params, request }: ApiCall,
  nowMs: number,
): ApiAnswer | undefined {
  const listName = params['name']!;
  if (!config().lists.some((one) => one.name === listName)) return refuse('listUnknown', `There is no ${listName}.`);
  if (!allows(actor, CHANGE_RIGHTS, listName)) return forbidden(CHANGE_RIGHTS, listName);
  const key = request.headers['idempotency-key'];
  if (key !== undefined && !isIdempotencyKey(key)) {
    return refuse('badRequest', `Idempotency-Key has 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} printable characters.`);
  }
  if (rate.take(actor.id, nowMs)) return undefined;
  const seconds = String(rate.waitSeconds(actor.id, nowMs));
  return refuse('tooManyRequests', 'One change can carry many entries.', undefined, { 'Retry-After': seconds });
}

async function changeByJson(services: ApiServices, call: ApiCall, startedMs: number): Promise<ApiAnswer> {
  const { reason: why, add = [], remove = [] } = call.body as ChangeBody;
  const listName = call.params['name']!;
  if (call.request.headers['content-encoding'] !== undefined) {
    return refuse('unsupportedMediaType', `A JSON body is sent as it is; ${NDJSON} may be sent with gzip.`);
  }
  if (add.length + remove.length > JSON_ENTRIES_MAX) {
    return refuse('tooManyEntries', `At most ${JSON_ENTRIES_MAX} entries as JSON; ${NDJSON} takes more.`);
  }
  const change: ChangeRequest = {
    list: listName,
    actor: call.actor,
    reason: why,
    idempotencyKey: call.request.headers['idempotency-key'] as string | undefined,
    add,
    remove: remove.map(removalOf),
  };
  const done = await services.ledger.change(change);
  if (done.kind === 'refused') {
    services.metrics.countPush(listName, 'refused');
    return refusedByLedger(done);
  }
  return answerChange(services, listName, done, startedMs);
}
