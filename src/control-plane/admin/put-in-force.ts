/**
 * The second half of every change: what the ledger has made durable is brought into force, and only then is it answered.
 * What takes too long is answered with a problem that says so: durable, not in force yet. RFC 9110 has no status for
 * that; 504 keeps a program from taking it for done.
 */
import { monotonicMs } from '../../clock.ts';
import type { ChangeDone } from '../ledger/ledger.ts';
import { ok, refuse, type ApiAnswer } from './api-route.ts';
import type { ApiServices } from './api-services.ts';

/** Units: milliseconds, from durable to in force. A bulk change makes a whole new index. */
export const IN_FORCE_TIMEOUT_MS = 30_000;
export const BULK_IN_FORCE_TIMEOUT_MS = 300_000;

export type InForceServices = Pick<ApiServices, 'apply' | 'metrics' | 'onLedgerChanged' | 'log'>;

/** False where it took too long, or cannot be done now. */
export async function putInForce(
  services: Pick<ApiServices, 'apply' | 'log'>,
  { delta }: Pick<ChangeDone, 'delta'>,
): Promise<boolean> {
  const timeoutMs = delta.names === undefined ? BULK_IN_FORCE_TIMEOUT_MS : IN_FORCE_TIMEOUT_MS;
  return isInForceInTime(services, services.apply(delta), { list: delta.list }, timeoutMs);
}

/** The same of any change: `work` resolves when it is in force. */
export async function isInForceInTime(
  { log }: Pick<ApiServices, 'log'>,
  work: Promise<void>,
  fields: Readonly<Record<string, unknown>>,
  timeoutMs = IN_FORCE_TIMEOUT_MS,
): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  timer.unref();
  const inForce = work.then(
    () => true,
    (error: unknown) => {
      log.error({ ...fields, error: String(error) }, 'a durable change could not be put in force');
      return false;
    },
  );
  try {
    return await Promise.race([inForce, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Of a pulled list: it is looked at again with what people have let through. */
export async function isLookedAtAgain(
  services: Pick<ApiServices, 'approvalsChanged' | 'log'>,
  list: string,
): Promise<boolean> {
  return isInForceInTime(services, services.approvalsChanged(list), { list });
}

/** Puts a push or a rollback in force and answers it. */
export async function answerChange(
  services: InForceServices,
  list: string,
  done: ChangeDone,
  startedMs: number,
): Promise<ApiAnswer> {
  const { metrics, log } = services;
  const isInForce = await putInForce(services, done);
  void services.onLedgerChanged();
  if (!done.isReplay) metrics.countPushedEntries(list, countsOf(done));
  metrics.countPush(list, isInForce ? (done.isReplay ? 'replayed' : 'inForce') : 'late');
  const ms = Math.round(monotonicMs() - startedMs);
  log.info({ list, version: done.version, ...countsOf(done), replayed: done.isReplay, ms }, 'a change was pushed');
  if (!isInForce) return notInForceYet(done.version);
  metrics.observePush(ms / 1000);
  return ok(changeBody(done));
}

export function notInForceYet(version: number): ApiAnswer {
  return refuse(
    'notInForceYet',
    version === 0
      ? 'It is decided and durable, and goes into force as soon as it can.'
      : `It is durable as version ${version} and goes into force as soon as it can. A push sent again with the same Idempotency-Key waits for it.`,
    { version },
    { 'Retry-After': '5' },
  );
}

/** What a push answers. */
function changeBody(done: ChangeDone): Record<string, unknown> {
  const { version, accepted, removed, unchanged, rejected, rejectedTotal, held, heldTotal, rollout = null } = done;
  const counts = { version, accepted, removed, unchanged };
  return { ...counts, rejected, rejectedTotal, held, heldTotal, rollout, replayed: done.isReplay };
}

function countsOf({ accepted, removed, unchanged, rejectedTotal, heldTotal }: ChangeDone) {
  return { accepted, removed, unchanged, rejected: rejectedTotal, held: heldTotal };
}
