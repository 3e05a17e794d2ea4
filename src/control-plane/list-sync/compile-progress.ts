/**
 * The compile thread's sign of life: a number in shared memory that grows while a job gets on. Its event loop advances it
 * (telemetry/heartbeat.ts), and so does every piece of the long loops that do not come back to that. In a thread that
 * has no such number, as in `weir check`, nothing happens.
 */
import { startHeartbeat } from '../../telemetry/heartbeat.ts';

let word: Int32Array | undefined;

/** Once, when the thread's modules are loaded. */
export function startProgress(shared: SharedArrayBuffer): void {
  word = new Int32Array(shared);
  startHeartbeat(shared);
}

/** A piece of work is done. Cost: a few nanoseconds; call it every some thousand entries. */
export function progressed(): void {
  if (word !== undefined) Atomics.add(word, 0, 1);
}
