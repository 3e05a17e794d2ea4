/** After a known sequence of queries every counter has exactly the value it should, and nobody's data is in them. */
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordClass, RecordType } from '../../src/dns/iana.ts';
import { LEDGER_METRICS, METRIC_NAMES } from '../../src/telemetry/metric-definitions.ts';
import { ask, askRaw, closeClients, query, UdpClient } from '../support/dns-client.ts';
import { type FakeUpstream, respond, startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const CANARIES = ['secret-name', 'listed.example', 'servfail.example', 'nothing.example'];

const list = (name: string, fields: object = {}) => ({ name, source: `${name}.txt`, ...fields });

let weir: WeirProcess;
let upstream: FakeUpstream;
let atStart: string;

beforeAll(async () => {
  upstream = await startFakeUpstream((asked) => {
    if (asked.name === 'servfail.example') return respond(asked, { rcode: 2 });
    if (asked.name === 'nothing.example') return respond(asked, { rcode: 3 });
    return respond(asked);
  });
  weir = await startWeirProcess({
    files: {
      'block.txt': 'listed.example\n',
      'nx.txt': 'nx-listed.example\n',
      'dark.txt': 'dark-listed.example\n',
      'shadow.txt': 'shadow-listed.example\n',
      'allow.txt': 'ok.listed.example\n',
    },
    config: {
      listen: { do53: ['127.0.0.1:0', '[::1]:0'], admin: '127.0.0.1:0', warningPageHttp: '127.0.0.1:0' },
      upstreams: [upstream.url],
      allow: ['allow.txt'],
      lists: [
        list('block', { category: 'phishing' }),
        list('nx', { action: 'nxdomain' }),
        list('dark', { action: 'drop' }),
        list('shadow', { mode: 'shadow' }),
      ],
    },
  });
  atStart = await weir.exposition();
});

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await upstream.stop();
});

