/**
 * What /metrics answers: the counters of all threads (counter-metrics.ts), what the control plane reports about lists,
 * index and threads, and prom-client's process metrics. Lives in the control thread; the data plane never calls it.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ActionName } from '../policy/actions.ts';
import { registerCounterMetrics } from './counter-metrics.ts';
import { BATCH_IO_MODES, UPSTREAM_OUTCOMES } from './counter-labels.ts';
import type { BatchIoMode } from './counter-labels.ts';
import { CounterSum } from './counter-sum.ts';
import { HISTOGRAM_CELLS, regionCounter, upstreamCounter, upstreamDurationHistogram } from './counters.ts';
import { LedgerMetrics } from './ledger-metrics.ts';
import { METRICS } from './metric-definitions.ts';
import type { MetricName } from './metric-definitions.ts';

const THREAD_KINDS = ['resolver', 'control', 'page', 'compile', 'events', 'ledger'] as const;
export type ThreadKind = (typeof THREAD_KINDS)[number];
/** Units: seconds. From one pushed name to ten million reloaded. */
const ACTIVATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export interface MetricsOptions {
  readonly version: string;
  /** Closed sets of the list metrics, registered at 0 for every list. */
  readonly rejectReasons: readonly string[];
  readonly syncFailureReasons: readonly string[];
  readonly guards: readonly string[];
}

export interface ListRow {
  readonly name: string;
  /** PublishedList.counterSlot. */
  readonly counterSlot: number;
  readonly action: ActionName;
}

/** What is in force of one list. */
export interface ListStatus {
  readonly name: string;
  /** 0: none yet. */
  readonly version: number;
  readonly sha256: string;
  readonly entries: number;
  /** Units: milliseconds since 1970. */
  readonly lastSuccessMs: number;
  /** Entries held, by guard. */
  readonly holds: Readonly<Partial<Record<string, number>>>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #sum = new CounterSum();
  readonly #options: MetricsOptions;
  /** Lists keep their row when they leave the configuration: a counter must not vanish while it may be summed. */
  readonly #listRows = new Map<number, ListRow>();
  readonly #versions = new Map<string, { list: string; version: string; sha256: string }>();
  readonly #regions = new Map<number, string>();
  #upstreams: readonly string[] = [];
  #ledger: LedgerMetrics | undefined;

