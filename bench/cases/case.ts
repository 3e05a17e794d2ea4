/** One benchmark: what it needs from the runner, and the rows it gives back. */
import type { Cores } from '../machine.ts';
import type { ListData } from '../list-data.ts';
import type { Options } from '../options.ts';
import type { Peer } from '../peers/peer.ts';
import type { Row } from '../results.ts';
import type { RunningServer } from '../server.ts';

/** List size of the cases that compare servers. */
export const LIST_NAMES = 1_000_000;

export interface CaseContext {
  readonly options: Options;
  readonly folder: string;
  readonly cores: Cores;
  readonly upstreamPort: number;
  readonly list: ListData;
  /** The servers that are installed and wanted. */
  readonly peers: readonly Peer[];
  /** All of them at once, started when first asked for and kept, so that rounds can be interleaved. */
  fleet(): Promise<readonly RunningServer[]>;
  /** A word that no other run uses: for names that must never have been asked. */
  uniqueWord(): string;
  /** Progress, for people. */
  say(text: string): void;
  /** Something that makes the run's figures worthless: the run ends with a failure. */
  problem(text: string): void;
}

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Run only by name. */
  readonly onlyByName?: boolean;
  /** List size where it runs alone; LIST_NAMES otherwise. */
  readonly listNames?: number;
  run(context: CaseContext): Promise<Row[]>;
}
