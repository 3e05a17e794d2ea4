/** Weir with lists of different sizes: the index for each name, memory, start from text and from the last good copy. */
import { join } from 'node:path';
import { listData } from '../list-data.ts';
import { writePlain } from '../list-files.ts';
import { writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { measureBlocked, startWeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const SIZES = [300_000, 1_000_000];
const HUGE = 10_000_000;
const QUERIES = 50_000;
const OUTSTANDING = 100;

async function oneSize(context: CaseContext, names: number): Promise<Row> {
  const folder = serverFolder(context.folder, `sizes-${names}`);
  const list = await listData(names);
  const listFile = join(folder, 'list.txt');
  const queryFile = join(folder, 'queries.txt');
  writePlain(listFile, list);
  writeBlocked(queryFile, list, QUERIES);
  const options = { folder, list, listFiles: [listFile], threads: 1, cores: context.cores.server };
  const first = await startWeirServer(context, options);
  const indexBytes = await first.metric('weir_index_bytes');
  const { cpuUs, report } = await measureBlocked(context, first, list, {
    queryFile,
    outstanding: OUTSTANDING,
    clientCores: context.cores.client,
  });
  await first.program.stop();
  const second = await startWeirServer(context, options);
  await second.program.stop();
  return {
    case: 'sizes',
    server: 'weir',
    parameters: { names, origin: list.origin },
    values: {
      cpuUs,
      queriesPerSecond: report.queriesPerSecond,
      readyMs: first.readyMs,
      readyAgainMs: second.readyMs,
      residentBytes: first.residentBytes,
      peakBytes: first.peakBytes,
      indexBytesPerName: indexBytes / names,
    },
  };
}

export const sizes: BenchCase = {
  name: 'sizes',
  title: 'lists of 300,000 and 1,000,000 names (10,000,000 with --huge), questions for listed names',
  run: async (context) => {
    const rows: Row[] = [];
    for (const names of context.options.huge ? [...SIZES, HUGE] : SIZES) rows.push(await oneSize(context, names));
    return rows;
  },
};
