/**
 * The control thread's end of the ledger: starts its thread, sends it requests, and gives every one of them an end. A
 * thread that has died is started again with a growing delay; one that stands still (a disk that hangs) is waited for, but
 * nobody waits with it. Meanwhile what can be refused is refused with `storeUnavailable`, everything else rejects with
 * LedgerUnavailable.
 *
 * A change whose answer was not waited for may be committed all the same: "unavailable" then says that nobody knows. The
 * same request with the same Idempotency-Key gets its answer once the ledger is back.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { monotonicMs } from '../../clock.ts';
import { createHeartbeat, readHeartbeat } from '../../telemetry/heartbeat.ts';
import { LedgerUnavailable, unavailable } from './ledger-failure.ts';
import type { LedgerAnswer, LedgerMethod, LedgerRequest, LedgerThreadData } from './ledger-messages.ts';
import type * as Contract from './ledger.ts';

/** Requests that the thread has yet to answer, at a time. */
export const REQUESTS_MAX = 1_000;
/** The guard's names are most of it; entries never are in the heap as a whole. */
const HEAP_MB_MAX = 1024;
const YOUNG_MB_MAX = 8;
const RESTART_MS_MIN = 50;
const RESTART_MS_MAX = 10_000;
/** A thread that lived this long starts over with the shortest delay. Why not one that was ready: it may die of what it does next. */
const HEALTHY_AFTER_MS = 60_000;
const LOOK_MS = 1_000;
/**
 * Looks in a row without a sign of life, after which nobody waits any more. A commit syncs a whole bulk change to the disk
 * in one call, and has longer.
 */
const SILENT_LOOKS_MAX = 10;
const SILENT_LOOKS_COMMIT_MAX = 120;
/** Units: looks that a request may take though the thread lives: behind another list's bulk change, for example. */
const PATIENT_LOOKS_MAX = 60;
const PATIENT_LOOKS_COMMIT_MAX = 600;
/** A thread that is silent for so many looks loops for ever, or its disk is gone: it is ended. */
const HOPELESS_LOOKS_MAX = 300;

/** Methods that may take as long as a bulk change, and those that answer with a refusal. */
const LONG: ReadonlySet<LedgerMethod> = new Set(['commit', 'rollback', 'decideHold', 'moveRollout', 'decideAppeal']);
const REFUSING: ReadonlySet<LedgerMethod> = new Set([
  ...LONG,
  'change',
  'begin',
  'beginFeed',
  'fileAppeal',
  'reviewAppeal',
  'createException',
  'endException',
]);

export interface LedgerClientOptions {
  readonly stateDirectory: string;
  /** Whether there is somebody who answers; the message says why not. Called at every change. */
  readonly onState: (isUp: boolean, message: string) => void;
  /** The thread has died and is started again. */
  readonly onDeath: (message: string) => void;
  /** A change was made after all, whose sender was told that nobody knows: it is to be brought into force. */
  readonly onLate?: () => void;
  /** For tests. */
  readonly threadUrl?: URL;
  readonly lookMs?: number;
  readonly heapMbMax?: number;
}

interface Waiting {
  readonly request: LedgerRequest;
  readonly settle: (value: unknown) => void;
  readonly fail: (error: Error) => void;
  looks: number;
}

export class LedgerClient implements Contract.Ledger {
  readonly #options: LedgerClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Requests that nobody waits for any more and that the thread has yet to answer. */
  readonly #givenUp = new Map<number, LedgerMethod>();
  readonly #look: NodeJS.Timeout;
  #worker: Worker | undefined;
  #heartbeat = createHeartbeat();
  #lastBeat = 0;
  #silentLooks = 0;
  #isUp = false;
  #why = 'it is being opened';
  #restart: NodeJS.Timeout | undefined;
  #restartMs = RESTART_MS_MIN;
  #startedAtMs = 0;
  #lastId = 0;
  #closing = false;
  /** A thread that is started again is told first what the configuration says. */
  #settings: Contract.LedgerSettings | undefined;

