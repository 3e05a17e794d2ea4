/** A compile runner for tests of what happens while a job waits its turn. */
import type { JobOutcome } from '../../src/control-plane/list-sync/compile-client.ts';
import type { JobKind, JobOf } from '../../src/control-plane/list-sync/compile-jobs.ts';
import { LocalRunner } from './list-sync-harness.ts';

/** Begins no job of one kind before it is let go; once it is closed, jobs fail as those of the thread do. */
export class HeldRunner extends LocalRunner {
  readonly #kind: JobKind;
  readonly #gate = Promise.withResolvers<void>();
  #isClosed = false;
  readonly begun = Promise.withResolvers<void>();

  constructor(kind: JobKind) {
    super();
    this.#kind = kind;
  }

  override async run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>> {
    if (job.kind === this.#kind) {
      this.begun.resolve();
      await this.#gate.promise;
    }
    return this.#isClosed ? { kind: 'failed', message: 'the compile thread was closed' } : super.run(job);
  }

  go(): void {
    this.#gate.resolve();
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    this.#gate.resolve();
    await super.close();
  }
}
