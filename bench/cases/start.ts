/** From the start of the process to the first right answers, list read from text, each server alone; and its memory. */
import { benchPort } from '../ports.ts';
import type { Peer } from '../peers/peer.ts';
import type { Row } from '../results.ts';
import { serverFolder, startServer } from '../server.ts';
import { median } from '../statistics.ts';
import type { BenchCase, CaseContext } from './case.ts';

async function startsOf(peer: Peer, context: CaseContext): Promise<Row> {
  const readyMs: number[] = [];
  const residentBytes: number[] = [];
  const peakBytes: number[] = [];
  for (let round = 0; round < context.options.rounds; round++) {
    // A folder of its own each time: nothing is left from the last start.
    const folder = serverFolder(context.folder, `start-${peer.name}-${context.uniqueWord()}`);
    const port = await benchPort();
    const { upstreamPort, list } = context;
    const launch = await peer.prepare({ folder, port, upstreamPort, list, threads: 1 });
    const server = await startServer({ peer, launch, port, cores: context.cores.all, list });
    readyMs.push(server.readyMs);
    residentBytes.push(server.residentBytes);
    peakBytes.push(server.peakBytes);
    await server.program.stop();
  }
  context.say(`${peer.name}: ${readyMs.map(Math.round).join(', ')} ms`);
  return {
    case: 'start',
    server: peer.name,
    parameters: { names: context.list.count },
    values: {
      readyMs: median(readyMs),
      residentBytes: median(residentBytes),
      peakBytes: median(peakBytes),
    },
  };
}

export const start: BenchCase = {
  name: 'start',
  title: 'start to ready, list from text, any processor; memory of the whole process when ready',
  run: async (context) => {
    const rows: Row[] = [];
    for (const peer of context.peers.filter((each) => !each.isEcho)) rows.push(await startsOf(peer, context));
    return rows;
  },
};
