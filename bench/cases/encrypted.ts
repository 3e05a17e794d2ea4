/**
 * Questions for listed names over TLS and over HTTPS, Weir beside dnsdist: the same list, certificate and connections, each
 * server on one processor, in turns.
 */
import { join } from 'node:path';
import { runLoad, type Load, type LoadReport } from '../dnsperf.ts';
import { runHttpsLoad, writeUris } from '../h2load.ts';
import { findProgram } from '../machine.ts';
import { SINKHOLE_ADDRESS, writePlain } from '../list-files.ts';
import { measure, measureRun, type Measurement } from '../measure.ts';
import { dnsdist, encryptedListeners, prepareDnsdist } from '../peers/dnsdist.ts';
import { benchPort } from '../ports.ts';
import { blockedName, seededRandom, writeBlocked } from '../query-files.ts';
import type { Row } from '../results.ts';
import { serverFolder, startServer, type RunningServer } from '../server.ts';
import { median } from '../statistics.ts';
import { startWeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';

const LIST_NAMES = 100_000;
const QUERIES = 50_000;
const WARM_SECONDS = 2;
const CERTIFICATE = new URL('../../test/fixtures/tls/server.pem', import.meta.url).pathname;
const KEY = new URL('../../test/fixtures/tls/server-key.pem', import.meta.url).pathname;
const CONNECTIONS = 10;
const OUTSTANDING = 100;
const WARM_REQUESTS = 20_000;
/** What a shorter run over HTTPS measures is little but its start. */
const RUN_SECONDS_MIN = 1;
type Mode = 'dot' | 'doh';

interface Server {
  readonly running: RunningServer;
  readonly ports: Readonly<Record<Mode, number>>;
}

async function weirServer(context: CaseContext): Promise<Server> {
  const folder = serverFolder(context.folder, 'encrypted-weir');
  const listFile = join(folder, 'list.txt');
  writePlain(listFile, context.list);
  const ports = { dot: await benchPort(), doh: await benchPort() };
  const listen = { dot: [`127.0.0.1:${ports.dot}`], doh: [`127.0.0.1:${ports.doh}`] };
  const own = { listen, keys: { tls: { certificate: CERTIFICATE, key: KEY } } };
  const { list, cores } = context;
  const options = { folder, list, listFiles: [listFile], threads: 1, cores: cores.server, own };
  return { running: await startWeirServer(context, options), ports };
}

async function dnsdistServer(context: CaseContext): Promise<Server> {
  const folder = serverFolder(context.folder, 'encrypted-dnsdist');
  const ports = { dot: await benchPort(), doh: await benchPort() };
  const port = await benchPort();
  const { list, upstreamPort, cores } = context;
  const setup = { folder, port, upstreamPort, list, threads: 1 };
  const launch = prepareDnsdist(setup, encryptedListeners(ports.dot, ports.doh, CERTIFICATE, KEY));
  return { running: await startServer({ peer: dnsdist, launch, port, cores: cores.server, list }), ports };
}

export const encrypted: BenchCase = {
  name: 'encrypted',
  title: 'questions for listed names over TLS and HTTPS, beside dnsdist',
  listNames: LIST_NAMES,
  run: async (context) => {
    const queryFile = join(serverFolder(context.folder, 'encrypted'), 'queries.txt');
    writeBlocked(queryFile, context.list, QUERIES);
    const servers = [await weirServer(context)];
    if (context.peers.includes(dnsdist)) servers.push(await dnsdistServer(context));
    const rows: Row[] = [];
    try {
      rows.push(...(await overTls(context, servers, queryFile)));
      if (findProgram('h2load') === undefined) context.say('encrypted: h2load is not installed; HTTPS is left out');
      else rows.push(...(await overHttps(context, servers, queryFile)));
    } finally {
      for (const { running } of servers) await running.program.stop();
    }
    return rows;
  },
};

type Run = (server: Server) => Promise<Measurement>;

function expectationOf({ list }: CaseContext): () => { name: string; address: string } {
  const random = seededRandom(7);
  return () => ({ name: blockedName(list, random), address: SINKHOLE_ADDRESS });
}

async function overTls(context: CaseContext, servers: readonly Server[], queryFile: string): Promise<Row[]> {
  const { options, cores } = context;
  const common = { queryFile, outstanding: OUTSTANDING, clients: CONNECTIONS, edns: true, mode: 'dot' } as const;
  const loadOf = ({ ports }: Server, seconds: number): Load => {
    return { ...common, port: ports.dot, seconds, cores: cores.client };
  };
  for (const server of servers) await runLoad(loadOf(server, WARM_SECONDS));
  const expectation = expectationOf(context);
  return inTurns(context, servers, 'dot', (server) =>
    measure(server.running, loadOf(server, options.seconds), expectation),
  );
}

async function overHttps(context: CaseContext, servers: readonly Server[], queryFile: string): Promise<Row[]> {
  const { options, cores } = context;
  const load = { connections: CONNECTIONS, streams: OUTSTANDING / CONNECTIONS, cores: cores.client };
  const runs = new Map<Server, () => Promise<LoadReport>>();
  for (const server of servers) {
    const uriFile = join(serverFolder(context.folder, 'encrypted'), `${server.running.name}.uris`);
    const port = server.ports.doh;
    writeUris(uriFile, queryFile, port);
    const warm = await runHttpsLoad({ ...load, port, uriFile, requests: WARM_REQUESTS });
    const seconds = Math.max(RUN_SECONDS_MIN, options.seconds);
    const requests = Math.ceil(warm.queriesPerSecond * seconds);
    runs.set(server, () => runHttpsLoad({ ...load, port, uriFile, requests }));
  }
  const expectation = expectationOf(context);
  return inTurns(context, servers, 'doh', (server) => measureRun(server.running, runs.get(server)!, true, expectation));
}

async function inTurns(context: CaseContext, servers: readonly Server[], mode: Mode, run: Run): Promise<Row[]> {
  const measured = new Map<Server, Measurement[]>(servers.map((server) => [server, []]));
  for (let round = 0; round < context.options.rounds; round++) {
    for (const [server, all] of measured) all.push(await run(server));
  }
  return [...measured].map(([{ running }, all]) => {
    const lost = all.reduce((sum, { report }) => sum + report.lost, 0);
    if (lost > 0) context.problem(`encrypted, ${running.name}, ${mode}: ${lost} queries lost`);
    const wrong = all.flatMap((one) => one.wrong);
    if (wrong.length > 0) context.problem(`encrypted, ${running.name}, ${mode}: ${wrong[0]}`);
    return {
      case: 'encrypted',
      server: running.name,
      parameters: { transport: mode, connections: CONNECTIONS, outstanding: OUTSTANDING },
      values: {
        cpuUs: median(all.map(({ cpuUs }) => cpuUs)),
        queriesPerSecond: median(all.map(({ report }) => report.queriesPerSecond)),
        latencyMeanUs: median(all.map(({ report }) => report.latencyMeanUs)),
        sent: all.reduce((sum, { report }) => sum + report.sent, 0),
        lost,
      },
    };
  });
}
