/**
 * The cases that compare servers under load: for every number of outstanding queries, with and without EDNS, some rounds
 * in which each server has its turn, so that what the machine does meanwhile meets them all; medians of the rounds.
 */
import { join } from 'node:path';
import { runLoadForLatency, type LatencyRun } from '../dnsperf.ts';
import type { Measurement } from '../measure.ts';
import type { Row } from '../results.ts';
import { median } from '../statistics.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { loadOf, measureInTurns, type MeasuredRun, totalsOf, warmUp } from './kind-run.ts';
import type { QueryKind } from './query-cases.ts';

export function loadCase(kind: QueryKind): BenchCase {
  return { name: kind.name, title: kind.title, run: (context) => runLoadCase(kind, context) };
}

interface Cell extends MeasuredRun {
  latency?: LatencyRun;
}

async function runLoadCase(kind: QueryKind, context: CaseContext): Promise<Row[]> {
  const servers = (await context.fleet()).filter((server) => kind.withEcho || !server.isEcho);
  const rows: Row[] = [];
  for (const edns of context.options.edns) {
    for (const outstanding of context.options.outstanding) {
      context.say(`${kind.name}: ${outstanding} outstanding, ${edns ? 'with' : 'without'} EDNS`);
      const cells = servers.map((server): Cell => ({ kind, server, outstanding, edns, measurements: [] }));
      await measureInTurns(context, cells);
      if (context.options.withLatency) {
        for (const cell of cells) cell.latency = await latencyRun(context, cell);
      }
      rows.push(...cells.map((cell) => rowOf(context, cell)));
    }
  }
  return rows;
}

async function latencyRun(context: CaseContext, cell: Cell): Promise<LatencyRun> {
  await warmUp(context, cell);
  return runLoadForLatency(loadOf(context, cell), join(context.folder, 'answers.txt'));
}

function rowOf(context: CaseContext, cell: Cell): Row {
  const { kind, server, measurements, latency, outstanding, edns } = cell;
  const of = (value: (each: Measurement) => number): number[] => measurements.map(value);
  const where = `${kind.name}, ${server.name}, ${outstanding} outstanding`;
  const { sent, completed, lost, wrong, rcodes } = totalsOf(
    context,
    where,
    measurements,
    latency === undefined ? [] : [latency.report],
  );
  return {
    case: kind.name,
    server: server.name,
    parameters: { names: context.list.count, outstanding, edns },
    values: {
      cpuUs: median(of((each) => each.cpuUs)),
      cpuUsMin: Math.min(...of((each) => each.cpuUs)),
      cpuUsMax: Math.max(...of((each) => each.cpuUs)),
      queriesPerSecond: median(of((each) => each.report.queriesPerSecond)),
      latencyMeanUs: median(of((each) => each.report.latencyMeanUs)),
      ...latency?.percentiles,
      sent,
      completed,
      lost,
      sampled: of((each) => each.sampled).reduce((total, each) => total + each, 0),
      wrong,
    },
    rcodes,
  };
}
