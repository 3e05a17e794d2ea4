/** A compile runner for tests of what happens while a job waits its turn. */
import type { JobOutcome } from '../../src/control-plane/list-sync/compile-client.ts';
import type { JobKind, JobOf } from '../../src/control-plane/list-sync/compile-jobs.ts';
import { LocalRunner } from './list-sync-harness.ts';

/** Begins no job of some kinds before that kind is let go; once it is closed, jobs fail as those of the thread do. */
export class HeldRunner extends LocalRunner {
  readonly #gates: ReadonlyMap<JobKind, PromiseWithResolvers<void>>;
  /** Every job that was begun. */
  readonly jobs: JobOf<JobKind>[] = [];
  #isClosed = false;
  /** The first job of such a kind has come. */
  readonly begun = Promise.withResolvers<void>();

  constructor(...kinds: JobKind[]) {
    super();
    this.#gates = new Map(kinds.map((kind) => [kind, Promise.withResolvers<void>()]));
  }

  override async run<K extends JobKind>(job: JobOf<K>): Promise<JobOutcome<K>> {
    const gate = this.#gates.get(job.kind);
    if (gate !== undefined) {
      this.begun.resolve();
      await gate.promise;
    }
    if (this.#isClosed) return { kind: 'failed', message: 'the compile thread was closed' };
    this.jobs.push(job);
    return super.run(job);
  }

  go(kind: JobKind): void {
    this.#gates.get(kind)?.resolve();
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    for (const gate of this.#gates.values()) gate.resolve();
    await super.close();
  }
}
