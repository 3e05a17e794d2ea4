import { describe, expect, it } from 'vitest';
import { DropRow, FamilyRow, TransportRow, VerdictRow } from '../../../src/telemetry/counter-labels.ts';
import { clearGauges } from '../../../src/telemetry/counter-sum.ts';
import {
  Counter,
  QTYPE_SLOT,
  blockedCounter,
  createCounters,
  dropCounter,
  durationHistogram,
  observeDuration,
  pageCounter,
  queryCounter,
  regionCounter,
  responseCounter,
  upstreamCounter,
  upstreamDownGauge,
  upstreamDurationHistogram,
} from '../../../src/telemetry/counters.ts';
import { LEDGER_METRICS, METRICS_TABLE } from '../../../src/telemetry/metric-definitions.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';

const SAMPLE = { name: 'sample', counterSlot: 3, action: 'sinkhole' } as const;
const UPSTREAM = 'udp://192.0.2.1:53';

function createMetrics(): Metrics {
  return new Metrics({
    version: '1.2.3',
    rejectReasons: ['syntax', 'notAName'],
    syncFailureReasons: ['network', 'tooManyBadLines'],
    guards: ['root', 'popular'],
  });
}

/** The samples as Prometheus would store them: series to value. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const samples = new Map<string, number>();
  for (const line of (await metrics.render()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    const series = line.slice(0, space);
    if (samples.has(series)) throw new Error(`twice: ${series}`);
    samples.set(series, Number(line.slice(space + 1)));
  }
  return samples;
}

describe('/metrics', () => {
  it('has every metric of the table, with its help, type and labels', async () => {
    const metrics = createMetrics();
    metrics.attach(createCounters());
    metrics.setLists([SAMPLE]);
    metrics.setRegions({ none: 0 });
    metrics.registerLedger().setPushLists(['sample']);
    metrics.registerLedger().setApi(['/v1/lists'], ['missing']);
    metrics.registerLedger().setAppeals('received', 0);
    metrics.registerLedger().setOverdueAppeals('sample', 0);
    metrics.setUpstreams([UPSTREAM]);
    metrics.setListStatus({ name: 'sample', version: 1, sha256: 'ab', entries: 1, lastSuccessMs: 1000, holds: {} });
    const text = await metrics.render();
    for (const { name, type, labels, help } of METRICS_TABLE()) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
      const sample = new RegExp(`^${name}(?:_bucket)?(?:\\{([^}]*)\\})? `, 'm').exec(text);
      const written = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)]
        .map(([, label]) => label)
        .filter((label) => label !== 'le');
      expect({ name, labels: new Set(written) }).toEqual({ name, labels: new Set(labels) });
    }
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_version_info');
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  it('says nothing of a ledger where none runs', async () => {
    const metrics = createMetrics();
    const ofLedger = async (): Promise<string[]> => {
      const text = await metrics.render();
      return Object.keys(LEDGER_METRICS).filter((name) => text.includes(name));
    };
    expect(await ofLedger()).toEqual([]);
    metrics.registerLedger().setLedgerUp(true);
    expect(await ofLedger()).toEqual(Object.keys(LEDGER_METRICS));
    expect((await scrape(metrics)).get('weir_ledger_up')).toBe(1);
  });

  it('registers known label sets at 0 from the start', async () => {
    const metrics = createMetrics();
    metrics.setLists([SAMPLE]);
    metrics.setUpstreams([UPSTREAM]);
    const samples = await scrape(metrics);
    for (const series of [
      'weir_queries_total{transport="tcp",family="ipv6",qtype="HTTPS"}',
      'weir_responses_total{rcode="SERVFAIL",verdict="error"}',
      'weir_blocked_queries_total{list="sample",category="loan",action="sinkhole"}',
      'weir_shadow_queries_total{list="sample",category="loan"}',
      'weir_dropped_queries_total{reason="tooShort"}',
      'weir_internal_errors_total',
      'weir_cache_hits_total',
      `weir_upstream_queries_total{upstream="${UPSTREAM}",outcome="timeout"}`,
      'weir_list_entries{list="sample"}',
      'weir_list_sync_failures_total{list="sample",reason="network"}',
      'weir_list_entries_rejected_total{list="sample",reason="notAName"}',
      'weir_list_guard_holds{list="sample",guard="popular"}',
      'weir_warning_page_requests_total{scheme="http",language="zh-CN"}',
      'weir_thread_restarts_total{thread="resolver"}',
      'weir_query_duration_seconds_count{verdict="blocked"}',
    ]) {
      expect([series, samples.get(series)]).toEqual([series, 0]);
    }
    expect(samples.get('weir_build_info{version="1.2.3",node="' + process.version + '"}')).toBe(1);
    expect(samples.get('weir_batch_io{mode="dgram"}')).toBe(1);
    expect(samples.get('weir_batch_io{mode="batch"}')).toBe(0);
    expect(samples.get(`weir_upstream_up{upstream="${UPSTREAM}"}`)).toBe(1);
  });

  it('has blocked queries by region from 0 on, and counts for another region in the same row from 0 again', async () => {
    const metrics = createMetrics();
    const block = createCounters();
    metrics.attach(block);
    const regions = async () =>
      [...(await scrape(metrics))].filter(([name]) => name.startsWith('weir_blocked_queries_by_region_total'));
    expect(await regions()).toEqual([]);
    metrics.setRegions({ none: 0, north: 1 });
    new Float64Array(block)[regionCounter(1)]! += 7;
    metrics.setRegions({ none: 0, north: 1, south: 2 });
    const series = (region: string) => `weir_blocked_queries_by_region_total{region="${region}"}`;
    expect(await regions()).toEqual([
      [series('none'), 0],
      [series('north'), 7],
      [series('south'), 0],
    ]);
    metrics.setRegions({ none: 0, east: 1, south: 2 });
    expect((await regions()).find(([name]) => name === series('east'))).toEqual([series('east'), 0]);
  });

  it('sums what the threads counted', async () => {
    const metrics = createMetrics();
    metrics.setLists([SAMPLE]);
    metrics.setUpstreams([UPSTREAM]);
    const threads = [createCounters(), createCounters()].map((block) => {
      metrics.attach(block);
      return new Float64Array(block);
    });
    for (const cells of threads) {
      cells[queryCounter(TransportRow.udp, FamilyRow.ipv4, QTYPE_SLOT[1]!)]! += 2;
      cells[responseCounter(3, VerdictRow.allowed)]! += 3;
      cells[responseCounter(22, VerdictRow.allowed)]! += 1;
      cells[responseCounter(13, VerdictRow.error)]! += 1;
      cells[responseCounter(77, VerdictRow.error)]! += 1;
      cells[blockedCounter(3, 3, 0)]! += 4;
      cells[blockedCounter(3, 3, 4)]! += 1;
      cells[dropCounter(DropRow.sendFailed)]! += 5;
      cells[Counter.cacheBytes] = 1000;
      cells[upstreamCounter(0, 1)]! += 6;
      cells[pageCounter(0, 1)]! += 1;
    }
    expect(
      Object.fromEntries([...(await scrape(metrics))].filter(([name, value]) => name.startsWith('weir_') && value > 0)),
    ).toMatchObject({
      'weir_queries_total{transport="udp",family="ipv4",qtype="A"}': 4,
      'weir_responses_total{rcode="NXDOMAIN",verdict="allowed"}': 6,
      'weir_responses_total{rcode="BADTRUNC",verdict="allowed"}': 2,
      'weir_responses_total{rcode="other",verdict="error"}': 4,
      'weir_blocked_queries_total{list="sample",category="loan",action="sinkhole"}': 8,
      'weir_blocked_queries_total{list="sample",category="loan",action="drop"}': 2,
      'weir_dropped_queries_total{reason="sendFailed"}': 10,
      weir_cache_bytes: 2000,
      [`weir_upstream_queries_total{upstream="${UPSTREAM}",outcome="timeout"}`]: 12,
      'weir_warning_page_requests_total{scheme="http",language="en"}': 2,
    });
    expect(
      (await scrape(metrics)).get('weir_blocked_queries_total{list="sample",category="loan",action="sinkhole"}'),
    ).toBe(8);
  });

  it('exports histograms in seconds, cumulative, with count and sum', async () => {
    const metrics = createMetrics();
    metrics.setUpstreams([UPSTREAM]);
    const block = createCounters();
    metrics.attach(block);
    const cells = new Float64Array(block);
    for (const durationMs of [0.01, 0.2, 9000])
      observeDuration(cells, durationHistogram(VerdictRow.blocked), durationMs);
    observeDuration(cells, upstreamDurationHistogram(0), 30);
    const samples = await scrape(metrics);
    const bucket = (le: string): number | undefined =>
      samples.get(`weir_query_duration_seconds_bucket{verdict="blocked",le="${le}"}`);
    expect([bucket('0.00005'), bucket('0.0001'), bucket('0.00025'), bucket('5'), bucket('+Inf')]).toEqual([
      1, 1, 2, 2, 3,
    ]);
    expect(samples.get('weir_query_duration_seconds_count{verdict="blocked"}')).toBe(3);
    expect(samples.get('weir_query_duration_seconds_sum{verdict="blocked"}')).toBeCloseTo(9.00021);
    expect(samples.get(`weir_upstream_duration_seconds_bucket{upstream="${UPSTREAM}",le="0.025"}`)).toBe(0);
    expect(samples.get(`weir_upstream_duration_seconds_bucket{upstream="${UPSTREAM}",le="0.05"}`)).toBe(1);
  });

  it('shows an upstream as down while one thread finds it down', async () => {
    const metrics = createMetrics();
    metrics.setUpstreams([UPSTREAM]);
    const blocks = [createCounters(), createCounters()];
    for (const block of blocks) metrics.attach(block);
    const cells = new Float64Array(blocks[1]!);
    cells[upstreamDownGauge(0)] = 1;
    expect((await scrape(metrics)).get(`weir_upstream_up{upstream="${UPSTREAM}"}`)).toBe(0);
    cells[upstreamDownGauge(0)] = 0;
    expect((await scrape(metrics)).get(`weir_upstream_up{upstream="${UPSTREAM}"}`)).toBe(1);
  });

  it('shows the policy generation of the thread that is behind, leaving out threads that answer nothing', async () => {
    const metrics = createMetrics();
    for (const generation of [7, 6, 0]) {
      const block = createCounters();
      new Float64Array(block)[Counter.policyGeneration] = generation;
      metrics.attach(block);
    }
    expect((await scrape(metrics)).get('weir_policy_generation')).toBe(6);
    expect((await scrape(createMetrics())).get('weir_policy_generation')).toBe(0);
  });

  it('keeps what a dead thread counted, and forgets what it held', async () => {
    const metrics = createMetrics();
    const block = createCounters();
    metrics.attach(block);
    const cells = new Float64Array(block);
    cells[Counter.cacheHits] = 5;
    cells[Counter.cacheEntries] = 9;
    cells[upstreamDownGauge(15)] = 1;
    clearGauges(block);
    const samples = await scrape(metrics);
    expect(samples.get('weir_cache_hits_total')).toBe(5);
    expect(samples.get('weir_cache_entries')).toBe(0);
    expect(cells[upstreamDownGauge(15)]).toBe(0);
  });
});

describe('when the configuration changes', () => {
  it('an upstream in the place of another starts from 0, one that stays goes on', async () => {
    const metrics = createMetrics();
    const block = createCounters();
    metrics.attach(block);
    const cells = new Float64Array(block);
    metrics.setUpstreams(['udp://192.0.2.1', 'udp://192.0.2.2']);
    cells[upstreamCounter(0, 0)] = 5;
    cells[upstreamCounter(1, 0)] = 7;
    metrics.setUpstreams(['udp://192.0.2.1', 'udp://192.0.2.3']);
    cells[upstreamCounter(1, 0)]! += 2;
    const samples = await scrape(metrics);
    expect(samples.get('weir_upstream_queries_total{upstream="udp://192.0.2.1",outcome="answered"}')).toBe(5);
    expect(samples.get('weir_upstream_queries_total{upstream="udp://192.0.2.3",outcome="answered"}')).toBe(2);
    expect([...samples.keys()].some((series) => series.includes('192.0.2.2'))).toBe(false);
  });

  it('a list that left keeps its counters and loses its gauges', async () => {
    const metrics = createMetrics();
    const block = createCounters();
    metrics.attach(block);
    metrics.setLists([SAMPLE]);
    metrics.setListStatus({
      name: 'sample',
      version: 4,
      sha256: 'cd',
      entries: 9,
      lastSuccessMs: 5000,
      holds: { root: 2 },
    });
    new Float64Array(block)[blockedCounter(3, 0, 0)] = 8;
    metrics.setLists([{ name: 'other', counterSlot: 0, action: 'refused' }]);
    const samples = await scrape(metrics);
    expect(samples.get('weir_blocked_queries_total{list="sample",category="fraud",action="sinkhole"}')).toBe(8);
    for (const gauge of ['entries', 'version_info', 'last_success_timestamp_seconds', 'guard_holds']) {
      expect([...samples.keys()].filter((series) => series.startsWith(`weir_list_${gauge}{list="sample"`))).toEqual([]);
    }
    expect(samples.get('weir_blocked_queries_total{list="other",category="fraud",action="refused"}')).toBe(0);
  });
});

describe('what the control plane reports', () => {
  it('is the state of lists: entries, one version, holds, failures, rejected lines', async () => {
    const metrics = createMetrics();
    metrics.setLists([SAMPLE]);
    metrics.setListStatus({ name: 'sample', version: 0, sha256: '', entries: 0, lastSuccessMs: 0, holds: {} });
    expect([...(await scrape(metrics)).keys()].filter((series) => series.includes('version_info{list'))).toEqual([]);
    metrics.setListStatus({
      name: 'sample',
      version: 1,
      sha256: 'ab',
      entries: 5,
      lastSuccessMs: 2500,
      holds: { root: 2 },
    });
    metrics.setListStatus({ name: 'sample', version: 2, sha256: 'cd', entries: 6, lastSuccessMs: 3500, holds: {} });
    metrics.countSyncFailure('sample', 'network');
    metrics.countRejected('sample', 'syntax', 12);
    const samples = await scrape(metrics);
    expect([...samples.keys()].filter((series) => series.startsWith('weir_list_version_info'))).toEqual([
      'weir_list_version_info{list="sample",version="2",sha256="cd"}',
    ]);
    expect(samples.get('weir_list_entries{list="sample"}')).toBe(6);
    expect(samples.get('weir_list_last_success_timestamp_seconds{list="sample"}')).toBe(3.5);
    expect(samples.get('weir_list_guard_holds{list="sample",guard="root"}')).toBe(0);
    expect(samples.get('weir_list_sync_failures_total{list="sample",reason="network"}')).toBe(1);
    expect(samples.get('weir_list_entries_rejected_total{list="sample",reason="syntax"}')).toBe(12);
  });

  it('is the index, activations, restarts, reloads and the way of input and output', async () => {
    const metrics = createMetrics();
    metrics.setIndexBytes(48_000_000);
    metrics.observeActivation(0.3);
    metrics.countRestart('resolver');
    metrics.countReload('refused');
    metrics.setBatchIo('batch');
    const samples = await scrape(metrics);
    expect(samples.get('weir_index_bytes')).toBe(48_000_000);
    expect(samples.get('weir_list_activation_seconds_bucket{le="0.25"}')).toBe(0);
    expect(samples.get('weir_list_activation_seconds_bucket{le="0.5"}')).toBe(1);
    expect(samples.get('weir_thread_restarts_total{thread="resolver"}')).toBe(1);
    expect(samples.get('weir_config_reloads_total{result="refused"}')).toBe(1);
    expect(samples.get('weir_batch_io{mode="batch"}')).toBe(1);
    expect(samples.get('weir_batch_io{mode="dgram"}')).toBe(0);
  });
});

describe('the table of metrics', () => {
  it('has no label that could carry a client or a name', () => {
    const labels = new Set(METRICS_TABLE().flatMap((row) => row.labels));
    for (const forbidden of ['client', 'address', 'ip', 'name', 'qname', 'domain', 'host']) {
      expect(labels.has(forbidden)).toBe(false);
    }
  });

  it('names counters _total, and durations in seconds', () => {
    for (const { name, type } of METRICS_TABLE()) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });
});