/** Every sample of a counter of ours that is not 0, but for bucket and sum lines. */
function counted(exposition: string): Record<string, number> {
  const samples = exposition.split('\n').flatMap((line) => {
    const at = line.lastIndexOf(' ');
    return /^weir_[a-z0-9_]+_(total|count)[{ ]/.test(line)
      ? [[line.slice(0, at), Number(line.slice(at + 1))] as const]
      : [];
  });
  return Object.fromEntries(samples.filter(([, value]) => value !== 0));
}

async function askEverything(): Promise<void> {
  const [v4, v6] = weir.do53;
  for (let i = 0; i < 3; i++) await ask(v4!, 'listed.example');
  for (let i = 0; i < 2; i++) await ask({ ...v6!, transport: 'tcp' }, 'listed.example', RecordType.AAAA);
  await ask(v6!, 'www.listed.example', RecordType.HTTPS);
  await ask(v4!, 'listed.example', 65_280);
  await ask(v4!, 'nx-listed.example');
  for (let i = 0; i < 3; i++) await ask(v4!, 'secret-name.example');
  await ask(v4!, 'ok.listed.example');
  await ask(v4!, 'shadow-listed.example');
  await ask(v4!, 'servfail.example');
  await ask(v4!, 'nothing.example');
  await ask(v4!, 'listed.example', RecordType.AXFR);
  await ask(v4!, 'secret-name.example', 1, { recursionDesired: false });
  await ask(v4!, 'version.bind', RecordType.TXT, { recordClass: RecordClass.CH });
  await ask(v4!, 'localhost');
  await askRaw(v4!, query('listed.example', 1, { udpPayloadBytes: 0 }).subarray(0, -1));
  const client = await UdpClient.open(v4!.port);
  client.send(new Uint8Array(5));
  const response = query('listed.example');
  response[2] = 0x80;
  client.send(response);
  client.send(query('dark-listed.example'));
  await client.exchange(query('listed.example'));
}

test('every counter has exactly its value', async () => {
  await askEverything();
  await new Promise<void>((resolve, reject) => {
    get(weir.pageUrl, { headers: { host: 'listed.example', 'accept-language': 'en' }, agent: false }, (response) => {
      response.resume().on('end', resolve);
    }).on('error', reject);
  });
  const upstreamLabel = `upstream="${upstream.url}"`;
  expect(counted(await weir.exposition())).toEqual({
    'weir_queries_total{transport="udp",family="ipv4",qtype="A"}': 15,
    'weir_queries_total{transport="udp",family="ipv4",qtype="AXFR"}': 1,
    'weir_queries_total{transport="udp",family="ipv4",qtype="TXT"}': 1,
    'weir_queries_total{transport="udp",family="ipv4",qtype="other"}': 2,
    'weir_queries_total{transport="udp",family="ipv6",qtype="HTTPS"}': 1,
    'weir_queries_total{transport="tcp",family="ipv6",qtype="AAAA"}': 2,
    'weir_responses_total{rcode="NOERROR",verdict="blocked"}': 8,
    'weir_responses_total{rcode="NOERROR",verdict="allowed"}': 5,
    'weir_responses_total{rcode="NOERROR",verdict="allowlisted"}': 1,
    'weir_responses_total{rcode="NOERROR",verdict="shadow"}': 1,
    'weir_responses_total{rcode="NXDOMAIN",verdict="blocked"}': 1,
    'weir_responses_total{rcode="NXDOMAIN",verdict="allowed"}': 1,
    'weir_responses_total{rcode="SERVFAIL",verdict="error"}': 1,
    'weir_responses_total{rcode="REFUSED",verdict="error"}': 2,
    'weir_responses_total{rcode="FORMERR",verdict="error"}': 1,
    'weir_blocked_queries_total{list="block",category="phishing",action="sinkhole"}': 8,
    'weir_blocked_queries_total{list="nx",category="fraud",action="nxdomain"}': 1,
    'weir_blocked_queries_total{list="dark",category="fraud",action="drop"}': 1,
    'weir_shadow_queries_total{list="shadow",category="fraud"}': 1,
    'weir_query_duration_seconds_count{verdict="blocked"}': 9,
    'weir_query_duration_seconds_count{verdict="allowed"}': 6,
    'weir_query_duration_seconds_count{verdict="allowlisted"}': 1,
    'weir_query_duration_seconds_count{verdict="shadow"}': 1,
    'weir_query_duration_seconds_count{verdict="error"}': 4,
    'weir_dropped_queries_total{reason="tooShort"}': 1,
    'weir_dropped_queries_total{reason="response"}': 1,
    'weir_dropped_queries_total{reason="policyDrop"}': 1,
    weir_cache_hits_total: 2,
    weir_cache_misses_total: 5,
    [`weir_upstream_queries_total{${upstreamLabel},outcome="answered"}`]: 4,
    [`weir_upstream_queries_total{${upstreamLabel},outcome="servfail"}`]: 1,
    [`weir_upstream_duration_seconds_count{${upstreamLabel}}`]: 5,
    weir_tcp_connections_accepted_total: 2,
    weir_list_activation_seconds_count: 4,
    'weir_warning_page_requests_total{scheme="http",language="en"}': 1,
    'weir_warning_page_responses_total{outcome="blocked"}': 1,
  });
});

describe('from the start', () => {
  test('every metric is there, but for those of a ledger that does not run', () => {
    const exported = METRIC_NAMES.filter((name) => new RegExp(`^# TYPE ${name} `, 'm').test(atStart));
    expect(exported).toEqual(METRIC_NAMES.filter((name) => !Object.hasOwn(LEDGER_METRICS, name)));
  });

  test('known label sets are at 0', () => {
    for (const sample of [
      'weir_queries_total{transport="tcp",family="ipv6",qtype="HTTPS"}',
      'weir_responses_total{rcode="NOERROR",verdict="blocked"}',
      'weir_responses_total{rcode="SERVFAIL",verdict="error"}',
      'weir_blocked_queries_total{list="block",category="malware",action="sinkhole"}',
      'weir_blocked_queries_total{list="nx",category="fraud",action="nxdomain"}',
      'weir_dropped_queries_total{reason="tooShort"}',
      'weir_shadow_queries_total{list="shadow",category="malware"}',
      'weir_internal_errors_total',
      'weir_dropped_queries_total{reason="internalError"}',
      'weir_query_duration_seconds_count{verdict="shadow"}',
      `weir_upstream_queries_total{upstream="${upstream.url}",outcome="timeout"}`,
      'weir_list_sync_failures_total{list="block",reason="html"}',
      'weir_list_entries_rejected_total{list="block",reason="ipAddress"}',
      'weir_list_guard_holds{list="block",guard="tld"}',
      'weir_thread_restarts_total{thread="resolver"}',
      'weir_config_reloads_total{result="refused"}',
      'weir_warning_page_requests_total{scheme="http",language="zh-CN"}',
      'weir_cache_stale_answers_total',
    ]) {
      expect(atStart.split('\n')).toContain(`${sample} 0`);
    }
  });

  test('gauges of lists, upstreams and the build say what is in force', () => {
    expect(atStart).toMatch(/^weir_build_info{version="\d+\.\d+\.\d+[^"]*",node="v\d+[^"]*"} 1$/m);
    expect(atStart).toMatch(/^weir_list_version_info{list="block",version="1",sha256="[0-9a-f]{64}"} 1$/m);
    expect(atStart).toMatch(/^weir_list_entries{list="block"} 1$/m);
    expect(atStart).toMatch(/^weir_list_last_success_timestamp_seconds{list="block"} \d{10}/m);
    expect(atStart).toMatch(/^weir_index_bytes [1-9]/m);
    expect(atStart).toMatch(/^weir_policy_generation [1-9]/m);
    expect(atStart).toContain(`weir_upstream_up{upstream="${upstream.url}"} 1`);
    expect(atStart).toMatch(/^weir_batch_io{mode="[a-z]+"} 1$/m);
  });
});

test('no name that was asked for and no client address is in the metrics or the log', async () => {
  const metrics = (await weir.exposition()).replaceAll(upstream.url, 'UPSTREAM');
  for (const text of [metrics, weir.program.output()]) {
    for (const canary of CANARIES) expect(text).not.toContain(canary);
  }
  expect(metrics).not.toMatch(/127\.0\.0\.1|::1/);
});
