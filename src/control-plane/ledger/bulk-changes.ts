/**
 * The bulk changes that are being staged: one at a time for each list, given up when nothing more comes of them. Beside
 * them those that are sent again, of which nothing is staged.
 */
import { randomInt } from 'node:crypto';
import { BulkChange, feedRefusal, type ChangeHead, type ChangeSource } from './bulk-change.ts';
import { refuse, type LedgerContext, type ListContext } from './ledger-context.ts';
import { storeRefusal } from './ledger-failure.ts';
import type { FeedUpdate, LedgerRefusal, ProposedEntry, ProposedRemoval } from './ledger.ts';
import { listHead } from './list-heads.ts';
import { RepeatedChange } from './repeated-change.ts';
import { FileStage } from './staged-change.ts';

/** Units: milliseconds without another piece, after which a bulk change is given up. */
export const IDLE_MS = 600_000;
const FIRST_ID_MAX = 2 ** 47;

interface Running {
  readonly bulk: BulkChange | RepeatedChange;
  timer: NodeJS.Timeout;
}

export class BulkChanges {
  readonly #stateDirectory: string;
  readonly #running = new Map<number, Running>();
  /** Why not from 1: a sender that began before the thread was started again must not meet another's change by its id. */
  #lastId = randomInt(FIRST_ID_MAX);

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  begin(
    context: LedgerContext,
    target: ListContext,
    source: ChangeSource,
  ): { kind: 'begun'; id: number } | LedgerRefusal {
    const list = target.settings.name;
    for (const { bulk } of this.#running.values()) {
      if (bulk instanceof BulkChange && bulk.list === list)
        return refuse('changeRunning', `A bulk change of the list ${list} is under way.`);
    }
    if (source.kind === 'feed') {
      const refusal = feedRefusalNow(context, source.update);
      if (refusal !== undefined) return refusal;
    }
    try {
      return this.#run(new BulkChange(context, target, source, new FileStage(this.#stateDirectory)));
    } catch (error) {
      const refusal = storeRefusal(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  /** One whose key has an answer. */
  repeat(request: ChangeHead): { kind: 'begun'; id: number } {
    return this.#run(new RepeatedChange(request));
  }

  #run(bulk: BulkChange | RepeatedChange): { kind: 'begun'; id: number } {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#running.set(id, { bulk, timer: this.#timer(id) });
    return { kind: 'begun', id };
  }

  stage(id: number, add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    clearTimeout(running.timer);
    running.timer = this.#timer(id);
    running.bulk.add(add, remove);
  }

  /** The change, which is the caller's from here on and whose id stands for nothing any more. */
  take(id: number): BulkChange | RepeatedChange | undefined {
    const running = this.#running.get(id);
    if (running === undefined) return undefined;
    clearTimeout(running.timer);
    this.#running.delete(id);
    return running.bulk;
  }

  abandon(id: number): void {
    const change = this.take(id);
    if (change instanceof BulkChange) change.discard();
  }

  close(): void {
    for (const id of this.#running.keys()) this.abandon(id);
  }

  #timer(id: number): NodeJS.Timeout {
    return setTimeout(() => this.abandon(id), IDLE_MS).unref();
  }
}

/** Why also at the commit: what the list has may move while the update is staged. */
function feedRefusalNow({ read }: LedgerContext, update: FeedUpdate): LedgerRefusal | undefined {
  const head = listHead(read, update.list);
  const isFirst = head === undefined && (update.fromVersion ?? 0) !== 0;
  if (isFirst) return refuse('versionUnknown', `The list ${update.list} has no version of the feed yet.`);
  return head === undefined ? undefined : feedRefusal(head, update);
}