  readonly #listEntries = this.#gauge('weir_list_entries');
  readonly #listVersion = this.#gauge('weir_list_version_info');
  readonly #listSuccess = this.#gauge('weir_list_last_success_timestamp_seconds');
  readonly #listHolds = this.#gauge('weir_list_guard_holds');
  readonly #listFailures = this.#counter('weir_list_sync_failures_total');
  readonly #listRejected = this.#counter('weir_list_entries_rejected_total');
  readonly #indexBytes = this.#gauge('weir_index_bytes');
  readonly #batchIo = this.#gauge('weir_batch_io');
  readonly #restarts = this.#counter('weir_thread_restarts_total');
  readonly #reloads = this.#counter('weir_config_reloads_total');
  readonly #certificateExpiry = this.#gauge('weir_tls_certificate_expiry_timestamp_seconds');
  readonly #certificateReloads = this.#counter('weir_tls_certificate_reloads_total');
  readonly #activation = new Histogram({
    name: 'weir_list_activation_seconds',
    help: METRICS.weir_list_activation_seconds.help,
    buckets: ACTIVATION_BUCKETS,
    registers: [this.#registry],
  });

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#gauge('weir_build_info').set({ version: options.version, node: process.version }, 1);
    registerCounterMetrics(this.#registry, this.#sum, () => ({
      lists: this.#listRows,
      regions: this.#regions,
      upstreams: this.#upstreams,
    }));
    this.setBatchIo('dgram');
    for (const thread of THREAD_KINDS) this.#restarts.inc({ thread }, 0);
    for (const result of ['ok', 'refused']) {
      this.#reloads.inc({ result }, 0);
      this.#certificateReloads.inc({ result }, 0);
    }
    collectDefaultMetrics({ register: this.#registry });
  }

  /**
   * Exports the metrics of pushes, of the ledger and of the interface under /v1. Why not from the start: a node that
   * runs no ledger would report one that is down.
   */
  registerLedger(): LedgerMetrics {
    return (this.#ledger ??= new LedgerMetrics(this.#registry));
  }

  /** Takes one thread's counters into the sum. */
  attach(block: SharedArrayBuffer): void {
    this.#sum.attach(block);
  }

  /** Says which lists the configuration has; call it at the start and after every reload. */
  setLists(lists: readonly ListRow[]): void {
    const names = new Set(lists.map(({ name }) => name));
    for (const { name } of this.#listRows.values()) if (!names.has(name)) this.#forgetList(name);
    const known = new Set([...this.#listRows.values()].map(({ name }) => name));
    for (const list of lists) {
      this.#listRows.set(list.counterSlot, list);
      for (const reason of this.#options.syncFailureReasons) this.#listFailures.inc({ list: list.name, reason }, 0);
      for (const reason of this.#options.rejectReasons) this.#listRejected.inc({ list: list.name, reason }, 0);
      if (known.has(list.name)) continue;
      this.#listEntries.set({ list: list.name }, 0);
      this.#listSuccess.set({ list: list.name }, 0);
      for (const guard of this.#options.guards) this.#listHolds.set({ list: list.name, guard }, 0);
    }
  }

  /** Says which region each row belongs to, of those of the configuration and of those before it. */
  setRegions(slots: Readonly<Record<string, number>>): void {
    for (const [region, slot] of Object.entries(slots)) {
      const before = this.#regions.get(slot);
      if (before !== undefined && before !== region) this.#sum.restart(regionCounter(slot), 1);
      this.#regions.set(slot, region);
    }
  }

  /** Says which upstreams the configuration has, in its order. */
  setUpstreams(urls: readonly string[]): void {
    for (const [slot, url] of this.#upstreams.entries()) {
      if (urls[slot] === url) continue;
      this.#sum.restart(upstreamCounter(slot, 0), UPSTREAM_OUTCOMES.length);
      this.#sum.restart(upstreamDurationHistogram(slot), HISTOGRAM_CELLS);
    }
    this.#upstreams = urls;
  }

  /** Reports what is now in force of a list. */
  setListStatus(status: ListStatus): void {
    const { name: list, sha256 } = status;
    this.#listEntries.set({ list }, status.entries);
    this.#forgetVersions(list);
    if (status.version > 0) {
      const labels = { list, version: String(status.version), sha256 };
      this.#listVersion.set(labels, 1);
      this.#versions.set(list, labels);
    }
    this.#listSuccess.set({ list }, status.lastSuccessMs / 1000);
    for (const guard of this.#options.guards) this.#listHolds.set({ list, guard }, status.holds[guard] ?? 0);
  }

  countSyncFailure(list: string, reason: string): void {
    this.#listFailures.inc({ list, reason });
  }

  countRejected(list: string, reason: string, lines: number): void {
    this.#listRejected.inc({ list, reason }, lines);
  }

  observeActivation(seconds: number): void {
    this.#activation.observe(seconds);
  }

  setIndexBytes(bytes: number): void {
    this.#indexBytes.set(bytes);
  }

  setBatchIo(mode: BatchIoMode): void {
    for (const other of BATCH_IO_MODES) this.#batchIo.set({ mode: other }, other === mode ? 1 : 0);
  }

  countRestart(thread: ThreadKind): void {
    this.#restarts.inc({ thread });
  }

  countReload(result: 'ok' | 'refused'): void {
    this.#reloads.inc({ result });
  }

  /** Units: seconds since 1970; 0: there is no certificate. */
  setCertificateExpiry(seconds: number): void {
    this.#certificateExpiry.set(seconds);
  }

  /** Counts `count` changed certificates more. */
  countCertificateReloads(result: 'ok' | 'refused', count: number): void {
    this.#certificateReloads.inc({ result }, count);
  }

  /** The Content-Type that goes with `render`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  render(): Promise<string> {
    this.#sum.refresh();
    return this.#registry.metrics();
  }

  #forgetVersions(list: string): void {
    const before = this.#versions.get(list);
    if (before !== undefined) this.#listVersion.remove(before);
    this.#versions.delete(list);
  }

  #forgetList(list: string): void {
    this.#forgetVersions(list);
    this.#listEntries.remove({ list });
    this.#listSuccess.remove({ list });
    for (const guard of this.#options.guards) this.#listHolds.remove({ list, guard });
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
