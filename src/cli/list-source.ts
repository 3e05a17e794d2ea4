/** The file that a list command reads: "-" is standard input; on a terminal a large one shows how far it is. */
import { createReadStream, statSync } from 'node:fs';
import cliProgress from 'cli-progress';

const PROGRESS_BYTES_MIN = 4 * 1024 * 1024;

/** What to give to readListFile. Shows a progress bar on standard error if that is a terminal, nothing otherwise. */
export function listSource(file: string): string | AsyncIterable<Uint8Array> {
  if (file === '-') return process.stdin;
  if (!process.stderr.isTTY) return file;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || stats.size < PROGRESS_BYTES_MIN) return file;
  return withProgress(file, stats.size);
}

async function* withProgress(file: string, bytesTotal: number): AsyncGenerator<Uint8Array> {
  const bar = new cliProgress.SingleBar(
    { format: '{bar} {percentage} % of {total} bytes', clearOnComplete: true, stream: process.stderr },
    cliProgress.Presets.shades_classic,
  );
  bar.start(bytesTotal, 0);
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>) {
      bar.increment(chunk.length);
      yield chunk;
    }
  } finally {
    bar.stop();
  }
}
