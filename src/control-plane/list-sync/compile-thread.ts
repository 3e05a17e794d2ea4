/**
 * Entry of the compile thread: takes one job after the other from its parent and answers each with a result or the
 * reason why there is none. Holds nothing that cannot be made again, so that it may die at any time.
 */
import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import { collectGarbage } from '../../memory.ts';
import { CompileWorkshop, GuardUnavailable, type CompileJob, type JobKind, type JobResults } from './compile-jobs.ts';
import { startProgress } from './compile-progress.ts';

export interface CompileThreadData {
  readonly progress: SharedArrayBuffer;
}

export interface JobMessage {
  readonly id: number;
  readonly job: CompileJob;
}

export type ThreadMessage =
  | { readonly kind: 'done'; readonly id: number; readonly result: JobResults[JobKind] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'warning'; readonly text: string };

/** Of a list whose parsing leaves garbage that is worth the time it takes to collect. */
const LARGE_ENTRIES_MIN = 100_000;

const port = parentPort;
if (port !== null) {
  startProgress((workerData as CompileThreadData).progress);
  const send = (message: ThreadMessage, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  const workshop = new CompileWorkshop((text) => send({ kind: 'warning', text }));
  port.on('message', ({ id, job }: JobMessage) => {
    if (isLargeBuild(job)) collectGarbage();
    workshop
      .run(job)
      .then((result) => send({ kind: 'done', id, result }, transferable(result)))
      .catch((error: unknown) => {
        const known = error instanceof GuardUnavailable;
        const message = known
          ? error.message
          : `the compiler failed: ${error instanceof Error ? error.stack : String(error)}`;
        send({ kind: 'failed', id, message });
      });
  });
}

/** While an index is built there are two of them: what the parsing of a large list left must not be there too. */
function isLargeBuild(job: CompileJob): boolean {
  return job.kind === 'build' && job.lists.some(({ entries }) => entries >= LARGE_ENTRIES_MIN);
}

/** Segments in memory move; the published index is shared memory already. */
function transferable(result: JobResults[JobKind]): ArrayBuffer[] {
  if ('places' in result) return result.places === undefined ? [] : [result.places.slots.buffer];
  const payload =
    'segment' in result && result.segment.kind === 'memory'
      ? result.segment.payload
      : 'payload' in result
        ? result.payload
        : undefined;
  return payload?.buffer instanceof ArrayBuffer ? [payload.buffer] : [];
}
