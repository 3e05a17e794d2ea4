/** What a run leaves behind: rows of figures with the machine and versions they hold for, as JSON in bench/results. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import type { Options } from './options.ts';

const FOLDER = new URL('results/', import.meta.url).pathname;

export interface Row {
  readonly case: string;
  readonly server: string;
  /** What was varied: outstanding, edns, names... */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Units are in the keys. Medians over the rounds where a row has rounds. */
  readonly values: Readonly<Record<string, number>>;
  /** Answers by rcode, over all rounds. */
  readonly rcodes?: Readonly<Record<string, number>>;
}

export interface Results {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: Options;
  readonly servers: Readonly<Record<string, { readonly version: string; readonly configuration: string }>>;
  readonly list: { readonly names: number; readonly origin: string };
  readonly rows: readonly Row[];
}

/** Returns the file's path. */
export function writeResults(results: Results): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${results.startedAt.replaceAll(':', '').slice(0, 17)}.json`);
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
  return file;
}

/** All results there are, oldest first; or the files named. */
export function readResults(files: readonly string[]): Results[] {
  mkdirSync(FOLDER, { recursive: true });
  const named =
    files.length > 0
      ? files
      : readdirSync(FOLDER, { encoding: 'utf8' })
          .filter((name) => name.endsWith('.json'))
          .map((name) => join(FOLDER, name));
  return named
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results)
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}
