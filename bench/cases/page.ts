/**
 * Readers of the warning page beside DNS at full load: 2,000 views a second, each from an address of its own, while dnsperf
 * keeps 500 queries outstanding. Whether a query is lost, what the readers take from the resolver, and what a view costs
 * alone. Once with everything of Weir on one processor, which is the hard case, once as the system likes.
 */
import { join } from 'node:path';
import { runLoad, type Load, type LoadReport } from '../dnsperf.ts';
import { writePlain } from '../list-files.ts';
import { type PageLoad, type PageReport, runPageLoad } from '../page-load.ts';
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

interface Figures {
  readonly beside: string;
  readonly views?: PageReport;
  readonly queries?: LoadReport;
  readonly viewCpuUs?: number;
}

async function measureOn(server: WeirServer, pages: PageLoad, queries: Load): Promise<Figures[]> {
  await runPageLoad({ ...pages, seconds: WARM_SECONDS });
  await runLoad({ ...queries, seconds: WARM_SECONDS });

  const before = cpuMicroseconds(server.pids);
  const viewsAlone = await runPageLoad(pages);
  const viewCpuUs = (cpuMicroseconds(server.pids) - before) / viewsAlone.views;
  const queriesAlone = await runLoad(queries);
  const [views, together] = await Promise.all([runPageLoad(pages), runLoad(queries)]);
  return [
    { beside: 'views alone', views: viewsAlone, viewCpuUs },
    { beside: 'queries alone', queries: queriesAlone },
    { beside: 'both', views, queries: together },
  ];
}

function rowOf(context: CaseContext, where: string, { beside, views, queries, viewCpuUs }: Figures): Row {
  const { lost = 0 } = queries ?? {};
  if (lost > 0) context.problem(`page, ${where}, ${beside}: ${lost} queries lost`);
  return {
    case: 'page',
    server: 'weir',
    parameters: { load: beside, names: context.list.count, processors: where },
    values: {
      ...(viewCpuUs === undefined ? {} : { viewCpuUs }),
      ...(views === undefined
        ? {}
        : {
            viewsPerSecond: views.viewsPerSecond,
            viewsFailed: views.failed,
            viewP50Us: views.p50Us,
            viewP99Us: views.p99Us,
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
    for (const [where, serverCores] of [
      ['one', cores.server],
      ['any', cores.all],
    ] as const) {
      const folder = serverFolder(context.folder, `page-${where}`);
      const listFile = join(folder, 'list.txt');
      const queryFile = join(folder, 'queries.txt');
      writePlain(listFile, list);
      writeBlocked(queryFile, list, QUERIES);
      const server = await startWeirServer(context, {
        folder,
        list,
        listFiles: [listFile],
        threads: 1,
        cores: serverCores,
      });
      const { seconds } = options;
      const found = await measureOn(
        server,
        {
          port: server.pagePort,
          nameAt: (index) => `www.${list.nameAt(index % list.count)}`,
          seconds,
          viewsPerSecond: VIEWS_PER_SECOND,
        },
        { port: server.port, queryFile, seconds, outstanding: OUTSTANDING, edns: true, cores: cores.client },
      );
      await server.program.stop();
      rows.push(...found.map((figures) => rowOf(context, where, figures)));
    }
    return rows;
  },
};
