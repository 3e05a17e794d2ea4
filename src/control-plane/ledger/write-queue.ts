/**
 * One writer at a time, in order. Small work runs as one piece; long work gives way to whatever else waits for the thread
 * (reads, a heartbeat, staging) every few milliseconds while its transaction stays open, and only other writers wait.
 */
import { setImmediate } from 'node:timers/promises';
import { monotonicMs } from '../../clock.ts';
import type { LedgerConnection } from './ledger-connection.ts';

/** Units: milliseconds between two turns of the event loop. */
const SLICE_MS = 10;

export class WriteQueue {
  readonly #tables: LedgerConnection;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(tables: LedgerConnection) {
    this.#tables = tables;
  }

  /** Does nobody write and nobody wait to? */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** In one transaction. Errors: rejects with what `work` throws; nothing is changed then. */
  small<T>(work: () => T): Promise<T> {
    return this.#inTurn(() => this.#tables.transaction(work));
  }

  /** In one transaction, in slices, or, `inOnePiece`, without a break. What `isGood` refuses is taken back. */
  long<T>(work: () => Generator<void, T>, isGood: (result: T) => boolean, inOnePiece = false): Promise<T> {
    return this.#inTurn(async () => {
      this.#tables.db.exec('BEGIN IMMEDIATE');
      try {
        const result = inOnePiece ? toTheEnd(work()) : await inSlices(work());
        if (isGood(result)) this.#tables.db.exec('COMMIT');
        return result;
      } finally {
        this.#tables.rollBack();
      }
    });
  }

  /** Resolves when everything that was asked for so far has ended. */
  async settled(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  async #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#turn.then(work).finally(() => (this.#waiting -= 1));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  let startedMs = monotonicMs();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (monotonicMs() - startedMs < SLICE_MS) continue;
    await setImmediate();
    startedMs = monotonicMs();
  }
}

function toTheEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
