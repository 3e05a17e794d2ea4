/** Limits against abuse, met by real clients of the real process: what is sent, what is not, and what is counted. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { HeaderFlag } from '../../src/dns/iana.ts';
import { closeClients, decoded, query, TcpClient, UdpClient } from '../support/dns-client.ts';
import { LIMIT_OUTCOMES, LIMITS } from '../../src/telemetry/counter-labels.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

afterEach(closeClients);
afterAll(stopAllWeirs);

const FLOOD = 400;

function start(limits: Record<string, unknown>): Promise<WeirProcess> {
  return startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: { lists: [{ name: 'list', source: 'list.txt' }], limits: { exemptLoopback: false, ...limits } },
  });
}

/** Sends so many queries for a listed name from one address, and waits until each has been answered or counted as dropped. */
async function flood(weir: WeirProcess, localAddress: string): Promise<{ full: number; truncated: number }> {
  const client = await UdpClient.open(weir.port, '127.0.0.1', localAddress);
  const before = await weir.metric('weir_dropped_queries_total', 'reason="rateLimited"');
  for (let sent = 0; sent < FLOOD; sent++) client.send(query('listed.example'));
  await weir.untilMetric(
    (dropped) => dropped - before + client.received.length === FLOOD,
    'weir_dropped_queries_total',
    'reason="rateLimited"',
  );
  const truncated = client.received.filter((message) => (decoded(message).flags & HeaderFlag.TC) !== 0).length;
  return { full: client.received.length - truncated, truncated };
}

describe('a flood', () => {
  test('over UDP gets one empty response for two queries; other networks and TCP are served', async () => {
    const weir = await start({ responsesPerSecondMax: 1 });
    const { full, truncated } = await flood(weir, '127.0.0.1');
    const dropped = await weir.metric('weir_limited_queries_total', 'limit="responses"', 'outcome="dropped"');
    expect(full).toBeGreaterThan(0);
    expect(full).toBeLessThan(FLOOD / 2);
    expect(full + truncated + dropped).toBe(FLOOD);
    expect(Math.abs(truncated - dropped)).toBeLessThanOrEqual(1);
    expect(await weir.metric('weir_limited_queries_total', 'outcome="truncated"')).toBe(truncated);

    const neighbour = await UdpClient.open(weir.port, '127.0.0.1', '127.1.0.1');
    expect(decoded(await neighbour.exchange(query('listed.example'))).answers).toHaveLength(1);
    const tcp = await TcpClient.open(weir.port);
    expect(decoded(await tcp.exchange(query('listed.example'))).answers).toHaveLength(1);
  });

  test('in the name of one client is dropped, but for hints to ask by TCP, where it is served as ever; so is its neighbour', async () => {
    const weir = await start({ queriesPerSecondMax: 1, queriesBurstMax: 5, excess: 'drop' });
    const { full, truncated } = await flood(weir, '127.0.0.1');
    expect(full).toBeGreaterThanOrEqual(5);
    expect(full).toBeLessThan(FLOOD / 2);
    const dropped = await weir.metric('weir_limited_queries_total', 'limit="queries"', 'outcome="dropped"');
    expect(full + truncated + dropped).toBe(FLOOD);
    expect(Math.abs(truncated - dropped)).toBeLessThanOrEqual(1);
    const tcp = await TcpClient.open(weir.port);
    for (let count = 0; count < 5; count++)
      expect(decoded(await tcp.exchange(query('listed.example'))).answers).toHaveLength(1);
    const neighbour = await UdpClient.open(weir.port, '127.0.0.1', '127.0.0.2');
    expect(decoded(await neighbour.exchange(query('listed.example'))).answers).toHaveLength(1);
  });
});

describe('a flood of made-up names below one domain', () => {
  const NAMES = 50_000;
  const STEP = 250;
  const BUDGET = 200;

  test('goes upstream no more than the budget of the domain; other names, and what is cached, are answered', async () => {
    const upstream = await startFakeUpstream();
    const limits = {
      exemptLoopback: false,
      queriesPerSecondMax: 0,
      responsesPerSecondMax: 0,
      missesPerDomainPerSecondMax: BUDGET,
      missesPerDomainClientPerSecondMax: 0,
    };
    const weir = await startWeirProcess({
      config: { upstreams: [upstream.url], limits },
    });
    const client = await UdpClient.open(weir.port);
    const startedMs = performance.now();
    await client.exchange(query('cached.victim.example'));
    for (let sent = 0; sent < NAMES; sent += STEP) {
      // Why awaited: what the kernel's queue has no room for would be no flood.
      for (let name = 1; name < STEP; name++) client.send(query(`${name}-${sent}.victim.example`));
      client.received.length = 0;
      await client.exchange(query(`0-${sent}.victim.example`));
      if (sent % 5_000 > 0) continue;
      expect(decoded(await client.exchange(query(`${sent}.other.example.net`))).answers).toHaveLength(1);
      expect(decoded(await client.exchange(query('cached.victim.example'))).answers).toHaveLength(1);
    }
    const elapsedSeconds = (performance.now() - startedMs) / 1000;
    const asked = upstream.queries.filter(({ name }) => name.endsWith('.victim.example')).length;
    expect(asked).toBeGreaterThanOrEqual(BUDGET);
    expect(asked).toBeLessThanOrEqual(BUDGET + BUDGET * elapsedSeconds + 1);
    expect(asked).toBeLessThan(NAMES / 2);
    const failed = await weir.metric('weir_limited_queries_total', 'limit="misses"', 'outcome="failed"');
    expect(failed).toBeGreaterThan(NAMES / 4);
    await upstream.stop();
  });
});

test('every limit and outcome is exported at 0, and loopback is exempt by default', async () => {
  const weir = await start({ exemptLoopback: true, queriesPerSecondMax: 1, queriesBurstMax: 1 });
  const client = await UdpClient.open(weir.port);
  for (let count = 0; count < 10; count++) await client.exchange(query('listed.example'));
  const exposition = await weir.exposition();
  for (const limit of LIMITS) {
    for (const outcome of LIMIT_OUTCOMES) {
      expect(exposition).toContain(`weir_limited_queries_total{limit="${limit}",outcome="${outcome}"} 0\n`);
    }
  }
});
