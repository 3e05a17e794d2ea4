/**
 * Weir with one and two resolver threads, on any processor: what a second one brings beside the client and its load. Once
 * as they are, where two processors are too few for server and client, and once with a part of a processor for each
 * resolver thread, which leaves the client enough: there the answers should double.
 */
import { join } from 'node:path';
import { writePlain } from '../list-files.ts';
import { writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { median } from '../statistics.ts';
import { measureBlocked, startWeirServer, type WeirServer } from '../weir-server.ts';
import { canLimitThreads, limitThreads, threadsNamed, type Quotas } from '../thread-quota.ts';
import type { BenchCase, CaseContext } from './case.ts';

const COUNTS = [1, 2];
const QUERIES = 50_000;
const OUTSTANDING = 200;
/** Of a processor, for each resolver thread. */
const SHARES = [1, 0.25];

interface Load {
  readonly listFile: string;
  readonly queryFile: string;
  readonly folder: string;
}

async function withShare(context: CaseContext, { listFile, queryFile, folder }: Load, share: number): Promise<Row[]> {
  const servers = new Map<number, WeirServer>();
  const quotas: Quotas[] = [];
  for (const count of COUNTS) {
    const own = serverFolder(folder, `${count}-${share}`);
    const options = {
      folder: own,
      list: context.list,
      listFiles: [listFile],
      threads: count,
      cores: context.cores.all,
    };
    const server = await startWeirServer(context, options);
    servers.set(count, server);
    if (share < 1) quotas.push(limited(server, count, share));
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
        sharePercent: share * 100,
      },
      values: { cpuUs: median(cpuUs), queriesPerSecond: median(queriesPerSecond) },
    });
  }
  for (const quota of quotas) quota.remove();
  return rows;
}

function limited(server: WeirServer, count: number, share: number): Quotas {
  const found = server.pids.map((pid) => ({ pid, threads: threadsNamed(pid, 'resolver-') }));
  const { pid, threads: ids } = found.find((one) => one.threads.length > 0) ?? { pid: 0, threads: [] };
  if (ids.length !== count) throw new Error(`${ids.length} resolver threads instead of ${count}`);
  return limitThreads(pid, ids, share);
}

export const threads: BenchCase = {
  name: 'threads',
  title: 'one and two resolver threads, nobody pinned; questions for listed names',
  run: async (context) => {
    const folder = serverFolder(context.folder, 'threads');
    const listFile = join(folder, 'list.txt');
    const queryFile = join(folder, 'queries.txt');
    writePlain(listFile, context.list);
    writeBlocked(queryFile, context.list, QUERIES);
    const rows: Row[] = [];
    const shares = canLimitThreads() ? SHARES : [1];
    if (shares !== SHARES) context.say('threads: a part of a processor for each thread takes root; left out');
    for (const share of shares) rows.push(...(await withShare(context, { listFile, queryFile, folder }, share)));
    return rows;
  },
};