  constructor(options: LedgerClientOptions) {
    this.#options = options;
    this.#start();
    this.#look = setInterval(() => this.#watch(), options.lookMs ?? LOOK_MS);
    this.#look.unref();
  }

  authenticate = this.#method('authenticate');
  change = this.#method('change');
  begin = this.#method('begin');
  stage = this.#method('stage');
  commit = this.#method('commit');
  abandon = this.#method('abandon');
  beginFeed = this.#method('beginFeed');
  feedPosition = this.#method('feedPosition');
  rollback = this.#method('rollback');
  versions = this.#method('versions');
  deltaSince = this.#method('deltaSince');
  entries = this.#method('entries');
  lookUp = this.#method('lookUp');
  history = this.#method('history');
  findIncident = this.#method('findIncident');
  holds = this.#method('holds');
  decideHold = this.#method('decideHold');
  reportListHolds = this.#method('reportListHolds');
  approvals = this.#method('approvals');
  rollouts = this.#method('rollouts');
  rolloutEntries = this.#method('rolloutEntries');
  moveRollout = this.#method('moveRollout');
  audit = this.#method('audit');
  fileAppeal = this.#method('fileAppeal');
  appealBySecret = this.#method('appealBySecret');
  appeal = this.#method('appeal');
  appeals = this.#method('appeals');
  reviewAppeal = this.#method('reviewAppeal');
  decideAppeal = this.#method('decideAppeal');
  proveOwner = this.#method('proveOwner');
  createException = this.#method('createException');
  endException = this.#method('endException');
  exceptions = this.#method('exceptions');
  figures = this.#method('figures');
  record = this.#method('record');

