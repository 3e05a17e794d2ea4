/**
 * Lists of different sizes: what a blocked, a cached and a forwarded query cost with them, start from text, and memory. One
 * server after another is started, measured and ended, because of memory; who would need more than there is, by what it took with
 * the shorter lists, is left out, and the run says so. Of Weir also the index for each name and the start from its own copy.
 */
import { rmSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { listData } from '../list-data.ts';
import { writePlain } from '../list-files.ts';
import type { Peer } from '../peers/peer.ts';
import { weir } from '../peers/weir.ts';
import { benchPort } from '../ports.ts';
import type { Row } from '../results.ts';
import { serverFolder, startServer, type RunningServer } from '../server.ts';
import { median } from '../statistics.ts';
import { startWeirServer, type WeirServer } from '../weir-server.ts';
import type { BenchCase, CaseContext } from './case.ts';
import { measureKind, totalsOf } from './kind-run.ts';
import { bytesNeeded, type Taken } from './memory-need.ts';
import { blocked, cached, forwarded } from './query-cases.ts';

const SIZES = [300_000, 1_000_000];
const HUGE = 10_000_000;
const OUTSTANDING = 100;
/** Why no more: a server's rounds follow each other here, so that more of them would meet the same moment. */
const ROUNDS_MAX = 2;
const GIB = 1024 ** 3;
const KINDS = { blockedCpuUs: blocked, cachedCpuUs: cached, forwardedCpuUs: forwarded };

type Values = Record<string, number>;

async function cpuOf(context: CaseContext, server: RunningServer): Promise<Values> {
  const values: Values = {};
  for (const [key, kind] of Object.entries(KINDS)) {
    const run = { kind, server, outstanding: OUTSTANDING, edns: true };
    // Does not count.
    await measureKind(context, run);
    const measurements = [];
    for (let round = 0; round < Math.min(ROUNDS_MAX, context.options.rounds); round++) {
      measurements.push(await measureKind(context, run));
    }
    totalsOf(context, `sizes, ${server.name}, ${context.list.count} names, ${kind.name}`, measurements);
    values[key] = median(measurements.map(({ cpuUs }) => cpuUs));
  }
  return values;
}

async function measureStarted<Server extends RunningServer>(
  context: CaseContext,
  server: Server,
  more: (server: Server) => Promise<Values> = () => Promise.resolve({}),
): Promise<Values> {
  try {
    const { readyMs, residentBytes, peakBytes } = server;
    return { ...(await more(server)), ...(await cpuOf(context, server)), readyMs, residentBytes, peakBytes };
  } finally {
    await server.program.stop();
  }
}

async function measureWeir(context: CaseContext): Promise<Values> {
  const { folder, list, cores } = context;
  const listFile = join(folder, 'list.txt');
  writePlain(listFile, list);
  const options = { folder, list, listFiles: [listFile], threads: 1, cores: cores.server };
  const indexBytesPerName = async (server: WeirServer): Promise<Values> => ({
    indexBytesPerName: (await server.metric('weir_index_bytes')) / list.count,
  });
  const values = await measureStarted(context, await startWeirServer(context, options), indexBytesPerName);
  const second = await startWeirServer(context, options);
  await second.program.stop();
  return { ...values, readyAgainMs: second.readyMs };
}

async function measurePeer(context: CaseContext, peer: Peer): Promise<Values> {
  const { folder, upstreamPort, list, cores } = context;
  const port = await benchPort();
  const launch = await peer.prepare({ folder, port, upstreamPort, list, threads: 1 });
  return measureStarted(context, await startServer({ peer, launch, port, cores: cores.server, list }));
}

/** Undefined where it is left out. */
async function oneRow(context: CaseContext, peer: Peer, taken: readonly Taken[]): Promise<Row | undefined> {
  const { list, folder } = context;
  const what = `sizes: ${peer.name} with ${list.count} names`;
  const needed = bytesNeeded(taken, list.count);
  const there = freemem();
  if (needed !== undefined && needed > there) {
    const [need, have] = [needed, there].map((bytes) => (bytes / GIB).toFixed(1));
    context.say(`${what} is left out: by what it took with shorter lists it needs ${need} GiB, and ${have} are free`);
    return undefined;
  }
  try {
    const values = await (peer === weir ? measureWeir(context) : measurePeer(context, peer));
    context.say(`${what}: ready after ${Math.round(values['readyMs']!)} ms`);
    return { case: 'sizes', server: peer.name, parameters: { names: list.count, origin: list.origin }, values };
  } catch (error) {
    context.problem(`${what} is left out: ${(error as Error).message}`);
    return undefined;
  } finally {
    // Ten million names are gigabytes in some of their forms.
    rmSync(folder, { recursive: true, force: true });
  }
}

export const sizes: BenchCase = {
  name: 'sizes',
  title: 'lists of 300,000 and 1,000,000 names (10,000,000 with --huge), one server after the other',
  run: async (context) => {
    const rows: Row[] = [];
    for (const names of context.options.huge ? [...SIZES, HUGE] : SIZES) {
      const list = await listData(names);
      for (const peer of context.peers.filter((each) => !each.isEcho)) {
        const taken = rows
          .filter(({ server }) => server === peer.name)
          .map(({ parameters, values }) => ({ names: Number(parameters['names']), bytes: values['peakBytes']! }));
        const folder = serverFolder(context.folder, `sizes-${names}-${peer.name}`);
        const row = await oneRow({ ...context, list, folder }, peer, taken);
        if (row !== undefined) rows.push(row);
      }
    }
    return rows;
  },
};
