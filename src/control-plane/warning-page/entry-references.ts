/**
 * The page thread's end of the question under which reference an entry was ordered: asks the control thread, once for all
 * who look at the same entry, and remembers the answer for a while. The page waits REPLY_TIMEOUT_MS at the most and is
 * shown without a reference then; while an answer is late, nobody else waits for one from that list.
 */
import { randomInt } from 'node:crypto';
import { monotonicMs } from '../../clock.ts';
import { RateLimiter } from '../admin/rate-limiter.ts';
import type { ReferenceAnswer, ReferenceQuestion } from '../messages.ts';
import type { BlockedHost } from './blocked-host.ts';
import { shownReference } from './shown-reference.ts';

/** Questions under way. */
export const PENDING_MAX = 32;
/** How long a reader waits for it. */
export const REPLY_TIMEOUT_MS = 150;
/** How long an answer that is late is still taken; then the next reader's question is asked. */
export const LATE_MS = 3_000;
/** Answers that are remembered: of some 200 characters. */
export const REMEMBERED_MAX = 2_000;
/** A change makes another version of the list, which is asked for anew: these bound what else may go wrong. */
export const FOUND_MS = 60_000;
export const NONE_MS = 10_000;
/** A list of which nothing can be said now (its ledger cannot be read, it was looked through too often) is asked about by no view. */
export const UNAVAILABLE_MS = 2_000;
/**
 * Questions that are sent, of all lists. Why: each wakes three threads, which together take some 300 us of the processor that
 * queries are answered on; people who look at blocked names ask about a few entries a second.
 */
export const QUESTION_RATE = { burst: 200, perSecond: 100, keysMax: 1 } as const;

const ID_START_MAX = 2 ** 47;

export type ReferenceOf = (blocked: BlockedHost) => string | undefined | Promise<string | undefined>;

interface Pending {
  readonly id: number;
  readonly list: string;
  readonly key: string;
  readonly reply: Promise<string | undefined>;
  readonly resolve: (reference: string | undefined) => void;
  timer: NodeJS.Timeout;
  isLate: boolean;
}

interface Remembered {
  readonly reference: string | undefined;
  readonly untilMs: number;
}

export interface EntryReferencesOptions {
  readonly send: (id: number, question: ReferenceQuestion) => void;
  readonly nowMs?: () => number;
}

export class EntryReferences {
  readonly #options: EntryReferencesOptions;
  readonly #pendingById = new Map<number, Pending>();
  readonly #pendingByKey = new Map<string, Pending>();
  /** In order of use, the least recent first. */
  readonly #remembered = new Map<string, Remembered>();
  /** Until when no question is asked about a list. As many as the configuration has lists; cleared with it. */
  readonly #restsUntilMs = new Map<string, number>();
  readonly #rate = new RateLimiter(QUESTION_RATE);
  readonly #nowMs: () => number;
  /** Why by chance: an answer to a question of the thread before this one must not be taken for one to a question of ours. */
  #lastId = randomInt(ID_START_MAX);

  constructor(options: EntryReferencesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? monotonicMs;
  }

  /** What the page shows as the reference; undefined: none, or none is known in time. Errors: none. */
  of: ReferenceOf = ({ list, version, entry, name, target }) => {
    const isOwnName = (target ?? name) === entry;
    const key = `${list} ${version} ${entry} ${isOwnName}`;
    const known = this.#recall(key);
    if (known !== undefined) return known.reference;
    if (this.#isResting(list) || this.#isLate(list)) return undefined;
    const pending = this.#pendingByKey.get(key);
    if (pending !== undefined) return pending.reply;
    if (this.#pendingById.size >= PENDING_MAX || !this.#rate.take('', this.#nowMs())) return undefined;
    return this.#ask(key, { list, entry, isOwnName });
  };

  take(id: number, answer: ReferenceAnswer): void {
    const pending = this.#pendingById.get(id);
    if (pending === undefined) return;
    this.#forget(pending);
    if (answer.kind === 'unavailable') {
      this.#restsUntilMs.set(pending.list, this.#nowMs() + UNAVAILABLE_MS);
      pending.resolve(undefined);
      return;
    }
    const reference = answer.kind === 'found' ? shownReference(answer.reference) : undefined;
    const ms = reference === undefined ? NONE_MS : FOUND_MS;
    if (this.#remembered.size >= REMEMBERED_MAX) {
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    this.#remembered.set(pending.key, { reference, untilMs: this.#nowMs() + ms });
    pending.resolve(reference);
  }

  /** Lists may be others now. */
  clear(): void {
    this.#remembered.clear();
    this.#restsUntilMs.clear();
    for (const pending of this.#pendingById.values()) {
      this.#forget(pending);
      pending.resolve(undefined);
    }
  }

  #recall(key: string): Remembered | undefined {
    const known = this.#remembered.get(key);
    if (known === undefined) return undefined;
    this.#remembered.delete(key);
    if (known.untilMs <= this.#nowMs()) return undefined;
    this.#remembered.set(key, known);
    return known;
  }

  #isResting(list: string): boolean {
    const untilMs = this.#restsUntilMs.get(list);
    if (untilMs === undefined) return false;
    if (this.#nowMs() < untilMs) return true;
    this.#restsUntilMs.delete(list);
    return false;
  }

  /** Cost: PENDING_MAX looks. Why by list: one that has to be read from the disk must not stand in the way of others. */
  #isLate(list: string): boolean {
    for (const pending of this.#pendingById.values()) if (pending.isLate && pending.list === list) return true;
    return false;
  }

  #ask(key: string, question: ReferenceQuestion): Promise<string | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise: reply, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => this.#overdue(pending), REPLY_TIMEOUT_MS);
    const pending: Pending = { id, list: question.list, key, reply, resolve, timer, isLate: false };
    this.#pendingById.set(id, pending);
    this.#pendingByKey.set(key, pending);
    this.#options.send(id, question);
    return reply;
  }

  #overdue(pending: Pending): void {
    pending.isLate = true;
    pending.timer = setTimeout(() => this.#forget(pending), LATE_MS);
    pending.resolve(undefined);
  }

  #forget(pending: Pending): void {
    clearTimeout(pending.timer);
    this.#pendingById.delete(pending.id);
    this.#pendingByKey.delete(pending.key);
  }
}
