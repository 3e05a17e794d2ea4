/**
 * What a list's source has come to: whether it was ever asked, when it was last good, and what is wrong with it now. Says
 * each change in the log. Kept by list-task.ts, which decides what is a failure.
 */
import { wallClockMs } from '../../clock.ts';
import type { SyncFailure } from './list-status.ts';
import type { SyncLog } from './sync-log.ts';

export class SourceHealth {
  readonly #list: string;
  readonly #log: SyncLog;
  #failure: SyncFailure | undefined;
  /** The first attempt has ended, well or badly. */
  attempted = false;
  /** Unix seconds; 0: never. */
  lastSuccessSeconds = 0;

  constructor(list: string, log: SyncLog) {
    this.#list = list;
    this.#log = log;
  }

  get failure(): SyncFailure | undefined {
    return this.#failure;
  }

  succeed(): void {
    this.lastSuccessSeconds = Math.floor(wallClockMs() / 1000);
    if (this.#failure !== undefined) this.#log.info({ list: this.#list }, 'the list is good again');
    this.#failure = undefined;
  }

  /** What is wrong is no failure of the source: a person is waited for. */
  clear(): void {
    this.#failure = undefined;
  }

  /** @param keptVersion what stays in force all the same; 0: nothing */
  fail(failure: SyncFailure, keptVersion: number): void {
    this.#failure = failure;
    const kept = keptVersion === 0 ? 'nothing of it is in force' : `version ${keptVersion} stays in force`;
    this.#log.warn({ list: this.#list, reason: failure.reason }, `${failure.message}; ${kept}`);
  }
}
