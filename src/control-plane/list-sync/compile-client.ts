/**
 * The control thread's end of the compile thread: starts it, gives it one job at a time, starts it again when it has
 * died (out of memory, a bug), stands still or overran its time. Parsing hostile files thus cannot hurt anything but itself.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CompileJob, JobKind, JobOf, JobResults } from './compile-jobs.ts';
import { createHeartbeat, readHeartbeat } from '../../telemetry/heartbeat.ts';
import type { CompileThreadData, JobMessage, ThreadMessage } from './compile-thread.ts';
import { errorCode } from './error-code.ts';

/** Segments and indexes live outside the heap; this bounds what a parser builds in it. */
const HEAP_MB_MAX = 1536;
/** What dies young here are lines and names; more room for them is memory that a reload takes and does not need. */
const YOUNG_MB_MAX = 6;
/**
 * A thread that showed no sign of life at so many looks in a row is ended with its job: a bug that loops would keep every
 * list's updates waiting. Looks, not a time: where the whole machine stood still, nobody looked.
 */
const STALLED_LOOKS_MAX = 6;
export const LOOK_MS = 5000;
/** A job that takes longer is ended with its thread, however busy that seems. */
const JOB_MS_MAX = 600_000;

/**
 * A thread without work for so long is ended: what parsing a million names left in its heap goes with it, and all it
 * must do again is to read the guard's names.
 */
export const IDLE_MS = 5000;

export type JobOutcome<K extends JobKind> =
  { readonly kind: 'done'; readonly result: JobResults[K] } | { readonly kind: 'failed'; readonly message: string };

export interface CompileRunner {
  run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>>;
  /** There will be a job soon: the thread loads its modules meanwhile. */
  warm?(): void;
  close(): Promise<void>;
}

export interface CompileClientOptions {
  readonly onWarning: (text: string) => void;
  /** The thread died and is started anew with the next job. */
  readonly onDeath: (message: string) => void;
  /** For tests. */
  readonly threadUrl?: URL;
  readonly heapMbMax?: number;
  readonly lookMs?: number;
}

interface Running {
  readonly id: number;
  readonly settle: (outcome: JobOutcome<JobKind>) => void;
  readonly timer: NodeJS.Timeout;
  readonly look: NodeJS.Timeout;
}

export class CompileClient implements CompileRunner {
  readonly #options: CompileClientOptions;
  #worker: Worker | undefined;
  #progress = createHeartbeat();
  #running: Running | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #lastId = 0;
  #closed = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: CompileClientOptions) {
    this.#options = options;
  }

  /** Errors: none; a dead thread is an outcome. */
  run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>>;
  run(job: CompileJob): Promise<JobOutcome<JobKind>> {
    const turn = this.#queue.then(() => this.#start(job));
    this.#queue = turn;
    return turn;
  }

  warm(): void {
    if (!this.#closed) this.#worker ??= this.#spawn();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
    this.#finish({ kind: 'failed', message: 'the compile thread was closed' });
  }

  #start(job: CompileJob): Promise<JobOutcome<JobKind>> {
    if (this.#closed) return Promise.resolve({ kind: 'failed', message: 'the compile thread was closed' });
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#spawn());
    this.#lastId += 1;
    const message: JobMessage = { id: this.#lastId, job };
    return new Promise((resolve) => {
      const tooLong = `a ${job.kind} job took over ${JOB_MS_MAX} ms`;
      const timer = setTimeout(() => void this.#end(worker, tooLong), JOB_MS_MAX);
      const look = this.#watch(worker, job.kind);
      this.#running = { id: message.id, settle: resolve, timer, look };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      worker.postMessage(message);
    });
  }

  /** Not before the thread's first sign of life: until then it loads its modules. */
  #watch(worker: Worker, kind: JobKind): NodeJS.Timeout {
    const lookMs = this.#options.lookMs ?? LOOK_MS;
    const progress = this.#progress;
    let seen = readHeartbeat(progress);
    let stalled = 0;
    return setInterval(() => {
      const now = readHeartbeat(progress);
      stalled = now === seen && now !== 0 ? stalled + 1 : 0;
      seen = now;
      if (stalled < STALLED_LOOKS_MAX) return;
      void this.#end(worker, `a ${kind} job made no progress for ${STALLED_LOOKS_MAX * lookMs} ms`);
    }, lookMs);
  }

  #spawn(): Worker {
    const here = new URL(import.meta.url);
    const url = this.#options.threadUrl ?? new URL(`./compile-thread${extname(here.pathname)}`, here);
    this.#progress = createHeartbeat();
    const workerData: CompileThreadData = { progress: this.#progress };
    const worker = new Worker(url, {
      name: 'weir-compile',
      workerData,
      resourceLimits: {
        maxOldGenerationSizeMb: this.#options.heapMbMax ?? HEAP_MB_MAX,
        maxYoungGenerationSizeMb: YOUNG_MB_MAX,
      },
    });
    worker.on('message', (message: ThreadMessage) => this.#onMessage(message));
    worker.on('error', (error) => this.#onDeath(worker, `${errorCode(error)} ${error.message}`.trim()));
    worker.on('exit', (code) => this.#onDeath(worker, `exit code ${code}`));
    return worker;
  }

  #onMessage(message: ThreadMessage): void {
    if (message.kind === 'warning') return this.#options.onWarning(message.text);
    if (message.id !== this.#running?.id) return;
    this.#finish(message);
  }

  #onDeath(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (!this.#closed) this.#options.onDeath(`the compile thread ended: ${why}`);
    this.#finish({ kind: 'failed', message: `the compile thread ended: ${why}` });
  }

  #endIdle(): void {
    const worker = this.#worker;
    if (worker === undefined || this.#running !== undefined) return;
    this.#worker = undefined;
    worker.terminate().catch(() => undefined);
  }

  async #end(worker: Worker, why: string): Promise<void> {
    this.#onDeath(worker, why);
    await worker.terminate();
  }

  #finish(outcome: JobOutcome<JobKind>): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    clearInterval(running.look);
    running.settle(outcome);
    if (!this.#closed) this.#idle = setTimeout(() => this.#endIdle(), IDLE_MS);
  }
}
