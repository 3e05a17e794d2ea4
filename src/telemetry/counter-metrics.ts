/**
 * The metrics whose values come out of shared memory: for each, which cells become which label sets. Registers them with
 * prom-client; the sum is refreshed once a scrape by metrics.ts. Label sets that can occur are exported at 0 from the
 * start; response codes that Weir does not give itself appear with their first response.
 */
import { Counter as PromCounter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { PAGE_LANGUAGES } from '../config/page-text-keys.ts';
import { ACTIONS } from '../policy/actions.ts';
import type { ActionName } from '../policy/actions.ts';
import { CATEGORIES } from '../policy/category.ts';
import {
  DOH_CUTS,
  DOH_STATUSES,
  DROP_REASONS,
  EVENT_DROP_REASONS,
  FAMILIES,
  HANDSHAKE_RESULTS,
  HELLO_OUTCOMES,
  LIMITS,
  LIMIT_OUTCOMES,
  PAGE_OUTCOMES,
  PAGE_SCHEMES,
  QTYPE_LABELS,
  RCODE_LABELS,
  RESPONSE_VERDICTS,
  SOCKET_SIDES,
  TLS_TRANSPORTS,
  TRANSPORTS,
  UPSTREAM_OUTCOMES,
} from './counter-labels.ts';
import type { CounterSum } from './counter-sum.ts';
import {
  Counter,
  DURATION_BUCKETS_MS,
  HISTOGRAM_CELLS,
  blockedCounter,
  dohResponseCounter,
  dropCounter,
  durationHistogram,
  handshakeCounter,
  limitCounter,
  pageCounter,
  queryCounter,
  regionCounter,
  responseCounter,
  shadowCounter,
  upstreamCounter,
  upstreamDownGauge,
  upstreamDurationHistogram,
} from './counters.ts';
import { METRICS, METRIC_NAMES } from './metric-definitions.ts';
import type { MetricName } from './metric-definitions.ts';

type Labels = Record<string, string>;
type Add = (labels: Labels, value: number) => void;
type Rows = { readonly [name in MetricName]?: (add: Add) => void };
type AddHistogram = (labels: Labels, firstCell: number) => void;

/** Names behind the slots, as the configuration has them now or had them before. */
export interface CounterNames {
  /** By counterSlot. */
  readonly lists: ReadonlyMap<number, { readonly name: string; readonly action: ActionName }>;
  /** Of groups of clients, by row. */
  readonly regions: ReadonlyMap<number, string>;
  /** By index in the configuration. */
  readonly upstreams: readonly string[];
}

/** Response codes that Weir gives of its own accord, hence known from the start. */
const OWN_RCODES = new Set(['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'BADVERS', 'BADCOOKIE']);

/** Registers every metric that is read out of the counters. `names` is asked at each scrape. */
export function registerCounterMetrics(registry: Registry, sum: CounterSum, names: () => CounterNames): void {
  const rows: Rows = {
    weir_queries_total: (add) => addQueries(sum, add),
    weir_responses_total: (add) => addResponses(sum, add),
    weir_blocked_queries_total: (add) => addBlocked(sum, names(), add),
    weir_blocked_queries_by_region_total: (add) => addRegions(sum, names(), add),
    weir_shadow_queries_total: (add) => addShadow(sum, names(), add),
    weir_exception_answers_total: (add) => add({}, sum.at(Counter.exceptionAnswers)),
    weir_internal_errors_total: (add) => add({}, sum.at(Counter.internalErrors)),
    ...unansweredRows(sum),
    ...kernelRows(sum),
    weir_upstream_queries_total: (add) => {
      for (const [slot, upstream] of names().upstreams.entries()) {
        for (const [row, outcome] of UPSTREAM_OUTCOMES.entries()) {
          add({ upstream, outcome }, sum.at(upstreamCounter(slot, row)));
        }
      }
    },
    weir_upstream_up: (add) => {
      for (const [slot, upstream] of names().upstreams.entries()) {
        add({ upstream }, sum.at(upstreamDownGauge(slot)) > 0 ? 0 : 1);
      }
    },
    ...pageRows(sum),
    weir_policy_generation: (add) => add({}, sum.policyGeneration),
    weir_cache_hits_total: (add) => add({}, sum.at(Counter.cacheHits)),
    weir_cache_misses_total: (add) => add({}, sum.at(Counter.cacheMisses)),
    weir_cache_entries: (add) => add({}, sum.at(Counter.cacheEntries)),
    weir_cache_bytes: (add) => add({}, sum.at(Counter.cacheBytes)),
    weir_cache_stale_answers_total: (add) => add({}, sum.at(Counter.cacheStaleAnswers)),
    weir_cache_prefetches_total: (add) => add({}, sum.at(Counter.cachePrefetches)),
    weir_cache_evictions_total: (add) => add({}, sum.at(Counter.cacheEvictions)),
    weir_shared_exchanges_total: (add) => add({}, sum.at(Counter.sharedExchanges)),
    weir_upstream_hedges_total: (add) => add({}, sum.at(Counter.upstreamHedges)),
    weir_upstream_outstanding: (add) => add({}, sum.at(Counter.upstreamOutstanding)),
    weir_tcp_connections: (add) => add({}, sum.at(Counter.tcpConnectionsOpen)),
    weir_tcp_connections_accepted_total: (add) => add({}, sum.at(Counter.tcpConnectionsAccepted)),
    weir_tcp_connections_rejected_total: (add) => add({}, sum.at(Counter.tcpConnectionsRejected)),
    weir_tls_connections: (add) => addTransports(sum, Counter.tlsConnectionsOpen, add),
    weir_tls_connections_rejected_total: (add) => addTransports(sum, Counter.tlsConnectionsRejected, add),
    weir_tls_handshakes_total: (add) => {
      for (const [transportRow, transport] of TLS_TRANSPORTS.entries()) {
        for (const [row, result] of HANDSHAKE_RESULTS.entries()) {
          add({ transport, result }, sum.at(handshakeCounter(transportRow, row)));
        }
      }
    },
    weir_doh_responses_total: (add) => {
      for (const status of DOH_STATUSES) add({ status: String(status) }, sum.at(dohResponseCounter(status)));
    },
    weir_doh_connections_cut_total: (add) => {
      for (const [row, reason] of DOH_CUTS.entries()) add({ reason }, sum.at(Counter.dohCuts + row));
    },
  };
  for (const name of METRIC_NAMES) {
    const addRows = rows[name];
    if (addRows !== undefined) registerValues(registry, name, addRows);
  }
  registerHistogram(registry, sum, 'weir_query_duration_seconds', (add) => {
    for (const [row, verdict] of RESPONSE_VERDICTS.entries()) add({ verdict }, durationHistogram(row));
  });
  registerHistogram(registry, sum, 'weir_upstream_duration_seconds', (add) => {
    for (const [slot, upstream] of names().upstreams.entries()) add({ upstream }, upstreamDurationHistogram(slot));
  });
}

/** Of the warning page and of the event log. */
function pageRows(sum: CounterSum): Rows {
  return {
    weir_warning_page_requests_total: (add) => {
      for (const [schemeRow, scheme] of PAGE_SCHEMES.entries()) {
        for (const [languageRow, language] of PAGE_LANGUAGES.entries()) {
          add({ scheme, language }, sum.at(pageCounter(schemeRow, languageRow)));
        }
      }
    },
    weir_warning_page_responses_total: (add) => {
      for (const [row, outcome] of PAGE_OUTCOMES.entries()) add({ outcome }, sum.at(Counter.pageOutcomes + row));
    },
    weir_warning_page_tls_hellos_total: (add) => {
      for (const [row, outcome] of HELLO_OUTCOMES.entries()) add({ outcome }, sum.at(Counter.pageHellos + row));
    },
    weir_warning_page_connections_rejected_total: (add) => add({}, sum.at(Counter.pageConnectionsRejected)),
    weir_warning_page_certificates_total: (add) => {
      add({ outcome: 'made' }, sum.at(Counter.pageCertificatesMade));
      add({ outcome: 'refused' }, sum.at(Counter.pageCertificatesRefused));
    },
    weir_event_log_written_total: (add) => add({}, sum.at(Counter.eventsWritten)),
    weir_event_log_dropped_total: (add) => {
      for (const [row, reason] of EVENT_DROP_REASONS.entries()) add({ reason }, sum.at(Counter.eventsDropped + row));
    },
  };
}

function addTransports(sum: CounterSum, firstCell: number, add: Add): void {
  for (const [row, transport] of TLS_TRANSPORTS.entries()) add({ transport }, sum.at(firstCell + row));
}

function kernelRows(sum: CounterSum): Rows {
  return {
    weir_kernel_dropped_datagrams_total: (add) => {
      for (const [row, side] of SOCKET_SIDES.entries()) add({ side }, sum.at(Counter.kernelDrops + row));
    },
    weir_held_sources: (add) => add({}, sum.at(Counter.heldSources)),
    weir_socket_receive_buffer_bytes: (add) => {
      for (const [row, side] of SOCKET_SIDES.entries()) add({ side }, sum.smallestAt(Counter.receiveBufferBytes + row));
    },
  };
}

function unansweredRows(sum: CounterSum): Rows {
  return {
    weir_dropped_queries_total: (add) => {
      for (const [row, reason] of DROP_REASONS.entries()) add({ reason }, sum.at(dropCounter(row)));
    },
    weir_limited_queries_total: (add) => {
      for (const [limitRow, limit] of LIMITS.entries()) {
        for (const [row, outcome] of LIMIT_OUTCOMES.entries()) {
          add({ limit, outcome }, sum.at(limitCounter(limitRow, row)));
        }
      }
    },
  };
}

function addQueries(sum: CounterSum, add: Add): void {
  for (const [transportRow, transport] of TRANSPORTS.entries()) {
    for (const [familyRow, family] of FAMILIES.entries()) {
      for (const [slot, qtype] of QTYPE_LABELS.entries()) {
        add({ transport, family, qtype }, sum.at(queryCounter(transportRow, familyRow, slot)));
      }
    }
  }
}

function addResponses(sum: CounterSum, add: Add): void {
  for (const [row, rcode] of RCODE_LABELS.entries()) {
    for (const [verdictRow, verdict] of RESPONSE_VERDICTS.entries()) {
      const value = sum.at(responseCounter(row, verdictRow));
      if (value > 0 || OWN_RCODES.has(rcode)) add({ rcode, verdict }, value);
    }
  }
}

function addBlocked(sum: CounterSum, names: CounterNames, add: Add): void {
  for (const [slot, list] of names.lists) {
    for (const [categoryRow, category] of CATEGORIES.entries()) {
      for (const [actionRow, action] of ACTIONS.entries()) {
        const value = sum.at(blockedCounter(slot, categoryRow, actionRow));
        if (value > 0 || action === list.action) add({ list: list.name, category, action }, value);
      }
    }
  }
}

function addRegions(sum: CounterSum, names: CounterNames, add: Add): void {
  for (const [slot, region] of names.regions) add({ region }, sum.at(regionCounter(slot)));
}

function addShadow(sum: CounterSum, names: CounterNames, add: Add): void {
  for (const [slot, list] of names.lists) {
    for (const [row, category] of CATEGORIES.entries()) {
      add({ list: list.name, category }, sum.at(shadowCounter(slot, row)));
    }
  }
}

function registerValues(registry: Registry, name: MetricName, addRows: (add: Add) => void): void {
  const { type, help, labels } = METRICS[name];
  const settings = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === 'gauge') {
    const metric: Gauge = new Gauge({
      ...settings,
      collect: () => {
        metric.reset();
        addRows((row, value) => metric.set(row, value));
      },
    });
    return;
  }
  const metric: PromCounter = new PromCounter({
    ...settings,
    collect: () => {
      metric.reset();
      addRows((row, value) => metric.inc(row, value));
    },
  });
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/**
 * A histogram whose buckets were filled elsewhere; prom-client's own can only be filled one observation at a time. The
 * registry, and prom-client's `get`, ask getForPromString for the values.
 */
class SharedHistogram extends Histogram {
  readonly #export: { name: string; help: string; values: () => HistogramValue[] };

  constructor(name: MetricName, values: () => HistogramValue[]) {
    const { help, labels } = METRICS[name];
    super({ name, help, labelNames: [...labels], registers: [] });
    this.#export = { name, help, values };
  }

  getForPromString() {
    const { name, help, values } = this.#export;
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: values() });
  }
}

function registerHistogram(
  registry: Registry,
  sum: CounterSum,
  name: MetricName,
  addRows: (add: AddHistogram) => void,
): void {
  const collect = (): HistogramValue[] => {
    const values: HistogramValue[] = [];
    addRows((labels, firstCell) => {
      let count = 0;
      for (const [bucket, boundMs] of [...DURATION_BUCKETS_MS, Number.POSITIVE_INFINITY].entries()) {
        count += sum.at(firstCell + bucket);
        const le = boundMs === Number.POSITIVE_INFINITY ? '+Inf' : boundMs / 1000;
        values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
      }
      const sumSeconds = sum.at(firstCell + HISTOGRAM_CELLS - 1) / 1000;
      values.push({ metricName: `${name}_sum`, labels, value: sumSeconds });
      values.push({ metricName: `${name}_count`, labels, value: count });
    });
    return values;
  };
  registry.registerMetric(new SharedHistogram(name, collect));
}
