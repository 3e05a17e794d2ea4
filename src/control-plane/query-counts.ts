/**
 * Keeps the counts of queries (telemetry/query-sketch.ts) in the state directory: every hour and at the end, so that a
 * restart does not make every name look unasked for. Runs in the control thread. Errors: none; a warning in the log.
 */
import { wallClockMs } from '../clock.ts';
import { sketchPath, writeQuerySketch } from '../telemetry/query-sketch-file.ts';
import type { SyncLog } from './list-sync/sync-log.ts';

const WRITE_INTERVAL_MS = 3_600_000;

/** Returns what writes them a last time and ends it. Cost: 4 MiB written, some 10 ms. */
export function keepQueryCounts(
  stateDirectory: string,
  sketches: readonly SharedArrayBuffer[],
  log: Pick<SyncLog, 'warn'>,
): () => void {
  const write = (): void => {
    const failure = writeQuerySketch(sketchPath(stateDirectory), sketches, wallClockMs() / 1000);
    if (failure !== undefined) log.warn({}, failure);
  };
  const timer = setInterval(write, WRITE_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    write();
  };
}
