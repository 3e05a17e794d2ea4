/**
 * Is the harness right? A few thousand questions of each kind to each server with a short list: each is answered, each
 * answer is counted under the right rcode, none is lost, and what was looked into is correct. Never a time.
 */
import { measure, type Expectation } from '../measure.ts';
import type { Row } from '../results.ts';
import type { RunningServer } from '../server.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { QUERY_KINDS, type QueryKind } from './query-cases.ts';

const OUTSTANDING = 20;
const SECONDS_MAX = 60;
const NEEDED_SAMPLES = 1;
const LIST_NAMES = 2_000;

async function check(context: CaseContext, server: RunningServer, kind: QueryKind, edns: boolean): Promise<Row> {
  const expectation: () => Expectation = kind.expectation(context);
  const { file, count } = kind.smallQueries(context);
  const load = { port: server.port, queryFile: file, seconds: SECONDS_MAX, outstanding: OUTSTANDING, edns };
  const { report, sampled, wrong } = await measure(
    server,
    { ...load, passesMax: 1, cores: context.cores.client },
    expectation,
  );
  const where = `smoke, ${kind.name}, ${server.name}`;
  const noerror = report.rcodes['NOERROR'] ?? 0;
  const counted = Object.values(report.rcodes).reduce((sum, each) => sum + each, 0);
  if (report.sent !== count) context.problem(`${where}: ${report.sent} of ${count} queries sent`);
  if (report.completed !== count) context.problem(`${where}: ${report.completed} of ${count} queries answered`);
  if (report.lost !== 0) context.problem(`${where}: ${report.lost} queries lost`);
  if (counted !== count) context.problem(`${where}: ${counted} of ${count} answers counted by rcode`);
  if (noerror !== count) context.problem(`${where}: ${noerror} of ${count} answers were NOERROR`);
  if (!server.isEcho && sampled < NEEDED_SAMPLES) context.problem(`${where}: no answer was looked into`);
  if (wrong.length > 0) context.problem(`${where}: ${wrong.length} wrong answers, e.g. ${wrong[0]}`);
  return {
    case: 'smoke',
    server: server.name,
    parameters: { kind: kind.name, edns },
    values: { sent: report.sent, lost: report.lost, sampled, wrong: wrong.length },
    rcodes: report.rcodes,
  };
}

export const smoke: BenchCase = {
  name: 'smoke',
  title: 'answers counted, none lost, none wrong; no times',
  onlyByName: true,
  listNames: LIST_NAMES,
  run: async (context) => {
    const rows: Row[] = [];
    for (const server of await context.fleet()) {
      for (const kind of QUERY_KINDS) {
        if (server.isEcho && !kind.withEcho) continue;
        for (const edns of context.options.edns) rows.push(await check(context, server, kind, edns));
      }
    }
    return rows;
  },
};
