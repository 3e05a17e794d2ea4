/**
 * Every metric that Weir exports beside prom-client's own, as data: name, type, labels and the help text that Prometheus
 * and the README's table show. Names and labels are a public contract: add, never rename. No label carries a client's
 * address or a query's name.
 */

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

function counter(help: string, ...labels: string[]): MetricDefinition {
  return { type: 'counter', labels, help };
}

function gauge(help: string, ...labels: string[]): MetricDefinition {
  return { type: 'gauge', labels, help };
}

function histogram(help: string, ...labels: string[]): MetricDefinition {
  return { type: 'histogram', labels, help };
}

/** Exported by a node that runs a ledger, and by no other: ledger-metrics.ts. */
export const LEDGER_METRICS = {
  weir_pushes_total: counter('Changes pushed to a list', 'list', 'outcome'),
  weir_push_entries_total: counter('Entries of pushed changes', 'list', 'outcome'),
  weir_push_duration_seconds: histogram('From the request to the change in force on every thread'),
  weir_ledger_up: gauge('1 while the ledger of pushed lists can be written'),
  weir_exceptions: gauge('Exceptions that are active: names that the clients of one prefix are let through to'),
  weir_audit_records: gauge('Records of the audit chain'),
  weir_appeals: gauge('Objections to blocks that are kept', 'state'),
  weir_appeals_overdue: gauge('Open objections past the day they have to be decided by', 'list'),
  weir_api_requests_total: counter('Requests under /v1', 'route', 'status'),
  weir_api_authentication_failures_total: counter('Requests under /v1 without a good token', 'reason'),
} as const satisfies Record<string, MetricDefinition>;

export const METRICS = {
  weir_build_info: gauge('Version of Weir and of Node; always 1', 'version', 'node'),
  weir_queries_total: counter('Queries received', 'transport', 'family', 'qtype'),
  weir_responses_total: counter('Responses sent', 'rcode', 'verdict'),
  weir_blocked_queries_total: counter('Queries a list blocked', 'list', 'category', 'action'),
  weir_blocked_queries_by_region_total: counter(
    "Queries a list blocked, by the region of the client's group",
    'region',
  ),
  weir_shadow_queries_total: counter('Queries a list in shadow mode would have blocked', 'list', 'category'),
  weir_exception_answers_total: counter('Responses to names that an exception let their client through to'),
  weir_query_duration_seconds: histogram(
    'From reading a query to its response; without the time in the kernel, answers given at once timed by the batch',
    'verdict',
  ),
  weir_dropped_queries_total: counter('Messages that got no response', 'reason'),
  weir_limited_queries_total: counter('Queries that met a limit, and what they got', 'limit', 'outcome'),
  weir_kernel_dropped_datagrams_total: counter(
    'Datagrams that found a queue of the kernel full, or were held off (weir_held_sources); with batch I/O',
    'side',
  ),
  weir_held_sources: gauge(
    'Clients and prefixes whose flood the kernel holds off, summed over threads; with batch I/O',
  ),
  weir_socket_receive_buffer_bytes: gauge('Smallest socket queue that the kernel granted; with batch I/O', 'side'),
  weir_internal_errors_total: counter('Bugs met while a query was answered'),
  weir_cache_hits_total: counter('Queries answered from the cache'),
  weir_cache_misses_total: counter('Queries that had to go upstream'),
  weir_cache_entries: gauge('Answers in the caches of all threads'),
  weir_cache_bytes: gauge('Size of the caches of all threads'),
  weir_cache_stale_answers_total: counter('Expired answers served because upstreams failed (RFC 8767)'),
  weir_cache_prefetches_total: counter('Popular answers renewed before they expired'),
  weir_cache_evictions_total: counter('Answers pushed out by newer ones'),
  weir_shared_exchanges_total: counter('Misses that joined an identical question already on its way'),
  weir_upstream_queries_total: counter('Transmissions to upstreams', 'upstream', 'outcome'),
  weir_upstream_up: gauge('1 while every thread finds the upstream answering', 'upstream'),
  weir_upstream_duration_seconds: histogram('Answer times of upstreams', 'upstream'),
  weir_upstream_hedges_total: counter('Second transmissions because the first was late'),
  weir_upstream_outstanding: gauge('Questions waiting for an upstream'),
  weir_tcp_connections: gauge('Open TCP connections of clients'),
  weir_tcp_connections_accepted_total: counter('TCP connections of clients accepted'),
  weir_tcp_connections_rejected_total: counter('TCP connections closed at once because of a limit'),
  weir_tls_connections: gauge('Open DoT and DoH connections of clients, handshakes included', 'transport'),
  weir_tls_connections_rejected_total: counter('DoT and DoH connections closed at once by a limit', 'transport'),
  weir_tls_handshakes_total: counter('TLS handshakes with clients, by how they ended', 'transport', 'result'),
  weir_tls_certificate_expiry_timestamp_seconds: gauge('When the certificate in force ends'),
  weir_tls_certificate_reloads_total: counter('Changed certificates taken into use or refused', 'result'),
  weir_doh_responses_total: counter('HTTP responses of DoH', 'status'),
  weir_doh_connections_cut_total: counter('DoH connections cut for what their client did', 'reason'),
  weir_list_entries: gauge('Entries of the list in force', 'list'),
  weir_list_version_info: gauge('Version of the list in force; always 1', 'list', 'version', 'sha256'),
  weir_list_last_success_timestamp_seconds: gauge('When the list was last found in order', 'list'),
  weir_list_sync_failures_total: counter('Updates that failed or were refused', 'list', 'reason'),
  weir_list_entries_rejected_total: counter('Lines of loaded lists that gave no entry', 'list', 'reason'),
  weir_list_guard_holds: gauge('Entries held for a second pair of eyes', 'list', 'guard'),
  weir_list_activation_seconds: histogram('From a changed source to the change in force on every thread'),
  ...LEDGER_METRICS,
  weir_index_bytes: gauge('Size of the name index, base and overlay'),
  weir_policy_generation: gauge('Lowest policy generation that a resolver thread answers with'),
  weir_batch_io: gauge('1 for the way datagrams are read and written: batch if every resolver thread does', 'mode'),
  weir_thread_restarts_total: counter('Threads replaced after they died', 'thread'),
  weir_config_reloads_total: counter('Reloads of the configuration', 'result'),
  weir_warning_page_requests_total: counter('Requests to the warning page', 'scheme', 'language'),
  weir_warning_page_responses_total: counter('What they came to', 'outcome'),
  weir_warning_page_tls_hellos_total: counter('TLS connections to the warning page, by the name asked for', 'outcome'),
  weir_warning_page_connections_rejected_total: counter('Connections to the warning page closed because of a limit'),
  weir_warning_page_certificates_total: counter('Certificates made for blocked names, or not for the rate', 'outcome'),
  weir_event_log_written_total: counter('Blocked queries written to the event log'),
  weir_event_log_dropped_total: counter('Blocked queries that are missing in the event log', 'reason'),
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS).filter(isMetricName);

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

export interface MetricRow extends MetricDefinition {
  readonly name: string;
}

/** Every metric of ours, in the order of the table in the README. */
export function METRICS_TABLE(): MetricRow[] {
  return Object.entries<MetricDefinition>(METRICS).map(([name, definition]) => ({ name, ...definition }));
}
