/**
 * Weir for a long time under a steady load while a list's file changes and a maintainer pushes, both every second: no
 * query is lost, every change takes effect, memory does not grow. The load of the long form is half of what the machine
 * can do, measured first. WEIR_SOAK_MINUTES says how long (30 in the long form), WEIR_SOAK_QPS how many queries a second.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scaled } from '../support/chaos-scale.ts';
import { runProgram, startProgram } from '../support/child-program.ts';
import { ask, closeClients } from '../support/dns-client.ts';
import { maintainerOf } from '../support/maintainer.ts';
import { type OtherServer, startNsd } from '../support/other-servers.ts';
import {
  bytesPerMinute,
  keptBytes,
  keptMemoryEnv,
  type MemorySample,
  residentBytes,
} from '../support/process-memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startWeirProcess, stopAllWeirs, until, type WeirProcess } from '../support/weir-process.ts';

const MINUTES = Number(process.env['WEIR_SOAK_MINUTES'] ?? scaled({ short: 0.5, long: 30 }));
/** Undefined: half of what the machine can do. */
const QUERIES_PER_SECOND = process.env['WEIR_SOAK_QPS'] ?? scaled({ short: '6000', long: undefined });
const CAPACITY_SECONDS = 10;
const UPDATE_INTERVAL_MS = 1_000;
const REPORTS = 30;
const NAMES = 2_000;
/** So many that the cache is full, and forgets, before the run is half over. */
const FRESH_NAMES = 200_000;
const MEGABYTE = 1024 * 1024;
const CACHE_BYTES_MAX = scaled({ short: 4, long: 16 }) * MEGABYTE;
/** Threads whose memory is asked for, beside the kernel's count for all: what they keep after a collection. */
const THREADS = ['control', 'resolver-0', 'resolver-1'] as const;
/** Of one thread, in the second half. A leak of 1 KB a query would be 45 MB in the short form. */
const KEPT_GROWTH_BYTES_MAX = 4 * MEGABYTE;
/** Of the process, in the second half. A run of a few minutes is warming up all the while, and is not held to it. */
const WARM_AFTER_MINUTES = 10;
const GROWTH_BYTES_MAX = 24 * MEGABYTE;
/** Names of the push list: each is taken back after as many changes. */
const PUSHED_MAX = 60;
const SINKHOLE = '192.0.2.53';

let nsd: OtherServer | undefined;

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await nsd?.program.stop();
});

const pushed = (change: number): string => `pushed${change}.example.org`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const say = (text: string): void => void process.stdout.write(`soak: ${text}\n`);

interface Watched {
  readonly samples: readonly MemorySample[];
  /** What THREADS keep, half way and at the end. */
  readonly kept: readonly Record<(typeof THREADS)[number], number>[];
}

/** Answers a second where the client asks as fast as it is answered. */
async function capacity(args: readonly string[]): Promise<number> {
  const { stdout } = await runProgram('dnsperf', [...args, String(CAPACITY_SECONDS)]);
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  say(`${Math.round(perSecond)} queries a second are possible here`);
  return perSecond;
}

/** Changes a file and pushes a name once a second; each must be in force before the next one. */
async function changeList(
  weir: WeirProcess,
  lines: readonly string[],
  keptFolder: string,
  durationMs: number,
): Promise<Watched> {
  const samples: MemorySample[] = [];
  const kept: Watched['kept'][number][] = [];
  const startedMs = performance.now();
  const untilMs = startedMs + durationMs;
  const desk = maintainerOf(weir);
  for (let change = 0; performance.now() < untilMs; change++) {
    const began = performance.now();
    const name = `change${change}.example.org`;
    weir.write('list.txt', [...lines, name].join('\n'));
    await desk.push('desk', [pushed(change)], change < PUSHED_MAX ? [] : [pushed(change - PUSHED_MAX)]);
    expect((await ask({ port: weir.port }, pushed(change))).answers[0]?.data).toBe(SINKHOLE);
    await until(
      async () => (await ask({ port: weir.port }, name)).answers[0]?.data,
      (address) => address === SINKHOLE,
      `change ${change} is in force`,
    );
    samples.push({ atMs: performance.now() - startedMs, bytes: residentBytes(weir.program.pid) });
    const every = Math.max(1, Math.floor((MINUTES * 60) / REPORTS));
    if (change % every === 0)
      say(`${Math.round((performance.now() - startedMs) / 1000)} s, ${megabytes(samples.at(-1)!.bytes)}`);
    if (kept.length === 0 && performance.now() - startedMs > durationMs / 2)
      kept.push(await keptBytes(keptFolder, 'half-way', THREADS));
    await until(
      () => performance.now(),
      (now) => now >= Math.min(untilMs, began + UPDATE_INTERVAL_MS),
      'the next change',
    );
  }
  kept.push(await keptBytes(keptFolder, 'end', THREADS));
  return { samples, kept };
}

