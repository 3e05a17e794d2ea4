/**
 * What the number of source ports to an upstream costs: forwarded questions to Weirs that differ in it alone, in turns. Each
 * turn of the event loop draws one port, so what leaves together leaves in one system call whatever their number; what
 * comes back of several turns lies in as many sockets, and is fetched from each. More ports make a spoofed answer less likely.
 */
import { join } from 'node:path';
import { writePlain } from '../list-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { measureInTurns, type MeasuredRun, totalsOf } from './kind-run.ts';
import { forwarded } from './query-cases.ts';

/** 16 is what ships. */
const COUNTS = [1, 4, 16, 64];
const OUTSTANDING = [100, 500];
const LIST_NAMES = 100_000;

interface Cell extends MeasuredRun {
  readonly sourcePorts: number;
}

async function startWith(context: CaseContext, sourcePorts: number): Promise<WeirServer> {
  const folder = serverFolder(context.folder, `ports-${sourcePorts}`);
  const listFile = join(folder, 'list.txt');
  writePlain(listFile, context.list);
  const { list, cores } = context;
  const own = { keys: { upstreamQueries: { sourcePorts } } };
  return startWeirServer(context, { folder, list, listFiles: [listFile], threads: 1, cores: cores.server, own });
}

function rowOf(context: CaseContext, { sourcePorts, outstanding, measurements }: Cell): Row {
  const where = `ports, ${sourcePorts} ports, ${outstanding} outstanding`;
  const { sent, lost, rcodes } = totalsOf(context, where, measurements);
  return {
    case: 'ports',
    server: 'weir',
    parameters: { sourcePorts, outstanding },
    values: {
      cpuUs: median(measurements.map(({ cpuUs }) => cpuUs)),
      queriesPerSecond: median(measurements.map(({ report }) => report.queriesPerSecond)),
      latencyMeanUs: median(measurements.map(({ report }) => report.latencyMeanUs)),
      sent,
      lost,
    },
    rcodes,
  };
}

export const sourcePorts: BenchCase = {
  name: 'ports',
  title: `forwarded questions with ${COUNTS.join(', ')} source ports to the upstream`,
  listNames: LIST_NAMES,
  run: async (context) => {
    const servers = new Map<number, WeirServer>();
    try {
      for (const count of COUNTS) servers.set(count, await startWith(context, count));
      const cells = OUTSTANDING.flatMap((outstanding) =>
        [...servers].map(([count, server]): Cell => {
          return { kind: forwarded, server, outstanding, edns: true, sourcePorts: count, measurements: [] };
        }),
      );
      await measureInTurns(context, cells);
      return cells.map((cell) => rowOf(context, cell));
    } finally {
      for (const server of servers.values()) await server.program.stop();
    }
  },
};
