/** Weir with one and two resolver threads, on any processor: what a second one brings beside the client and its load. */
import { join } from 'node:path';
import { writePlain } from '../list-files.ts';
import { writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { measureBlocked, startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase } from './case.ts';

const COUNTS = [1, 2];
const QUERIES = 50_000;
const OUTSTANDING = 200;

export const threads: BenchCase = {
  name: 'threads',
  title: 'one and two resolver threads, nobody pinned; questions for listed names',
  run: async (context) => {
    const folder = serverFolder(context.folder, 'threads');
    const listFile = join(folder, 'list.txt');
    const queryFile = join(folder, 'queries.txt');
    writePlain(listFile, context.list);
    writeBlocked(queryFile, context.list, QUERIES);
    const servers = new Map<number, WeirServer>();
    for (const count of COUNTS) {
      const own = serverFolder(folder, String(count));
      const options = {
        folder: own,
        list: context.list,
        listFiles: [listFile],
        threads: count,
        cores: context.cores.all,
      };
      servers.set(count, await startWeirServer(context, options));
    }
    const found = new Map(COUNTS.map((count) => [count, { cpuUs: [] as number[], queriesPerSecond: [] as number[] }]));
    const load = { queryFile, outstanding: OUTSTANDING, clientCores: context.cores.all };
    for (let round = 0; round < context.options.rounds; round++) {
      for (const [count, server] of servers) {
        const { cpuUs, report } = await measureBlocked(context, server, context.list, load);
        found.get(count)!.cpuUs.push(cpuUs);
        found.get(count)!.queriesPerSecond.push(report.queriesPerSecond);
      }
    }
    const rows: Row[] = [];
    for (const [count, server] of servers) {
      await server.program.stop();
      const { cpuUs, queriesPerSecond } = found.get(count)!;
      rows.push({
        case: 'threads',
        server: 'weir',
        parameters: {
          names: context.list.count,
          threads: count,
          processors: context.cores.all.split(',').length,
        },
        values: { cpuUs: median(cpuUs), queriesPerSecond: median(queriesPerSecond) },
      });
    }
    return rows;
  },
};
