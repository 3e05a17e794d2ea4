/** The same names in one list and in ten: a lookup must not cost more. */
import { join } from 'node:path';
import type { ListData } from '../list-data.ts';
import { writePlain } from '../list-files.ts';
import { writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { measureBlocked, startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const COUNTS = [1, 10];
const QUERIES = 50_000;
const OUTSTANDING = 100;

/** Every `count`-th name, from `first` on. */
function share(list: ListData, first: number, count: number): ListData {
  return {
    count: Math.ceil((list.count - first) / count),
    origin: list.origin,
    nameAt: (index) => list.nameAt(index * count + first),
  };
}

async function startWith(context: CaseContext, lists: number): Promise<WeirServer> {
  const folder = serverFolder(context.folder, `lists-${lists}`);
  const listFiles = Array.from({ length: lists }, (_, index) => {
    const file = join(folder, `list-${index}.txt`);
    writePlain(file, share(context.list, index, lists));
    return file;
  });
  return startWeirServer(context, { folder, list: context.list, listFiles, threads: 1, cores: context.cores.server });
}

export const severalLists: BenchCase = {
  name: 'lists',
  title: 'the names in one list, and in ten; questions for listed names',
  run: async (context) => {
    const servers = new Map<number, WeirServer>();
    for (const count of COUNTS) servers.set(count, await startWith(context, count));
    const queryFile = join(context.folder, 'lists-queries.txt');
    writeBlocked(queryFile, context.list, QUERIES);
    const cpuUs = new Map<number, number[]>(COUNTS.map((count) => [count, []]));
    const load = { queryFile, outstanding: OUTSTANDING, clientCores: context.cores.client };
    for (let round = 0; round < context.options.rounds; round++) {
      for (const [count, server] of servers) {
        cpuUs.get(count)!.push((await measureBlocked(context, server, context.list, load)).cpuUs);
      }
    }
    const rows: Row[] = [];
    for (const [count, server] of servers) {
      await server.program.stop();
      const { readyMs, residentBytes, peakBytes } = server;
      rows.push({
        case: 'lists',
        server: 'weir',
        parameters: { names: context.list.count, lists: count },
        values: { cpuUs: median(cpuUs.get(count)!), readyMs, residentBytes, peakBytes },
      });
    }
    return rows;
  },
};
