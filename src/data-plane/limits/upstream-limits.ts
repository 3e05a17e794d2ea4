/**
 * What may go upstream, behind the cache: a client's queries that wait at a time, a domain's questions a second, and what
 * is said where a limit is met. resolve.ts asks, and has a stale answer stand in where there is one. What is answered
 * from the cache is not touched by any of it.
 */
import type { Config } from '../../config/config.ts';
import { extendedErrorOption } from '../../dns/edns.ts';
import { ExtendedError } from '../../dns/extended-error.ts';
import { Rcode } from '../../dns/iana.ts';
import type { QueryView } from '../../dns/query-view.ts';
import { DropRow, LimitOutcomeRow, LimitRow } from '../../telemetry/counter-labels.ts';
import { limitCounter } from '../../telemetry/counters.ts';
import type { Refusal } from '../accept.ts';
import type { ClientKey } from './client-key.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { MissBudgets } from './miss-budgets.ts';

const failed = (text: string): Refusal => ({
  kind: 'respond',
  rcode: Rcode.SERVFAIL,
  extendedError: extendedErrorOption(ExtendedError.other, text),
});
const TOO_MANY_WAITING = failed('too many questions are waiting for upstreams');
const TOO_MANY_NAMES = failed('too many questions for names of this domain');
const DROPPED: Refusal = { kind: 'drop', reason: DropRow.rateLimited };

export class UpstreamLimits {
  readonly #budgets: MissBudgets;
  readonly #cells: Float64Array;
  #outstandingPerClientMax = 0;
  /** Whether those who may not wait get nothing, instead of SERVFAIL. */
  isDropping = false;

  constructor(limits: Config['limits'], hash: KeyedHash, cells: Float64Array) {
    this.#cells = cells;
    this.#budgets = new MissBudgets(limits, hash);
    this.configure(limits);
  }

  configure(limits: Config['limits']): void {
    this.#budgets.configure(limits);
    this.#outstandingPerClientMax = limits.outstandingPerClientMax;
    this.isDropping = limits.outstandingExcess === 'drop';
  }

  /** Whether a client with so many queries waiting may have one more. */
  mayWait(waiting: number): boolean {
    return this.#outstandingPerClientMax === 0 || waiting < this.#outstandingPerClientMax;
  }

  /** Takes one question upstream out of the budget of the query's domain. False: it, or the client's part, is used up. */
  takeMiss(query: QueryView, client: ClientKey, nowMs: number): boolean {
    return this.#budgets.take(query, client, nowMs);
  }

  /** Counts a stale answer that stands in where a limit is met. */
  countStale(limit: number): void {
    this.#cells[limitCounter(limit, LimitOutcomeRow.stale)]!++;
  }

  /** What a query gets that met LimitRow.outstanding or LimitRow.misses, and for which nothing stands in. */
  refusalOf(limit: number): Refusal {
    const isDropped = limit === LimitRow.outstanding && this.isDropping;
    this.#cells[limitCounter(limit, isDropped ? LimitOutcomeRow.dropped : LimitOutcomeRow.failed)]!++;
    if (isDropped) return DROPPED;
    return limit === LimitRow.outstanding ? TOO_MANY_WAITING : TOO_MANY_NAMES;
  }
}
