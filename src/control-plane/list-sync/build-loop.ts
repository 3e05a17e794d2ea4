/**
 * When a policy is built: one build at a time, one more for whatever is wished for meanwhile, and again a while after one
 * that could not be done. What a build is, list-sync.ts says.
 */
import { RetryTimer } from './retry-timer.ts';
import type { SyncLog } from './sync-log.ts';

export interface BuildLoopOptions {
  /** Builds and publishes what is newest; false: it has to be tried again. */
  readonly build: () => Promise<boolean>;
  readonly log: SyncLog;
  /** For tests: see RETRY_FIRST_MS. */
  readonly retryFirstMs: number | undefined;
}

export class BuildLoop {
  readonly #options: BuildLoopOptions;
  readonly #retry: RetryTimer;
  #wanted = false;
  #isDone = true;
  #building: Promise<void> | undefined;
  #closed = false;

  constructor(options: BuildLoopOptions) {
    this.#options = options;
    this.#retry = new RetryTimer(() => void this.run(), options.retryFirstMs);
  }

  /** Resolves when a build that began no sooner than now has ended: true where it was good. Errors: none, they are logged. */
  async run(): Promise<boolean> {
    this.#wanted = true;
    this.#building ??= this.#runWhileWanted();
    await this.#building;
    return this.#isDone;
  }

  /** Begins no further one. */
  close(): void {
    this.#closed = true;
    this.#retry.reset();
  }

  async #runWhileWanted(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      this.#isDone = await this.#options.build().catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'a policy could not be published');
        return false;
      });
      if (this.#isDone || this.#closed) this.#retry.reset();
      else this.#retry.later();
    }
    this.#building = undefined;
  }
}
