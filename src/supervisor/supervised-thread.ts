/**
 * One thread that is kept alive: started, watched by its heartbeat, replaced with a growing delay when it dies, runs out
 * of heap or blocks. Knows nothing of what the thread does; supervisor.ts says what to do with messages and deaths.
 */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import { createHeartbeat, readHeartbeat } from '../telemetry/heartbeat.ts';
import type { Log } from '../telemetry/log.ts';

const RESTART_DELAY_MS_MIN = 50;
const RESTART_DELAY_MS_MAX = 10_000;
/** A thread that lived this long starts over with the shortest delay. */
const HEALTHY_AFTER_MS = 60_000;
const WATCH_INTERVAL_MS = 1_000;
/**
 * Of a thread's young generation, unless it asks for more. V8 would let it grow to several times what a thread keeps, and in half an hour it
 * does; what fits in a processor's cache is also collected for less.
 */
export const YOUNG_MEGABYTES_MAX = 6;
/**
 * Of all threads of the process: a young generation is collected by the thread whose it is. Why: helpers are woken for what
 * takes a fraction of a millisecond, which was a twentieth to an eighth of a forwarded query (docs/performance.md).
 */
const COLLECT_ALONE = '--no-parallel-scavenge';
/** Until the first beat: modules load slowly on a busy machine, and starting over would load them once more. */
const START_MS_MAX = 60_000;

export interface SupervisedThreadOptions {
  readonly name: string;
  readonly url: URL;
  /** Made anew for every start: the state that a replacement begins with. */
  readonly data: () => Record<string, unknown>;
  /** Limits the heap, asked for at every start: a plane that leaks dies alone. */
  readonly heapMegabytesMax: () => number;
  /** Likewise of the young generation; left out: YOUNG_MEGABYTES_MAX. */
  readonly youngMegabytesMax?: () => number;
  /** Silence of the event loop after which the thread counts as blocked and is replaced. */
  readonly silenceMsMax: number;
  readonly onMessage: (message: unknown) => void;
  readonly onDeath: () => void;
  readonly log: Log;
}

export class SupervisedThread {
  readonly name: string;
  readonly #options: SupervisedThreadOptions;
  #worker: Worker | undefined;
  #heartbeat = createHeartbeat();
  #startedAtMs = 0;
  #delayMs = RESTART_DELAY_MS_MIN;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #lastBeat = 0;
  #lastLookAtMs = 0;
  #silentMs = 0;

  constructor(options: SupervisedThreadOptions) {
    this.name = options.name;
    this.#options = options;
    this.#start();
    this.#watch = setInterval(() => this.#replaceIfBlocked(), WATCH_INTERVAL_MS);
    this.#watch.unref();
  }

  #start(): void {
    const { url, data, heapMegabytesMax, youngMegabytesMax, onMessage, log } = this.#options;
    this.#heartbeat = createHeartbeat();
    this.#startedAtMs = monotonicMs();
    this.#lastLookAtMs = this.#startedAtMs;
    this.#lastBeat = 0;
    this.#silentMs = 0;
    setFlagsFromString(COLLECT_ALONE);
    const worker = new Worker(url, {
      name: this.name,
      workerData: { ...data(), threadName: this.name, heartbeat: this.#heartbeat },
      resourceLimits: {
        maxYoungGenerationSizeMb: youngMegabytesMax?.() ?? YOUNG_MEGABYTES_MAX,
        maxOldGenerationSizeMb: heapMegabytesMax(),
      },
    });
    this.#worker = worker;
    worker.on('message', onMessage);
    worker.on('error', (error: Error) => log.error({ err: error, thread: this.name }, 'a thread failed'));
    worker.on('exit', (code) => this.#onExit(worker, code));
  }

  #onExit(worker: Worker, code: number): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.#stopping) return;
    if (monotonicMs() - this.#startedAtMs > HEALTHY_AFTER_MS) this.#delayMs = RESTART_DELAY_MS_MIN;
    this.#options.log.error({ thread: this.name, code, restartInMs: this.#delayMs }, 'a thread ended and is replaced');
    this.#restart = setTimeout(() => this.#start(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, RESTART_DELAY_MS_MAX);
    this.#options.onDeath();
  }

  #replaceIfBlocked(): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    const nowMs = monotonicMs();
    const beat = readHeartbeat(this.#heartbeat);
    // Why no more than an interval: after a pause of the whole process (a stopped virtual machine) this looks before the
    // threads can beat again, and their silence was ours as well.
    this.#silentMs += Math.min(nowMs - this.#lastLookAtMs, WATCH_INTERVAL_MS);
    this.#lastLookAtMs = nowMs;
    if (beat !== this.#lastBeat) {
      this.#lastBeat = beat;
      this.#silentMs = 0;
    } else if (this.#silentMs > (beat === 0 ? START_MS_MAX : this.#options.silenceMsMax)) {
      this.#options.log.error({ thread: this.name, silentMs: Math.round(this.#silentMs) }, 'a thread is blocked');
      void worker.terminate();
    }
  }

  get isAlive(): boolean {
    return this.#worker !== undefined;
  }

  /** Lost while the thread is being replaced: its successor begins with `data()`. */
  post(message: unknown): void {
    this.#worker?.postMessage(message);
  }

  /** Replaces the thread no more; it may end by itself. */
  release(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    clearInterval(this.#watch);
  }

  /** Lets a thread that has been told to stop end by itself, up to `graceMs`. */
  async end(graceMs: number): Promise<void> {
    this.release();
    const worker = this.#worker;
    if (worker === undefined) return;
    const timer = setTimeout(() => void worker.terminate(), graceMs);
    await new Promise((resolve) => worker.once('exit', resolve));
    clearTimeout(timer);
  }
}
