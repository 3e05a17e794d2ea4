/**
 * Questions under way to upstreams: identical ones share an exchange, and everyone who waits for it is remembered here
 * with the query as it came. Behind the cache, in front of the upstream pool. Bounded in exchanges (by the pool) and in
 * waiters (here). It answers nobody itself: an answer goes back to resolve.ts, which asks policy again.
 * RFC 8767 5: a client is not kept waiting for an upstream when a stale answer is at hand.
 */
import type { CachedAnswer } from './cache/cached-answer.ts';
import type { KeyedHash } from './limits/keyed-hash.ts';
import { WaitingClients } from './limits/waiting-clients.ts';
import type { ReplyPath } from './listener/arrival.ts';
import type { UpstreamExchanger, UpstreamOutcome, UpstreamQuestion } from './upstream/upstream.ts';

/** "a client response timer ... 1.8 seconds is RECOMMENDED" (RFC 8767 5). */
export const STALE_ANSWER_AFTER_MS = 1_800;
/** Clients that may wait for upstreams at a time, on one thread. */
export const WAITERS_MAX = 20_000;
/** Clients that may wait for one exchange. */
export const WAITERS_PER_EXCHANGE_MAX = 2_000;
/** Octets of their queries, which may be 65,535 each. */
export const WAITER_BYTES_MAX = 32 * 1024 * 1024;
/** Exchanges that a stale answer may stand in for when they are late; the clients of one more wait for its outcome. */
export const STALE_PENDING_MAX = 20_000;

export interface Waiter {
  /** The query, copied: its octets as characters 0 to 255 (see CachedAnswer.octets for why). */
  readonly message: string;
  readonly reply: ReplyPath;
  /** The client as limits count it. */
  readonly clientHigh: number;
  readonly clientLow: number;
  readonly transport: number;
  readonly receivedAtMs: number;
  /** A copy; undefined where nobody needs it. */
  readonly client: Uint8Array | undefined;
  readonly isLate: true;
}

export interface Exchange {
  readonly key: number;
  readonly question: UpstreamQuestion;
  readonly startedAtMs: number;
  /** An answer past its TTL that may stand in. */
  readonly stale: CachedAnswer | undefined;
  waiters: Waiter[];
  /** What the upstream's answer was read as. */
  answer: CachedAnswer | undefined;
}

export interface ExchangeEvents {
  /** Reads an answer into `exchange.answer`. False: it makes no sense, and another upstream is asked. */
  onAnswer(exchange: Exchange, message: Uint8Array): boolean;
  /** Called once an exchange; its waiters are the handler's to answer. */
  onOutcome(exchange: Exchange, outcome: UpstreamOutcome, waiters: readonly Waiter[]): void;
  /** The upstream is late and `exchange.stale` is there; the waiters are the handler's to answer. */
  onLate(exchange: Exchange, waiters: readonly Waiter[]): void;
}

export class Exchanges {
  readonly #underWay = new Map<number, Exchange>();
  /** Exchanges under way with a stale answer at hand, oldest first. */
  readonly #stalePending = new Set<Exchange>();
  readonly #upstream: UpstreamExchanger;
  readonly #events: ExchangeEvents;
  readonly #clients: WaitingClients;
  #waiters = 0;
  #waiterBytes = 0;

  constructor(upstream: UpstreamExchanger, events: ExchangeEvents, hash: KeyedHash) {
    this.#clients = new WaitingClients(hash);
    this.#upstream = upstream;
    this.#events = events;
  }

  get waiterCount(): number {
    return this.#waiters;
  }

  /** Queries of one client that wait. */
  waitingOf(clientHigh: number, clientLow: number): number {
    return this.#clients.count(clientHigh, clientLow);
  }

  /** The exchange under way for exactly this question. */
  find(key: number, question: UpstreamQuestion): Exchange | undefined {
    const exchange = this.#underWay.get(key);
    return exchange !== undefined && isSameQuestion(exchange.question, question) ? exchange : undefined;
  }

  /** False: no more clients may wait. */
  wait(exchange: Exchange, waiter: Waiter): boolean {
    if (this.#waiters >= WAITERS_MAX || exchange.waiters.length >= WAITERS_PER_EXCHANGE_MAX) return false;
    if (this.#waiterBytes + waiter.message.length > WAITER_BYTES_MAX) return false;
    exchange.waiters.push(waiter);
    this.#waiters++;
    this.#clients.add(waiter.clientHigh, waiter.clientLow);
    this.#waiterBytes += waiter.message.length;
    return true;
  }

  start(key: number, question: UpstreamQuestion, stale: CachedAnswer | undefined, nowMs: number): Exchange {
    const exchange: Exchange = { key, question, startedAtMs: nowMs, stale, waiters: [], answer: undefined };
    // Why first: a bug met in there must leave nothing behind that others would wait for.
    this.#upstream.exchange(
      question,
      (outcome) => this.#finish(exchange, outcome),
      (message) => this.#events.onAnswer(exchange, message),
    );
    // Why: a key shared by two names (a hash collision) only costs the sharing.
    if (!this.#underWay.has(key)) this.#underWay.set(key, exchange);
    if (stale !== undefined && this.#stalePending.size < STALE_PENDING_MAX) this.#stalePending.add(exchange);
    return exchange;
  }

  /** Whether anyone waits for an exchange that began at `beforeMs` or earlier. Cost: the exchanges under way. */
  isAwaiting(beforeMs: number): boolean {
    for (const exchange of this.#underWay.values()) {
      if (exchange.startedAtMs <= beforeMs && exchange.waiters.length > 0) return true;
    }
    return false;
  }

  #finish(exchange: Exchange, outcome: UpstreamOutcome): void {
    this.#stalePending.delete(exchange);
    if (this.#underWay.get(exchange.key) === exchange) this.#underWay.delete(exchange.key);
    this.#events.onOutcome(exchange, outcome, this.#takeWaiters(exchange));
  }

  #takeWaiters(exchange: Exchange): readonly Waiter[] {
    const { waiters } = exchange;
    exchange.waiters = [];
    this.#waiters -= waiters.length;
    for (const { message, clientHigh, clientLow } of waiters) {
      this.#waiterBytes -= message.length;
      this.#clients.remove(clientHigh, clientLow);
    }
    return waiters;
  }

  /** Lets late exchanges be answered with what is stale. Called a few times a second. */
  tick(nowMs: number): void {
    for (const exchange of this.#stalePending) {
      if (nowMs - exchange.startedAtMs < STALE_ANSWER_AFTER_MS) break;
      this.#stalePending.delete(exchange);
      if (exchange.waiters.length === 0 || !this.isLate(exchange, nowMs)) continue;
      this.#events.onLate(exchange, this.#takeWaiters(exchange));
    }
  }

  /** Whether this exchange is late and has something to answer with at once that is not too old for it. */
  isLate(exchange: Exchange, nowMs: number): boolean {
    const { stale, startedAtMs } = exchange;
    return stale !== undefined && nowMs < stale.staleUntilMs && nowMs - startedAtMs >= STALE_ANSWER_AFTER_MS;
  }
}

function isSameQuestion(a: UpstreamQuestion, b: UpstreamQuestion): boolean {
  return (
    a.qtype === b.qtype &&
    a.dnssecOk === b.dnssecOk &&
    a.checkingDisabled === b.checkingDisabled &&
    a.qname.length === b.qname.length &&
    a.qname.every((octet, i) => octet === b.qname[i])
  );
}
