/**
 * What is measured of pushes, of the ledger and of the interface that maintainers use. Registered by metrics.ts where a
 * ledger runs; lives in the control thread.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { METRICS } from './metric-definitions.ts';
import type { MetricName } from './metric-definitions.ts';

/** inForce: answered with 200. late: durable, not in force in time. broken: the request ended before its change did. */
const PUSH_OUTCOMES = ['inForce', 'replayed', 'late', 'refused', 'broken'] as const;
export type PushOutcome = (typeof PUSH_OUTCOMES)[number];

const PUSHED_ENTRY_OUTCOMES = ['accepted', 'removed', 'unchanged', 'rejected', 'held'] as const;
export type PushedEntries = Readonly<Record<(typeof PUSHED_ENTRY_OUTCOMES)[number], number>>;

/** Units: seconds. From one name to a million. */
const PUSH_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

export class LedgerMetrics {
  readonly #registry: Registry;
  readonly #pushes: Counter;
  readonly #entries: Counter;
  readonly #requests: Counter;
  readonly #failures: Counter;
  readonly #records: Gauge;
  readonly #isUp: Gauge;
  readonly #exceptions: Gauge;
  readonly #duration: Histogram;
  readonly #appeals: Gauge;
  readonly #overdueAppeals: Gauge;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#pushes = this.#counter('weir_pushes_total');
    this.#entries = this.#counter('weir_push_entries_total');
    this.#requests = this.#counter('weir_api_requests_total');
    this.#failures = this.#counter('weir_api_authentication_failures_total');
    this.#records = this.#gauge('weir_audit_records');
    this.#exceptions = this.#gauge('weir_exceptions');
    this.#isUp = this.#gauge('weir_ledger_up');
    this.#appeals = this.#gauge('weir_appeals');
    this.#overdueAppeals = this.#gauge('weir_appeals_overdue');
    this.#duration = new Histogram({
      name: 'weir_push_duration_seconds',
      help: METRICS.weir_push_duration_seconds.help,
      buckets: PUSH_BUCKETS,
      registers: [registry],
    });
  }

  /** URLs under /v1 with their parameters' names, and why a request may not be let in. */
  setApi(routes: readonly string[], failures: readonly string[]): void {
    for (const route of new Set(routes)) {
      for (const status of STATUS_CLASSES) this.#requests.inc({ route, status }, 0);
    }
    for (const reason of failures) this.#failures.inc({ reason }, 0);
  }

  /** Lists that take pushes; they stay known when they leave the configuration. */
  setPushLists(lists: readonly string[]): void {
    for (const list of lists) {
      for (const outcome of PUSH_OUTCOMES) this.#pushes.inc({ list, outcome }, 0);
      for (const outcome of PUSHED_ENTRY_OUTCOMES) this.#entries.inc({ list, outcome }, 0);
    }
  }

  countPush(list: string, outcome: PushOutcome): void {
    this.#pushes.inc({ list, outcome });
  }

  countPushedEntries(list: string, entries: PushedEntries): void {
    for (const outcome of PUSHED_ENTRY_OUTCOMES) this.#entries.inc({ list, outcome }, entries[outcome]);
  }

  /** From the request to in force on every thread. */
  observePush(seconds: number): void {
    this.#duration.observe(seconds);
  }

  countRequest(route: string, status: number): void {
    this.#requests.inc({ route, status: `${Math.floor(status / 100)}xx` });
  }

  countAuthenticationFailure(reason: string): void {
    this.#failures.inc({ reason });
  }

  setLedgerUp(isUp: boolean): void {
    this.#isUp.set(isUp ? 1 : 0);
  }

  setExceptions(active: number): void {
    this.#exceptions.set(active);
  }

  setAuditRecords(records: number): void {
    this.#records.set(records);
  }

  setAppeals(state: string, count: number): void {
    this.#appeals.set({ state }, count);
  }

  /** Open, and past the day they have to be decided by. */
  setOverdueAppeals(list: string, count: number): void {
    this.#overdueAppeals.set({ list }, count);
  }

  #gauge(name: MetricName): Gauge {
    const { help, labels } = METRICS[name];
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  #counter(name: MetricName): Counter {
    const { help, labels } = METRICS[name];
    return new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }
}
