/**
 * A server under test: started on its processor, ready when it blocks the last name of the list and answers one that is
 * not listed, stopped by its process id. What answers wrongly is not measured.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../src/clock.ts';
import { startProgram, type RunningProgram } from '../test/support/child-program.ts';
import type { ListData } from './list-data.ts';
import { SINKHOLE_ADDRESS } from './list-files.ts';
import { pinned } from './machine.ts';
import type { Launch, Peer } from './peers/peer.ts';
import { addressesOf, ask } from './probe.ts';
import { peakBytes, processTree, residentBytes } from './process-usage.ts';
import { UPSTREAM_ADDRESS } from './upstream-nsd.ts';

const READY_TIMEOUT_MS = 600_000;
const PROBE_TIMEOUT_MS = 100;
const PROBE_PAUSE_MS = 5;
const UNLISTED_NAME = 'unlisted.example.net';

export interface RunningServer {
  readonly name: string;
  readonly title: string;
  readonly isEcho: boolean;
  readonly port: number;
  readonly program: RunningProgram;
  readonly pids: readonly number[];
  readonly readyMs: number;
  /** When it had just become ready. */
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export interface StartOptions {
  readonly peer: Peer;
  readonly launch: Launch;
  readonly port: number;
  readonly cores: string;
  /** Its last name shows that the list is in force. */
  readonly list: ListData;
}

/** Errors: rejects when it ends, or is not ready in time, with its output. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { peer, launch, port, cores } = options;
  const [command, args] = pinned(cores, launch.command, launch.args);
  const begin = monotonicMs();
  const program = await startProgram(command, args, () => true, { env: launch.env ?? {} });
  let hasEnded = false;
  const end = program.ended().then(() => (hasEnded = true));
  end.catch(() => undefined);
  try {
    await untilReady(peer, port, options.list, () => hasEnded);
  } catch (error) {
    const output = program.output();
    await program.stop().catch(() => undefined);
    throw new Error(`${peer.name}: ${(error as Error).message}\n${output.slice(-2_000)}`, { cause: error });
  }
  const readyMs = monotonicMs() - begin;
  const pids = processTree(program.pid);
  return {
    name: peer.name,
    title: peer.title,
    isEcho: peer.isEcho,
    port,
    program,
    pids,
    readyMs,
    residentBytes: residentBytes(pids),
    peakBytes: peakBytes(pids),
  };
}

/** A folder of its own below the run's. */
export function serverFolder(runFolder: string, name: string): string {
  const folder = join(runFolder, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function untilReady(peer: Peer, port: number, list: ListData, hasEnded: () => boolean): Promise<void> {
  const deadline = monotonicMs() + READY_TIMEOUT_MS;
  const listed = list.nameAt(list.count - 1);
  let last: string[] | undefined;
  while (monotonicMs() < deadline) {
    if (hasEnded()) throw new Error('it ended before it was ready');
    last = addressesOf(await ask(port, { name: listed, edns: false }, PROBE_TIMEOUT_MS));
    if (last !== undefined && (peer.isEcho || last[0] === SINKHOLE_ADDRESS)) {
      if (peer.isEcho) return;
      const unlisted = addressesOf(await ask(port, { name: UNLISTED_NAME, edns: true }, PROBE_TIMEOUT_MS));
      if (unlisted?.[0] === UPSTREAM_ADDRESS) return;
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS));
  }
  throw new Error(`not ready in time; the last answer for ${listed}: ${JSON.stringify(last)}`);
}
