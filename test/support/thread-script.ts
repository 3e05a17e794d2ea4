/**
 * A thread for tests of the supervision: says that it has started and with what, then does what a message tells it to.
 * `atStart` is done before anything else.
 */
import { parentPort, resourceLimits, workerData } from 'node:worker_threads';
import { startHeartbeat } from '../../src/telemetry/heartbeat.ts';

const SLOW_START_MS = 2_500;

export type Deed = 'throw' | 'exit' | 'block' | 'exhaust' | 'echo' | 'reject' | 'linger' | 'limits';

const { heartbeat, threadName, start, atStart } = workerData as {
  readonly heartbeat: SharedArrayBuffer;
  readonly threadName: string;
  readonly start: number;
  readonly atStart?: Deed;
};

const port = parentPort!;

function perform(deed: Deed): void {
  switch (deed) {
    case 'throw':
      throw new Error('a bug in the thread');
    case 'reject':
      void Promise.reject(new Error('a rejection in the thread'));
      break;
    case 'exit':
      process.exit(3);
      break;
    case 'block':
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    case 'linger':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_START_MS);
      break;
    case 'exhaust': {
      const held: number[][] = [];
      for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => index + held.length));
    }
    case 'echo':
      port.postMessage({ kind: 'echo', start });
      break;
    case 'limits':
      port.postMessage({ kind: 'limits', start, ...resourceLimits });
      break;
  }
}

if (atStart !== undefined) perform(atStart);
startHeartbeat(heartbeat);
port.on('message', (deed: Deed) => perform(deed));
port.postMessage({ kind: 'started', start, threadName });
