/**
 * Questions for listed names over TLS and over HTTPS, Weir beside dnsdist: the same list, certificate and connections, each
 * server on one processor, in turns. Over HTTPS each of the client's connections has one question at a time, which is all
 * that dnsperf can do there.
 */
import { join } from 'node:path';
import { runLoad, type Load } from '../dnsperf.ts';
import { SINKHOLE_ADDRESS, writePlain } from '../list-files.ts';
import { measure, type Measurement } from '../measure.ts';
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
const MODES = [
  { mode: 'dot', clients: 10, outstanding: 100 },
  { mode: 'doh', clients: 50, outstanding: 50 },
] as const;

interface Server {
  readonly running: RunningServer;
  readonly ports: Readonly<Record<'dot' | 'doh', number>>;
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
      for (const each of MODES) rows.push(...(await inTurns(context, servers, each, queryFile)));
    } finally {
      for (const { running } of servers) await running.program.stop();
    }
    return rows;
  },
};

async function inTurns(
  context: CaseContext,
  servers: readonly Server[],
  { mode, clients, outstanding }: (typeof MODES)[number],
  queryFile: string,
): Promise<Row[]> {
  const { options, cores, list } = context;
  const loadOf = (server: Server): Load => {
    const port = server.ports[mode];
    return { port, queryFile, seconds: options.seconds, outstanding, clients, edns: true, mode, cores: cores.client };
  };
  const measured = new Map<Server, Measurement[]>(servers.map((server) => [server, []]));
  const random = seededRandom(7);
  const expectation = () => ({ name: blockedName(list, random), address: SINKHOLE_ADDRESS });
  for (const server of servers) await runLoad({ ...loadOf(server), seconds: WARM_SECONDS });
  for (let round = 0; round < options.rounds; round++) {
    for (const [server, all] of measured) all.push(await measure(server.running, loadOf(server), expectation));
  }
  return [...measured].map(([{ running }, all]) => {
    const lost = all.reduce((sum, { report }) => sum + report.lost, 0);
    // Why so many may be: over HTTPS dnsperf counts what is outstanding when its time is up as lost, whoever answers.
    const lostMax = mode === 'doh' ? clients * options.rounds : 0;
    if (lost > lostMax) context.problem(`encrypted, ${running.name}, ${mode}: ${lost} queries lost`);
    return {
      case: 'encrypted',
      server: running.name,
      parameters: { transport: mode, connections: clients, outstanding },
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
