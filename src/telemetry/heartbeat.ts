/**
 * A thread's sign of life: a number in shared memory that its event loop advances. The supervisor sees from outside
 * whether a thread is blocked; nothing is sent and nothing waits.
 */

const BEAT_INTERVAL_MS = 250;

export function createHeartbeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** Starts beating in the calling thread, at once: its modules are loaded. The timer does not keep the thread alive. */
export function startHeartbeat(heartbeat: SharedArrayBuffer): void {
  const beats = new Int32Array(heartbeat);
  Atomics.add(beats, 0, 1);
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_INTERVAL_MS).unref();
}

export function readHeartbeat(heartbeat: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(heartbeat), 0);
}
