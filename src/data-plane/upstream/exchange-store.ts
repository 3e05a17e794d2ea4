/**
 * Keeps exchanges and attempts for the next query, and the list of each exchange's attempts.
 */
import { UpstreamOutcomeRow } from '../../telemetry/counter-labels.ts';
import { Attempt, Exchange } from './exchange.ts';
import type { UpstreamLink } from './upstream-link.ts';

/** Kept for reuse at most; more than that under way at once is rare, and the collector takes the rest. */
const FREE_MAX = 4096;

export class ExchangeStore {
  readonly #exchanges: Exchange[] = [];
  readonly #attempts: Attempt[] = [];

  /** An exchange whose fields are as new; its query buffer holds another query's octets. */
  takeExchange(): Exchange {
    return this.#exchanges.pop() ?? new Exchange();
  }

  freeExchange(exchange: Exchange): void {
    if (this.#exchanges.length >= FREE_MAX) return;
    exchange.question = undefined;
    exchange.attemptsStarted = 0;
    exchange.triedMask = 0;
    exchange.badMask = 0;
    exchange.badAnswer = undefined;
    exchange.isMalformed = false;
    exchange.networkFailures = 0;
    exchange.refusals = 0;
    this.#exchanges.push(exchange);
  }

  takeAttempt(exchange: Exchange, link: UpstreamLink, nowMs: number): Attempt {
    const attempt = this.#attempts.pop() ?? new Attempt();
    attempt.exchange = exchange;
    attempt.link = link;
    attempt.sentAtMs = nowMs;
    attempt.isCounted = false;
    attempt.isResent = false;
    linkAttempt(attempt);
    return attempt;
  }

  freeAttempt(attempt: Attempt): void {
    if (this.#attempts.length < FREE_MAX) this.#attempts.push(attempt);
  }
}

/** Adds an attempt to its exchange's list. */
export function linkAttempt(attempt: Attempt): void {
  const { exchange } = attempt;
  attempt.next = exchange.attempts;
  exchange.attempts = attempt;
}

/** Takes an attempt out of its exchange's list. */
export function unlinkAttempt(attempt: Attempt): void {
  const { exchange } = attempt;
  if (exchange.attempts === attempt) {
    exchange.attempts = attempt.next;
  } else {
    let before = exchange.attempts;
    while (before !== undefined && before.next !== attempt) before = before.next;
    if (before !== undefined) before.next = attempt.next;
  }
  attempt.next = undefined;
}

/** When the oldest attempt that is neither answered nor late was sent; Infinity when there is none. */
export function oldestLiveSentAtMs(exchange: Exchange): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (let attempt = exchange.attempts; attempt !== undefined; attempt = attempt.next) {
    if (!attempt.isCounted && attempt.sentAtMs < oldestMs) oldestMs = attempt.sentAtMs;
  }
  return oldestMs;
}

/** Counts each attempt that has just become late as a timeout; a response may still come and be used. */
export function countTimeouts(exchange: Exchange, nowMs: number, attemptTimeoutMs: number): void {
  for (let attempt = exchange.attempts; attempt !== undefined; attempt = attempt.next) {
    const elapsedMs = nowMs - attempt.sentAtMs;
    if (attempt.isCounted || elapsedMs < attemptTimeoutMs) continue;
    attempt.isCounted = true;
    attempt.link.count(UpstreamOutcomeRow.timeout);
    attempt.link.failed(elapsedMs, nowMs);
  }
}
