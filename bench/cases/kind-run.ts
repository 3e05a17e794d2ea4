/**
 * Measured runs of one kind of question to one server, after a warm-up where the kind has one; and what of them makes a run's
 * figures worthless: a lost query, an answer that is not NOERROR, a wrong one.
 */
import { runLoad, type Load, type LoadReport } from '../dnsperf.ts';
import { measure, type Measurement } from '../measure.ts';
import type { RunningServer } from '../server.ts';
import type { CaseContext } from './case.ts';
import type { QueryKind } from './query-cases.ts';

const WARM_OUTSTANDING = 50;

export interface KindRun {
  readonly kind: QueryKind;
  readonly server: RunningServer;
  readonly outstanding: number;
  readonly edns: boolean;
}

export interface Totals {
  readonly sent: number;
  readonly completed: number;
  readonly lost: number;
  readonly wrong: number;
  readonly rcodes: Readonly<Record<string, number>>;
}

export function loadOf(context: CaseContext, { kind, server, outstanding, edns }: KindRun): Load {
  const { file, once } = kind.queries(context);
  return {
    port: server.port,
    queryFile: file,
    seconds: context.options.seconds,
    outstanding,
    edns,
    cores: context.cores.client,
    ...(once ? { passesMax: 1 } : {}),
  };
}

export async function warmUp(context: CaseContext, run: KindRun): Promise<void> {
  if (!run.kind.isWarmed || run.server.isEcho) return;
  // Why a minute: it ends with the file; a slow server needs longer than a measured run.
  await runLoad({ ...loadOf(context, run), outstanding: WARM_OUTSTANDING, seconds: 60, passesMax: 1 });
}

export async function measureKind(context: CaseContext, run: KindRun): Promise<Measurement> {
  await warmUp(context, run);
  return measure(run.server, loadOf(context, run), run.kind.expectation(context));
}

export interface MeasuredRun extends KindRun {
  readonly measurements: Measurement[];
}

/** All in turns, so that what else the machine does meets them all; after one that does not count: code is compiled, memory touched. */
export async function measureInTurns(context: CaseContext, runs: readonly MeasuredRun[]): Promise<void> {
  for (const run of runs) await measureKind(context, run);
  for (let round = 0; round < context.options.rounds; round++) {
    for (const run of runs) run.measurements.push(await measureKind(context, run));
  }
}

/**
 * Sums over the runs. What is not as it should be is said as a problem.
 * @param where for people: case, server, load
 * @param others runs that were not measured but in which nothing may go wrong either
 */
export function totalsOf(
  context: CaseContext,
  where: string,
  measurements: readonly Measurement[],
  others: readonly LoadReport[] = [],
): Totals {
  const reports = [...measurements.map(({ report }) => report), ...others];
  const sum = (value: (each: LoadReport) => number): number => reports.reduce((total, each) => total + value(each), 0);
  const rcodes: Record<string, number> = {};
  for (const report of reports) {
    for (const [rcode, count] of Object.entries(report.rcodes)) rcodes[rcode] = (rcodes[rcode] ?? 0) + count;
  }
  const lost = sum((report) => report.lost);
  const completed = sum((report) => report.completed);
  const wrong = measurements.flatMap((each) => each.wrong);
  const failed = completed - (rcodes['NOERROR'] ?? 0);
  if (lost > 0) context.problem(`${where}: ${lost} queries lost`);
  if (failed > 0) context.problem(`${where}: ${failed} answers were not NOERROR`);
  if (wrong.length > 0) context.problem(`${where}: ${wrong.length} wrong answers, e.g. ${wrong[0]}`);
  return { sent: sum((report) => report.sent), completed, lost, wrong: wrong.length, rcodes };
}