test(
  `${MINUTES} minutes at ${QUERIES_PER_SECOND ?? 'half the possible'} queries a second, a list change and a push every second: nothing lost, no memory gained in the second half`,
  async () => {
    const listed = Array.from({ length: NAMES }, (_, index) => `scam${index}.example.org`);
    nsd = await startNsd('example.net', '* A 192.0.2.1');
    const keptFolder = temporaryFolder('kept');
    const weir = await startWeirProcess({
      env: keptMemoryEnv(keptFolder),
      files: { 'list.txt': listed.join('\n') },
      config: {
        workers: 2,
        upstreams: [`udp://127.0.0.1:${nsd.port}`],
        lists: [
          { name: 'police', source: './list.txt' },
          { name: 'desk', source: 'push' },
        ],
        cache: { bytesMax: CACHE_BYTES_MAX },
      },
    });
    const queries = Array.from({ length: FRESH_NAMES }, (_, index) =>
      [`scam${index % NAMES}.example.org A`, `host${index % NAMES}.example.net A`, `fresh${index}.example.net A`].join(
        '\n',
      ),
    );
    const file = join(weir.folder, 'queries.txt');
    writeFileSync(file, `${queries.join('\n')}\n`);
    const seconds = Math.ceil(MINUTES * 60);
    const args = ['-s', '127.0.0.1', '-p', String(weir.port), '-d', file, '-c', '8', '-q', '400', '-l'];
    const perSecond = Number(QUERIES_PER_SECOND ?? Math.floor((await capacity(args)) / 2));
    say(`${perSecond} queries a second for ${seconds} seconds`);
    const load = await startProgram('dnsperf', [...args, String(seconds), '-Q', String(perSecond)], () => true);
    const { samples, kept } = await changeList(weir, listed, keptFolder, seconds * 1000);
    const { stdout } = await load.ended();
    const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)?.[1]);
    // The second half: by then what is there to be warmed up is warm.
    const second = samples.slice(Math.floor(samples.length / 2));
    const slope = bytesPerMinute(second);
    const half = (second.at(-1)!.atMs - second[0]!.atMs) / 60_000;
    say(
      [
        `${count('Queries sent')} sent, ${count('Queries lost')} lost, ${samples.length} list changes and as many pushes in force`,
        `${/Response codes:\s+(.*)/.exec(stdout)?.[1]}; ${/Average Latency.*/.exec(stdout)?.[0].replaceAll(/\s+/g, ' ')}`,
        `memory: ${megabytes(samples[0]!.bytes)} at first, ${megabytes(second[0]!.bytes)} half way, ${megabytes(second.at(-1)!.bytes)} at the end`,
        `slope of the second half: ${(slope / 1e3).toFixed(1)} KB a minute`,
        ...THREADS.map(
          (thread) => `${thread} keeps ${kept.map((each) => megabytes(each[thread])).join(' half way, ')} at the end`,
        ),
      ].join('; '),
    );
    expect(count('Queries lost')).toBe(0);
    expect(count('Queries completed')).toBe(count('Queries sent'));
    // Else the bound on memory would say nothing of a query.
    expect(count('Queries sent')).toBeGreaterThan(0.75 * seconds * perSecond);
    expect(stdout).not.toContain('SERVFAIL');
    for (const thread of THREADS)
      expect(kept[1]![thread] - kept[0]![thread], thread).toBeLessThan(KEPT_GROWTH_BYTES_MAX);
    if (MINUTES >= WARM_AFTER_MINUTES) expect(slope * half).toBeLessThan(GROWTH_BYTES_MAX);
    expect(await weir.metric('weir_thread_restarts_total')).toBe(0);
    expect(await weir.metric('weir_list_sync_failures_total')).toBe(0);
  },
  (MINUTES + 3) * 60_000,
);
