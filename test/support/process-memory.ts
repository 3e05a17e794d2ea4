/** What a process has in memory over time, as the kernel says it, and what its threads keep of it. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './weir-process.ts';

export interface MemorySample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Resident memory now. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** The slope of the line through the samples (least squares). Units: bytes a minute. */
export function bytesPerMinute(samples: readonly MemorySample[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = { atMs: meanOf(samples.map(({ atMs }) => atMs)), bytes: meanOf(samples.map(({ bytes }) => bytes)) };
  let product = 0;
  let square = 0;
  for (const { atMs, bytes } of samples) {
    product += (atMs - middle.atMs) * (bytes - middle.bytes);
    square += (atMs - middle.atMs) ** 2;
  }
  return (product / square) * 60_000;
}

/** For a process of which keptBytes() will be asked. @param folder an empty one, of the test. */
export function keptMemoryEnv(folder: string): Readonly<Record<string, string>> {
  const hook = fileURLToPath(new URL('kept-memory-hook.ts', import.meta.url));
  return { WEIR_TEST_KEPT_FOLDER: folder, NODE_OPTIONS: `--import=${hook}` };
}

/**
 * What each of these threads keeps after a full collection: its heap and what it holds outside of it. Units: bytes.
 * Cost: each stands still for its collection.
 */
export async function keptBytes<Name extends string>(
  folder: string,
  word: string,
  threads: readonly Name[],
): Promise<Record<Name, number>> {
  const file = join(folder, 'collect');
  writeFileSync(`${file}.new`, word);
  renameSync(`${file}.new`, file);
  const answers = threads.map((thread) => join(folder, `${word}.${thread}`));
  await until(
    () => answers.every((path) => existsSync(path)),
    (all) => all,
    `what the threads keep, ${word}`,
  );
  return Object.fromEntries(
    threads.map((thread, index) => [thread, Number(readFileSync(answers[index]!, 'utf8'))]),
  ) as Record<Name, number>;
}
