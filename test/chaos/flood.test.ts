/** One prefix asks three times as much as a prefix may: it is held to its share, and everybody else is served. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scaled } from '../support/chaos-scale.ts';
import { runProgram } from '../support/child-program.ts';
import { closeClients, QueryLoad, UdpClient } from '../support/dns-client.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

const SECONDS = scaled({ short: 5, long: 60 });
/** limits.responsesPerSecondMax and limits.queriesPerSecondMax, which each thread keeps by itself. */
const RESPONSES_PER_SECOND = 5_000;
const QUERIES_PER_SECOND_MAX = 20_000;
const FLOOD_PER_SECOND = 3 * RESPONSES_PER_SECOND;
/** Clients of other prefixes, and milliseconds between two queries of one. */
const OTHERS = ['127.9.0.1', '127.9.1.1', '127.10.0.1'];
const INTERVAL_MS = 5;

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

test(`${FLOOD_PER_SECOND} queries a second from one prefix for ${SECONDS} s: no query of others is lost`, async () => {
  const upstream = await startFakeUpstream();
  const weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: {
      workers: 1,
      upstreams: [upstream.url],
      lists: [{ name: 'list', source: 'list.txt' }],
      limits: {
        exemptLoopback: false,
        responsesPerSecondMax: RESPONSES_PER_SECOND,
        queriesPerSecondMax: QUERIES_PER_SECOND_MAX,
      },
    },
  });
  const file = join(weir.folder, 'queries.txt');
  writeFileSync(file, 'listed.example A\n');
  const others = await Promise.all(
    OTHERS.map(async (address) => {
      const client = await UdpClient.open(weir.port, '127.0.0.1', address);
      return new QueryLoad(client, INTERVAL_MS, (index) => (index % 2 ? 'listed.example' : `fresh${index}.example`));
    }),
  );
  // Why so many outstanding: a query that is not answered must not keep the next one from being sent.
  const rate = `-a 127.66.0.1 -l ${SECONDS} -Q ${FLOOD_PER_SECOND} -q 60000 -t 1 -c 4`.split(' ');
  const args = ['-s', '127.0.0.1', '-p', String(weir.port), '-d', file, ...rate];
  const { stdout } = await runProgram('dnsperf', args, { timeoutMs: (SECONDS + 60) * 1_000 });
  for (const load of others) {
    expect(await load.stop()).toEqual([]);
    expect([...load.rcodes.keys()]).toEqual([0]);
  }
  const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)?.[1]);
  const truncated = await weir.metric('weir_limited_queries_total', 'limit="responses"', 'outcome="truncated"');
  const full = count('Queries completed') - truncated;
  const sent = others.reduce((sum, load) => sum + load.sent, 0);
  process.stdout.write(
    `flood: ${count('Queries sent')} sent by one prefix, ${full} answered in full, ${truncated} with TC; ${sent} sent by others, none lost\n`,
  );
  expect(count('Queries sent')).toBeGreaterThan((FLOOD_PER_SECOND * SECONDS) / 2);
  // What may be had at once, and what comes in each second.
  expect(full).toBeLessThanOrEqual(RESPONSES_PER_SECOND * (SECONDS + 3));
  expect(full).toBeGreaterThan(RESPONSES_PER_SECOND);
  await upstream.stop();
});
