/** One server under test: how it is told what all are told (list, upstream, ample caches) and started. */
import type { ListData } from '../list-data.ts';

export interface PeerSetup {
  /** Its own, empty. */
  readonly folder: string;
  readonly port: number;
  readonly upstreamPort: number;
  readonly list: ListData;
  /** Threads that answer queries. */
  readonly threads: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Peer {
  /** As in results and on the command line. */
  readonly name: string;
  readonly title: string;
  /** Programs that must be installed; without them it is left out, and the run says so. */
  readonly programs: readonly string[];
  /** An echo sends the question back: no list, no upstream, no answer to look into. */
  readonly isEcho: boolean;
  /** In one sentence, what its configuration is: for the report. */
  readonly configuration: string;
  version(): string;
  /** Writes what it reads at its start. */
  prepare(setup: PeerSetup): Promise<Launch> | Launch;
}
