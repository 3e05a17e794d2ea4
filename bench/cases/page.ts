/**
 * Readers of the warning page beside DNS at full load: 2,000 views a second, each from an address of its own, while dnsperf
 * keeps 500 queries outstanding. Whether a query is lost, what the readers take from the resolver, and what a view costs
 * alone. Once with everything of Weir on one processor, which is the hard case, once as the system likes.
 */
import { join } from 'node:path';
import { runLoad, type Load, type LoadReport } from '../dnsperf.ts';
import { writeHosts, writePlain } from '../list-files.ts';
import { compilePageViews, type PageLoad, type PageReport, runPageLoad } from '../page-load.ts';
import { cpuMicroseconds } from '../process-usage.ts';
import { writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder } from '../server.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const VIEWS_PER_SECOND = 2_000;
const WARM_SECONDS = 2;
const QUERIES = 50_000;
const OUTSTANDING = 500;
const LIST_NAMES = 100_000;

/** A burst of readers, each of whom opens one page; and those who look at several by one connection. */
const VIEWS_PER_CONNECTION = [1, 10];

interface Figures {
  readonly beside: string;
  readonly viewsPerConnection?: number;
  readonly views?: PageReport;
  readonly queries?: LoadReport;
  readonly viewCpuUs?: number;
}

async function measureOn(server: WeirServer, pages: readonly PageLoad[], queries: Load): Promise<Figures[]> {
  const figures: Figures[] = [];
  await runLoad({ ...queries, seconds: WARM_SECONDS });
  figures.push({ beside: 'queries alone', queries: await runLoad(queries) });
  for (const load of pages) {
    const { viewsPerConnection } = load;
    await runPageLoad({ ...load, seconds: WARM_SECONDS });
    const before = cpuMicroseconds(server.pids);
    const alone = await runPageLoad(load);
    const viewCpuUs = (cpuMicroseconds(server.pids) - before) / alone.views;
    figures.push({ beside: 'views alone', viewsPerConnection, views: alone, viewCpuUs });
    const [views, together] = await Promise.all([runPageLoad(load), runLoad(queries)]);
    figures.push({ beside: 'both', viewsPerConnection, views, queries: together });
  }
  return figures;
}

function rowOf(context: CaseContext, where: string, figures: Figures): Row {
  const { beside, viewsPerConnection, views, queries, viewCpuUs } = figures;
  const { lost = 0 } = queries ?? {};
  if (lost > 0) context.problem(`page, ${where}, ${beside}: ${lost} queries lost`);
  return {
    case: 'page',
    server: 'weir',
    parameters: {
      load: beside,
      names: context.list.count,
      processors: where,
      ...(viewsPerConnection === undefined ? {} : { viewsPerConnection }),
    },
    values: {
      ...(viewCpuUs === undefined ? {} : { viewCpuUs }),
      ...(views === undefined
        ? {}
        : {
            viewsPerSecond: views.viewsPerSecond,
            viewsFailed: views.failed,
            viewP50Us: views.p50Us,
            viewP99Us: views.p99Us,
            readerCpuUs: views.readerCpuUs,
          }),
      ...(queries === undefined
        ? {}
        : { queriesPerSecond: queries.queriesPerSecond, latencyMeanUs: queries.latencyMeanUs, lost }),
    },
    ...(queries === undefined ? {} : { rcodes: queries.rcodes }),
  };
}

export const page: BenchCase = {
  name: 'page',
  title: `${VIEWS_PER_SECOND} views of the warning page a second beside questions at full load`,
  listNames: LIST_NAMES,
  run: async (context) => {
    const { list, cores, options } = context;
    const rows: Row[] = [];
    const program = compilePageViews(context.folder);
    for (const [where, serverCores] of [
      ['one', cores.server],
      ['any', cores.all],
    ] as const) {
      const folder = serverFolder(context.folder, `page-${where}`);
      const listFile = join(folder, 'list.txt');
      const queryFile = join(folder, 'queries.txt');
      const namesFile = join(folder, 'names.txt');
      writePlain(listFile, list);
      writeBlocked(queryFile, list, QUERIES);
      writeHosts(namesFile, list);
      const server = await startWeirServer(context, {
        folder,
        list,
        listFiles: [listFile],
        threads: 1,
        cores: serverCores,
      });
      const { seconds } = options;
      const { client } = cores;
      const load = { program, port: server.pagePort, namesFile, seconds, viewsPerSecond: VIEWS_PER_SECOND };
      const found = await measureOn(
        server,
        VIEWS_PER_CONNECTION.map((viewsPerConnection) => ({ ...load, viewsPerConnection, cores: client })),
        { port: server.port, queryFile, seconds, outstanding: OUTSTANDING, edns: true, cores: client },
      );
      await server.program.stop();
      rows.push(...found.map((figures) => rowOf(context, where, figures)));
    }
    return rows;
  },
};