  /** Errors: none; a thread that is started later learns of it first. */
  async configure(settings: Contract.LedgerSettings): Promise<void> {
    this.#settings = settings;
    await this.#send('configure', [settings]).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    const closed = this.#send('close', []).catch(() => undefined);
    this.#closing = true;
    await closed;
    clearInterval(this.#look);
    clearTimeout(this.#restart);
    this.#endAll('the ledger was closed');
    await this.#worker?.terminate();
  }

  #method<M extends Exclude<LedgerMethod, 'close' | 'configure'>>(method: M): Contract.Ledger[M] {
    return ((...args: unknown[]) => this.#send(method, args)) as Contract.Ledger[M];
  }

  #send(method: LedgerMethod, args: readonly unknown[]): Promise<unknown> {
    if (this.#closing || this.#worker === undefined || this.#silentLooks >= SILENT_LOOKS_MAX) {
      return refusedNow(method, `The ledger cannot be reached: ${this.#why}.`);
    }
    // Why also those: the thread has them before it, whoever waits.
    if (this.#waiting.size + this.#givenUp.size >= REQUESTS_MAX) {
      return refusedNow(method, `${REQUESTS_MAX} requests wait for the ledger already.`);
    }
    this.#lastId += 1;
    const request: LedgerRequest = { id: this.#lastId, method, args };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(request.id, { request, settle: resolve, fail: reject, looks: 0 });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    this.#worker.postMessage(request);
    return promise;
  }

  #start(): void {
    const here = new URL(import.meta.url);
    const url = this.#options.threadUrl ?? new URL(`./ledger-thread${extname(here.pathname)}`, here);
    this.#startedAtMs = monotonicMs();
    this.#heartbeat = createHeartbeat();
    this.#lastBeat = 0;
    this.#silentLooks = 0;
    const data: LedgerThreadData = { stateDirectory: this.#options.stateDirectory, heartbeat: this.#heartbeat };
    const worker = new Worker(url, {
      name: 'weir-ledger',
      workerData: data,
      resourceLimits: {
        maxOldGenerationSizeMb: this.#options.heapMbMax ?? HEAP_MB_MAX,
        maxYoungGenerationSizeMb: YOUNG_MB_MAX,
      },
    });
    this.#worker = worker;
    let why = '';
    worker.on('message', (answer: LedgerAnswer) => this.#onAnswer(answer));
    worker.on('error', (error) => (why = error.message));
    worker.on('exit', (code) => this.#onExit(worker, why === '' ? `exit code ${code}` : why));
    if (this.#settings !== undefined) void this.#send('configure', [this.#settings]).catch(() => undefined);
  }

  #onAnswer(answer: LedgerAnswer): void {
    if (answer.kind === 'ready') return this.#setState(answer.unusable === undefined, answer.unusable ?? '');
    const waiting = this.#waiting.get(answer.id);
    // Why it may be nobody: it took too long, and was answered with that.
    if (waiting === undefined) {
      const method = this.#givenUp.get(answer.id);
      this.#givenUp.delete(answer.id);
      if (method !== undefined && REFUSING.has(method) && answer.kind === 'done') this.#options.onLate?.();
      return;
    }
    this.#waiting.delete(answer.id);
    if (answer.kind === 'done') waiting.settle(answer.value);
    else if (answer.isBug) waiting.fail(new Error(`the ledger failed: ${answer.message}`));
    else end(waiting, answer.message);
  }

  #onExit(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const message = `the ledger's thread ended: ${why}`;
    this.#endAll(message);
    if (this.#closing) return;
    this.#setState(false, message);
    this.#options.onDeath(message);
    if (monotonicMs() - this.#startedAtMs > HEALTHY_AFTER_MS) this.#restartMs = RESTART_MS_MIN;
    this.#restart = setTimeout(() => this.#start(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MS_MAX);
  }

  #setState(isUp: boolean, message: string): void {
    this.#why = message;
    if (this.#isUp === isUp && isUp) return;
    this.#isUp = isUp;
    this.#options.onState(isUp, message);
  }

  #watch(): void {
    const beat = readHeartbeat(this.#heartbeat);
    // Why not before the first beat: until then it loads its modules.
    if (beat !== this.#lastBeat || beat === 0) {
      if (this.#silentLooks >= SILENT_LOOKS_MAX) this.#setState(true, '');
      this.#silentLooks = 0;
    } else if (this.#worker !== undefined) {
      this.#silentLooks += 1;
      if (this.#silentLooks === SILENT_LOOKS_MAX) this.#setState(false, 'its thread stands still; does the disk hang?');
      if (this.#silentLooks >= HOPELESS_LOOKS_MAX) void this.#worker.terminate();
    }
    this.#lastBeat = beat;
    for (const waiting of this.#waiting.values()) this.#lookAt(waiting);
  }

  #lookAt(waiting: Waiting): void {
    waiting.looks += 1;
    const isLong = LONG.has(waiting.request.method);
    const silentMax = isLong ? SILENT_LOOKS_COMMIT_MAX : SILENT_LOOKS_MAX;
    const patientMax = isLong ? PATIENT_LOOKS_COMMIT_MAX : PATIENT_LOOKS_MAX;
    if (this.#silentLooks < silentMax && waiting.looks < patientMax) return;
    this.#waiting.delete(waiting.request.id);
    this.#givenUp.set(waiting.request.id, waiting.request.method);
    end(waiting, 'The ledger does not answer in time. What was sent may still be done; ask again with the same key.');
  }

  #endAll(why: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#givenUp.clear();
    for (const waiting of all) end(waiting, `The ledger cannot be reached: ${why}. What was sent may be done.`);
  }
}

/** The end of a request that the ledger does not answer. */
function end({ request, settle, fail }: Waiting, message: string): void {
  if (REFUSING.has(request.method)) settle(unavailable(message));
  else fail(new LedgerUnavailable(message));
}

function refusedNow(method: LedgerMethod, message: string): Promise<unknown> {
  return REFUSING.has(method) ? Promise.resolve(unavailable(message)) : Promise.reject(new LedgerUnavailable(message));
}
