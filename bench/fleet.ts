/** All servers of a run, started one after the other on the same processor, idle until their turn comes. */
import type { CaseContext } from './cases/case.ts';
import { benchPort } from './ports.ts';
import { serverFolder, startServer, type RunningServer } from './server.ts';

export async function startFleet(context: Omit<CaseContext, 'fleet'>): Promise<RunningServer[]> {
  const servers: RunningServer[] = [];
  for (const peer of context.peers) {
    const port = await benchPort();
    const folder = serverFolder(context.folder, peer.name);
    const { upstreamPort, list } = context;
    const launch = await peer.prepare({ folder, port, upstreamPort, list, threads: 1 });
    try {
      const server = await startServer({ peer, launch, port, cores: context.cores.server, list });
      context.say(`${peer.name}: ready after ${Math.round(server.readyMs)} ms`);
      servers.push(server);
    } catch (error) {
      context.problem(`left out: ${(error as Error).message}`);
    }
  }
  return servers;
}

export async function stopFleet(servers: readonly RunningServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.program.stop()));
}
