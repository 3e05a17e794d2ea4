/** One Weir for the cases that look at Weir alone: with given list files, threads and processor, and its metrics. */
import { SINKHOLE_ADDRESS } from './list-files.ts';
import type { ListData } from './list-data.ts';
import { runLoad } from './dnsperf.ts';
import { measure, type Measurement } from './measure.ts';
import { weir, weirWithLists, type OwnConfig } from './peers/weir.ts';
import { benchPort } from './ports.ts';
import { blockedName, seededRandom } from './query-files.ts';
import { startServer, type RunningServer } from './server.ts';
import type { CaseContext } from './cases/case.ts';

const WARM_SECONDS = 2;
const CLIENTS = 64;

export interface WeirServer extends RunningServer {
  readonly adminUrl: string;
  /** Of the warning page. */
  readonly pagePort: number;
  /** The sum of a metric's samples. */
  metric(name: string): Promise<number>;
}

export interface WeirOptions {
  readonly folder: string;
  readonly list: ListData;
  readonly listFiles: readonly string[];
  readonly threads: number;
  readonly cores: string;
  readonly own?: OwnConfig;
}

export async function startWeirServer(context: CaseContext, options: WeirOptions): Promise<WeirServer> {
  const port = await benchPort();
  const { folder, list, listFiles, threads, cores } = options;
  const launch = await weirWithLists(
    { folder, port, upstreamPort: context.upstreamPort, threads },
    listFiles,
    options.own,
  );
  const server = await startServer({ peer: weir, launch, port, cores, list });
  return {
    ...server,
    adminUrl: launch.adminUrl,
    pagePort: launch.pagePort,
    metric: async (name) => {
      const text = await (await fetch(`${launch.adminUrl}/metrics`)).text();
      return text
        .split('\n')
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
  };
}

export interface BlockedLoad {
  readonly queryFile: string;
  readonly outstanding: number;
  readonly clientCores: string;
}

/** A measured run of questions for listed names, after one that does not count. Lost queries and wrong answers are problems. */
export async function measureBlocked(
  context: CaseContext,
  server: RunningServer,
  list: ListData,
  { queryFile, outstanding, clientCores }: BlockedLoad,
): Promise<Measurement> {
  const random = seededRandom(5);
  const { seconds } = context.options;
  const load = { port: server.port, queryFile, outstanding, edns: true, clients: CLIENTS, cores: clientCores };
  await runLoad({ ...load, seconds: WARM_SECONDS });
  const measurement = await measure(server, { ...load, seconds }, () => ({
    name: blockedName(list, random),
    address: SINKHOLE_ADDRESS,
  }));
  if (measurement.report.lost > 0) context.problem(`${server.name}: ${measurement.report.lost} queries lost`);
  if (measurement.wrong.length > 0) context.problem(`${server.name}: ${measurement.wrong[0]}`);
  return measurement;
}
