/**
 * The page thread's end of the appeals desk: sends a question on its way to the control thread and waits for the reply, a
 * bounded number of them for a bounded time. No reply is an answer too: the reader is told that it did not work.
 */
import { randomInt } from 'node:crypto';
import type { AppealQuestion, AppealReply } from '../appeal-messages.ts';

/** Questions that wait at a time. */
export const PENDING_MAX = 64;
/** A proof asks servers elsewhere; the ledger answers in milliseconds. */
export const REPLY_TIMEOUT_MS = 5_000;
export const PROOF_TIMEOUT_MS = 20_000;

const ID_START_MAX = 2 ** 47;

export type AskDesk = (question: AppealQuestion) => Promise<AppealReply>;

const UNAVAILABLE: AppealReply = { kind: 'unavailable' };

interface Waiting {
  readonly resolve: (reply: AppealReply) => void;
  readonly timer: NodeJS.Timeout;
}

export class DeskQuestions {
  readonly #send: (id: number, question: AppealQuestion) => void;
  readonly #waiting = new Map<number, Waiting>();
  /** Why by chance: a reply to a question of the thread before this one must not be taken for one to a question of ours. */
  #lastId = randomInt(ID_START_MAX);

  constructor(send: (id: number, question: AppealQuestion) => void) {
    this.#send = send;
  }

  ask: AskDesk = async (question) => {
    if (this.#waiting.size >= PENDING_MAX) return UNAVAILABLE;
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<AppealReply>();
    const timeoutMs = question.kind === 'prove' ? PROOF_TIMEOUT_MS : REPLY_TIMEOUT_MS;
    this.#waiting.set(id, { resolve, timer: setTimeout(() => this.take(id, UNAVAILABLE), timeoutMs) });
    this.#send(id, question);
    return promise;
  };

  /** Takes the reply to a question; one that comes too late is for nobody. */
  take(id: number, reply: AppealReply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(reply);
  }
}
