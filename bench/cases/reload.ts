/**
 * The list file is replaced, one name of ten or of 100,000 changed, while questions go on coming at a steady rate. What is
 * measured is the time of the swap alone: from shortly before the file is renamed until a second after the new list is in
 * force, several times in a row, all answers taken together. Asked are names that every list has. Once with everything of
 * Weir on one processor, which is the hard case, once as the system likes.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../../src/clock.ts';
import { latencyOf, type ListedRun, type Load, runLoad, startListedLoad } from '../dnsperf.ts';
import { SINKHOLE_ADDRESS, writePlain } from '../list-files.ts';
import { measureRun } from '../measure.ts';
import { addressesOf, ask } from '../probe.ts';
import { forgetPeak, peakBytes } from '../process-usage.ts';
import { blockedName, seededRandom, writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { changedList, keptNames } from './list-swap.ts';

const RATE = 20_000;
const SWAPS = 4;
const WARM_SECONDS = 2;
const SWAP_AFTER_MS = 300;
const END_AFTER_MS = 1_000;
/** Shorter than END_AFTER_MS: what was sent before the new list was in force is answered or lost when the run is ended. */
const LOST_AFTER_SECONDS = 0.9;
/** Of the rows with nothing changed: about what a swap takes. */
const UNCHANGED_MS = 5_000;
const IN_FORCE_WITHIN_MS = 60_000;
const LOAD_SECONDS_MAX = 2 * (IN_FORCE_WITHIN_MS / 1_000);
const PROBE_PAUSE_MS = 10;
const QUERIES = 50_000;
/** A tenth of a second of questions: the rate is kept while a server pauses for less than that. */
const OUTSTANDING = 2_000;
const CLIENTS = 50;
/** One name of so many is changed: none, to know the machine; a new index; a small change over the index in force. */
const CHANGES = [Infinity, 10, 100_000];

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

interface Trial {
  readonly context: CaseContext;
  readonly every: number;
  readonly where: string;
  readonly folder: string;
  readonly listFile: string;
  readonly server: WeirServer;
  readonly load: Load;
}

interface Window extends ListedRun {
  readonly inForceMs: number | undefined;
  readonly wrong: readonly string[];
}

/** The list is replaced once, or nothing happens for as long, under a load that is ended a second afterwards. */
async function oneWindow({ context, every, folder, listFile, server, load }: Trial): Promise<Window> {
  const nextFile = join(folder, 'next.txt');
  const next = changedList(context.list, every, context.uniqueWord());
  if (every !== Infinity) writePlain(nextFile, next);
  await runLoad({ ...load, seconds: WARM_SECONDS });
  const running = startListedLoad(load, join(folder, 'answers.txt'));
  const kept = keptNames(context.list, every);
  const random = seededRandom(7);
  const reported = async () => (await running.ended).report;
  const looks = measureRun(server, reported, true, () => ({
    name: blockedName(kept, random),
    address: SINKHOLE_ADDRESS,
  }));
  looks.catch(() => undefined);
  let inForceMs: number | undefined;
  try {
    await pause(SWAP_AFTER_MS);
    if (every === Infinity) {
      await pause(UNCHANGED_MS - SWAP_AFTER_MS - END_AFTER_MS);
    } else {
      renameSync(nextFile, listFile);
      inForceMs = await untilBlocked(server.port, next.nameAt(0));
    }
    await pause(END_AFTER_MS);
  } finally {
    running.interrupt();
  }
  const { wrong } = await looks;
  return { ...(await running.ended), inForceMs, wrong };
}

async function reloadOn(context: CaseContext, every: number, where: string, cores: string): Promise<Row> {
  const { list } = context;
  const folder = serverFolder(context.folder, `reload-${every}-${where}`);
  const listFile = join(folder, 'list.txt');
  const queryFile = join(folder, 'queries.txt');
  writePlain(listFile, list);
  writeBlocked(queryFile, keptNames(list, every), QUERIES);
  const server = await startWeirServer(context, { folder, list, listFiles: [listFile], threads: 1, cores });
  const load: Load = {
    port: server.port,
    queryFile,
    seconds: LOAD_SECONDS_MAX,
    outstanding: OUTSTANDING,
    clients: CLIENTS,
    edns: true,
    rateMax: RATE,
    timeoutSeconds: LOST_AFTER_SECONDS,
    cores: context.cores.client,
  };
  const trial = { context, every, where, folder, listFile, server, load };
  forgetPeak(server.pids);
  const windows: Window[] = [];
  try {
    for (let swap = 0; swap < SWAPS; swap++) windows.push(await oneWindow(trial));
    return rowOf(trial, windows, peakBytes(server.pids));
  } finally {
    await server.program.stop();
  }
}

function rowOf({ context, every, where, server }: Trial, windows: readonly Window[], peak: number): Row {
  const sum = (value: (each: Window) => number): number => windows.reduce((total, each) => total + value(each), 0);
  const names = context.list.count;
  const changed = Math.ceil(names / every);
  const what = `reload, ${changed} changed, processors ${where}`;
  const sent = sum(({ report }) => report.sent);
  const lost = sum(({ report }) => report.lost);
  const interrupted = sum(({ report }) => report.interrupted);
  const completed = sum(({ report }) => report.completed);
  const noerror = sum(({ report }) => report.rcodes['NOERROR'] ?? 0);
  const wrong = windows.flatMap((each) => each.wrong);
  if (lost > 0) context.problem(`${what}: ${lost} queries lost`);
  if (wrong.length > 0) context.problem(`${what}: ${wrong.length} wrong answers, e.g. ${wrong[0]}`);
  if (noerror !== completed) context.problem(`${what}: ${completed - noerror} answers were not NOERROR`);
  if (sent !== completed + lost + interrupted) context.problem(`${what}: not every query is accounted for`);
  const inForceMs = windows.flatMap((each) => each.inForceMs ?? []);
  return {
    case: 'reload',
    server: 'weir',
    parameters: { names, changed, processors: where, rate: RATE, swaps: changed === 0 ? 0 : windows.length },
    values: {
      windowSeconds: median(windows.map(({ report }) => report.seconds)),
      ...latencyOf(windows.flatMap(({ latenciesUs }) => latenciesUs)),
      ...(inForceMs.length === 0 ? {} : { inForceMs: median(inForceMs) }),
      residentBytes: server.residentBytes,
      peakBytes: peak,
      sent,
      lost,
      interrupted,
    },
    rcodes: { NOERROR: noerror },
  };
}

export const reload: BenchCase = {
  name: 'reload',
  title: `the list is replaced under ${RATE} questions a second; the time of the swaps alone`,
  run: async (context) => {
    const rows: Row[] = [];
    for (const every of CHANGES) {
      rows.push(await reloadOn(context, every, 'any', context.cores.all));
      rows.push(await reloadOn(context, every, 'one', context.cores.server));
    }
    return rows;
  },
};
