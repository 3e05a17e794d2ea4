/**
 * The list file is replaced, one name of ten or of 100,000 changed, while questions go on coming at a steady rate: how many are lost,
 * how late the latest answers are, how long until the new list is in force, how much memory it takes at the most. Once
 * with everything of Weir on one processor, which is the hard case, once as the system likes.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../../src/clock.ts';
import { runLoadForLatency } from '../dnsperf.ts';
import type { ListData } from '../list-data.ts';
import { SINKHOLE_ADDRESS, writePlain } from '../list-files.ts';
import { measureRun } from '../measure.ts';
import { addressesOf, ask } from '../probe.ts';
import { forgetPeak, peakBytes } from '../process-usage.ts';
import { seededRandom, writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { startWeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const RATE = 20_000;
const LOAD_SECONDS = 20;
const SWAP_AFTER_MS = 4_000;
const IN_FORCE_WITHIN_MS = 60_000;
const PROBE_PAUSE_MS = 10;
const QUERIES = 50_000;
const OUTSTANDING = 500;
/** One name of so many is changed: none, to know the machine; a new index; a small change over the index in force. */
const CHANGES = [Infinity, 10, 100_000];

/** The same list, but one name of `every` another one that no list had before. */
function changed(list: ListData, every: number, word: string): ListData {
  const nameAt = (index: number): string =>
    every !== Infinity && index % every === 0 ? `${word}x${index}.example.com` : list.nameAt(index);
  return { count: list.count, origin: list.origin, nameAt };
}

/** A name that no change takes out. */
function kept(list: ListData, every: number, random: () => number): string {
  const index = Math.floor(random() * list.count);
  return list.nameAt(every !== Infinity && index % every === 0 ? (index + 1) % list.count : index);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function untilBlocked(port: number, name: string): Promise<number> {
  const begin = monotonicMs();
  while (monotonicMs() - begin < IN_FORCE_WITHIN_MS) {
    if (addressesOf(await ask(port, { name, edns: false }, 1_000))?.[0] === SINKHOLE_ADDRESS)
      return monotonicMs() - begin;
    await pause(PROBE_PAUSE_MS);
  }
  throw new Error('the new list did not come in force');
}

async function reloadOn(context: CaseContext, every: number, where: string, cores: string): Promise<Row> {
  const folder = serverFolder(context.folder, `reload-${every}-${where}`);
  const listFile = join(folder, 'list.txt');
  const nextFile = join(folder, 'next.txt');
  const queryFile = join(folder, 'queries.txt');
  const next = changed(context.list, every, context.uniqueWord());
  writePlain(listFile, context.list);
  writePlain(nextFile, next);
  writeBlocked(queryFile, context.list, QUERIES);
  const { list } = context;
  const random = seededRandom(7);
  const server = await startWeirServer(context, { folder, list, listFiles: [listFile], threads: 1, cores });
  forgetPeak(server.pids);
  const load = runLoadForLatency(
    {
      port: server.port,
      queryFile,
      seconds: LOAD_SECONDS,
      outstanding: OUTSTANDING,
      edns: true,
      rateMax: RATE,
      cores: context.cores.client,
    },
    join(folder, 'answers.txt'),
  );
  const reported = async () => (await load).report;
  // Of names that both lists have: blocked all the while.
  const looks = measureRun(server, reported, true, () => ({
    name: kept(list, every, random),
    address: SINKHOLE_ADDRESS,
  }));
  let inForceMs: number | undefined;
  if (every !== Infinity) {
    await pause(SWAP_AFTER_MS);
    renameSync(nextFile, listFile);
    inForceMs = await untilBlocked(server.port, next.nameAt(0));
  }
  const { report, latency } = await load;
  const { wrong } = await looks;
  const peak = peakBytes(server.pids);
  await server.program.stop();
  if (report.lost > 0) context.problem(`reload, ${where}: ${report.lost} queries lost`);
  if (wrong.length > 0) context.problem(`reload, ${where}: ${wrong.length} wrong answers, e.g. ${wrong[0]}`);
  const failed = report.completed - (report.rcodes['NOERROR'] ?? 0);
  if (failed > 0) context.problem(`reload, ${where}: ${failed} answers were not NOERROR`);
  return {
    case: 'reload',
    server: 'weir',
    parameters: { names: list.count, changed: Math.ceil(list.count / every), processors: where, rate: RATE },
    values: {
      ...latency,
      sent: report.sent,
      lost: report.lost,
      ...(inForceMs === undefined ? {} : { inForceMs }),
      residentBytes: server.residentBytes,
      peakBytes: peak,
    },
    rcodes: report.rcodes,
  };
}

export const reload: BenchCase = {
  name: 'reload',
  title: `the list is replaced under ${RATE} questions a second`,
  run: async (context) => {
    const rows: Row[] = [];
    for (const every of CHANGES) {
      rows.push(await reloadOn(context, every, 'any', context.cores.all));
      rows.push(await reloadOn(context, every, 'one', context.cores.server));
    }
    return rows;
  },
};
