/**
 * The cases that compare servers under load: for every number of outstanding queries, with and without EDNS, some rounds
 * in which each server has its turn, so that what the machine does meanwhile meets them all; medians of the rounds.
 */
import { join } from 'node:path';
import { runLoad, runLoadForLatency, type LatencyReport, type Load } from '../dnsperf.ts';
import { measure, type Measurement } from '../measure.ts';
import type { Row } from '../results.ts';
import type { RunningServer } from '../server.ts';
import { median } from '../statistics.ts';
import type { BenchCase, CaseContext } from './case.ts';
import type { QueryKind } from './query-cases.ts';

const WARM_OUTSTANDING = 50;

export function loadCase(kind: QueryKind): BenchCase {
  return { name: kind.name, title: kind.title, run: (context) => runLoadCase(kind, context) };
}

interface Cell {
  readonly server: RunningServer;
  readonly outstanding: number;
  readonly edns: boolean;
  readonly measurements: Measurement[];
  latency?: LatencyReport;
}

async function runLoadCase(kind: QueryKind, context: CaseContext): Promise<Row[]> {
  const servers = (await context.fleet()).filter((server) => kind.withEcho || !server.isEcho);
  const rows: Row[] = [];
  for (const edns of context.options.edns) {
    for (const outstanding of context.options.outstanding) {
      context.say(`${kind.name}: ${outstanding} outstanding, ${edns ? 'with' : 'without'} EDNS`);
      const cells = servers.map((server): Cell => ({ server, outstanding, edns, measurements: [] }));
      // A round that does not count: code is compiled, memory is touched.
      for (const cell of cells) await oneRun(kind, context, cell);
      for (let round = 0; round < context.options.rounds; round++) {
        for (const cell of cells) cell.measurements.push(await oneRun(kind, context, cell));
      }
      if (context.options.withLatency) {
        for (const cell of cells) cell.latency = await latencyRun(kind, context, cell);
      }
      rows.push(...cells.map((cell) => rowOf(kind.name, context, cell)));
    }
  }
  return rows;
}

function loadOf(kind: QueryKind, context: CaseContext, cell: Cell): Load {
  const { file, once } = kind.queries(context);
  return {
    port: cell.server.port,
    queryFile: file,
    seconds: context.options.seconds,
    outstanding: cell.outstanding,
    edns: cell.edns,
    cores: context.cores.client,
    ...(once ? { passesMax: 1 } : {}),
  };
}

async function warmUp(kind: QueryKind, context: CaseContext, cell: Cell): Promise<void> {
  if (!kind.isWarmed || cell.server.isEcho) return;
  // Why a minute: it ends with the file; a slow server needs longer than a measured run.
  await runLoad({ ...loadOf(kind, context, cell), outstanding: WARM_OUTSTANDING, seconds: 60, passesMax: 1 });
}

async function oneRun(kind: QueryKind, context: CaseContext, cell: Cell): Promise<Measurement> {
  await warmUp(kind, context, cell);
  return measure(cell.server, loadOf(kind, context, cell), kind.expectation(context));
}

async function latencyRun(kind: QueryKind, context: CaseContext, cell: Cell): Promise<LatencyReport> {
  await warmUp(kind, context, cell);
  return runLoadForLatency(loadOf(kind, context, cell), join(context.folder, 'answers.txt'));
}

function rowOf(name: string, context: CaseContext, cell: Cell): Row {
  const { server, measurements, latency, outstanding, edns } = cell;
  const of = (value: (each: Measurement) => number): number[] => measurements.map(value);
  const sum = (value: (each: Measurement) => number): number => of(value).reduce((total, each) => total + each, 0);
  const rcodes: Record<string, number> = {};
  for (const { report } of measurements) {
    for (const [rcode, count] of Object.entries(report.rcodes)) rcodes[rcode] = (rcodes[rcode] ?? 0) + count;
  }
  const where = `${name}, ${server.name}, ${outstanding} outstanding`;
  const lost = sum((each) => each.report.lost);
  const wrong = measurements.flatMap((each) => each.wrong);
  const failed = sum((each) => each.report.completed) - (rcodes['NOERROR'] ?? 0);
  if (lost > 0) context.problem(`${where}: ${lost} queries lost`);
  if (failed > 0) context.problem(`${where}: ${failed} answers were not NOERROR`);
  if (wrong.length > 0) context.problem(`${where}: ${wrong.length} wrong answers, e.g. ${wrong[0]}`);
  return {
    case: name,
    server: server.name,
    parameters: { names: context.list.count, outstanding, edns },
    values: {
      cpuUs: median(of((each) => each.cpuUs)),
      cpuUsMin: Math.min(...of((each) => each.cpuUs)),
      cpuUsMax: Math.max(...of((each) => each.cpuUs)),
      queriesPerSecond: median(of((each) => each.report.queriesPerSecond)),
      latencyMeanUs: median(of((each) => each.report.latencyMeanUs)),
      ...latency,
      sent: sum((each) => each.report.sent),
      completed: sum((each) => each.report.completed),
      lost,
      sampled: sum((each) => each.sampled),
      wrong: wrong.length,
    },
    rcodes,
  };
}
