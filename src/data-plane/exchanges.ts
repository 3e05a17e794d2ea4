/**
 * Questions under way to upstreams: identical ones share an exchange, and everyone who waits for it is remembered here
 * with the query as it came. Behind the cache, in front of the upstream pool. Bounded in exchanges (by the pool) and in
 * waiters (here). It answers nobody itself: an answer goes back to resolve.ts, which asks policy again.
 * RFC 8767 5: a client is not kept waiting for an upstream when a stale answer is at hand.
 */
import { FOLD, NAME_BYTES_MAX } from '../dns/name.ts';
import type { QuestionView } from '../dns/query-view.ts';
import type { Answer } from './cache/answer.ts';
import { ExchangeTable } from './exchange-table.ts';
import type { KeyedHash } from './limits/keyed-hash.ts';
import { WaitingClients } from './limits/waiting-clients.ts';
import type { UpstreamExchanger, UpstreamOutcome, UpstreamQuestion, UpstreamReceiver } from './upstream/upstream.ts';
import { type Waiter, WaiterStore } from './waiter.ts';

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

/** Exchanges kept for reuse. */
const FREE_MAX = 2_048;

/** One question under way. The object is used again for another when it has ended and its clients are answered. */
export class Exchange implements UpstreamQuestion, UpstreamReceiver, QuestionView {
  key = 0;
  readonly qname = Buffer.alloc(NAME_BYTES_MAX);
  readonly qnameStart = 0;
  qnameBytes = 0;
  qtype = 0;
  dnssecOk = false;
  checkingDisabled = false;
  startedAtMs = 0;
  /** An answer past its TTL that may stand in. */
  stale: Answer | undefined = undefined;
  readonly waiters: Waiter[] = [];
  /** The table's own. */
  next: Exchange | undefined = undefined;
  readonly #exchanges: ExchangeReceiver;

  constructor(exchanges: ExchangeReceiver) {
    this.#exchanges = exchanges;
  }

  /** Where the name lies. */
  get bytes(): Uint8Array {
    return this.qname;
  }

  onAnswer(bytes: Uint8Array, start: number, end: number, nowMs: number): boolean {
    return this.#exchanges.onAnswer(this, bytes, start, end, nowMs);
  }

  onOutcome(outcome: UpstreamOutcome, nowMs: number): void {
    this.#exchanges.onOutcome(this, outcome, nowMs);
  }
}

interface ExchangeReceiver {
  onAnswer(exchange: Exchange, bytes: Uint8Array, start: number, end: number, nowMs: number): boolean;
  onOutcome(exchange: Exchange, outcome: UpstreamOutcome, nowMs: number): void;
}

export interface ExchangeEvents {
  /** Reads the answer in bytes[start, end), which is the outcome then. False: it makes no sense, and another upstream is asked. */
  onAnswer(exchange: Exchange, bytes: Uint8Array, start: number, end: number, nowMs: number): boolean;
  /** Called once an exchange; its waiters are the handler's to answer, and nobody's when it returns. */
  onOutcome(exchange: Exchange, outcome: UpstreamOutcome, waiters: readonly Waiter[], nowMs: number): void;
  /** The upstream is late and `exchange.stale` is there; the waiters are the handler's to answer, as above. */
  onLate(exchange: Exchange, waiters: readonly Waiter[], nowMs: number): void;
}

export class Exchanges implements ExchangeReceiver {
  readonly #underWay = new ExchangeTable();
  /** Exchanges under way with a stale answer at hand, oldest first. */
  readonly #stalePending = new Set<Exchange>();
  readonly #upstream: UpstreamExchanger;
  readonly #events: ExchangeEvents;
  readonly #clients: WaitingClients;
  readonly #free: Exchange[] = [];
  readonly #waiterStore = new WaiterStore();
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
  find(key: number, query: QuestionView, isCheckingDisabled: boolean): Exchange | undefined {
    return this.#underWay.find(key, query, isCheckingDisabled);
  }

  /** Whether one more client may wait, for this exchange or (undefined) a new one, with a query of so many octets. */
  hasRoom(exchange: Exchange | undefined, messageBytes: number): boolean {
    if (this.#waiters >= WAITERS_MAX) return false;
    if (exchange !== undefined && exchange.waiters.length >= WAITERS_PER_EXCHANGE_MAX) return false;
    return this.#waiterBytes + messageBytes <= WAITER_BYTES_MAX;
  }

  /** A place for one more client, to be filled in and given to `wait`. */
  takeWaiter(): Waiter {
    return this.#waiterStore.take();
  }

  /** Lets a client wait; there must be room. */
  wait(exchange: Exchange, waiter: Waiter): void {
    exchange.waiters.push(waiter);
    this.#waiters++;
    this.#clients.add(waiter.clientHigh, waiter.clientLow);
    this.#waiterBytes += waiter.messageBytes;
  }

  start(
    key: number,
    query: QuestionView,
    isCheckingDisabled: boolean,
    stale: Answer | undefined,
    nowMs: number,
  ): Exchange {
    const exchange = this.#free.pop() ?? new Exchange(this);
    const { bytes, qnameStart, qnameBytes } = query;
    exchange.key = key;
    for (let i = 0; i < qnameBytes; i++) exchange.qname[i] = FOLD[bytes[qnameStart + i]!]!;
    exchange.qnameBytes = qnameBytes;
    exchange.qtype = query.qtype;
    exchange.dnssecOk = query.dnssecOk;
    exchange.checkingDisabled = isCheckingDisabled;
    exchange.startedAtMs = nowMs;
    exchange.stale = stale;
    // Why first: a bug met in there must leave nothing behind that others would wait for.
    this.#upstream.exchange(exchange, exchange, nowMs);
    this.#underWay.add(exchange);
    if (stale !== undefined && this.#stalePending.size < STALE_PENDING_MAX) this.#stalePending.add(exchange);
    return exchange;
  }

  /** Whether anyone waits for an exchange that began at `beforeMs` or earlier. Cost: the exchanges under way. */
  isAwaiting(beforeMs: number): boolean {
    for (const exchange of this.#underWay) {
      if (exchange.startedAtMs <= beforeMs && exchange.waiters.length > 0) return true;
    }
    return false;
  }

  onAnswer(exchange: Exchange, bytes: Uint8Array, start: number, end: number, nowMs: number): boolean {
    return this.#events.onAnswer(exchange, bytes, start, end, nowMs);
  }

  onOutcome(exchange: Exchange, outcome: UpstreamOutcome, nowMs: number): void {
    if (exchange.stale !== undefined) this.#stalePending.delete(exchange);
    this.#underWay.remove(exchange);
    const { waiters } = exchange;
    this.#countOut(waiters);
    this.#events.onOutcome(exchange, outcome, waiters, nowMs);
    this.#freeAll(waiters);
    exchange.stale = undefined;
    if (this.#free.length < FREE_MAX) this.#free.push(exchange);
  }

  #countOut(waiters: readonly Waiter[]): void {
    this.#waiters -= waiters.length;
    for (let i = 0; i < waiters.length; i++) {
      const { messageBytes, clientHigh, clientLow } = waiters[i]!;
      this.#waiterBytes -= messageBytes;
      this.#clients.remove(clientHigh, clientLow);
    }
  }

  #freeAll(waiters: Waiter[]): void {
    for (let waiter = waiters.pop(); waiter !== undefined; waiter = waiters.pop()) this.#waiterStore.free(waiter);
  }

  /** Lets late exchanges be answered with what is stale. Called a few times a second. */
  tick(nowMs: number): void {
    for (const exchange of this.#stalePending) {
      if (nowMs - exchange.startedAtMs < STALE_ANSWER_AFTER_MS) break;
      this.#stalePending.delete(exchange);
      if (exchange.waiters.length === 0 || !this.isLate(exchange, nowMs)) continue;
      // Why taken out first: answering one may bring the next query of its connection, which may wait here again.
      const waiters = exchange.waiters.splice(0);
      this.#countOut(waiters);
      this.#events.onLate(exchange, waiters, nowMs);
      this.#freeAll(waiters);
    }
  }

  /** Whether this exchange is late and has something to answer with at once that is not too old for it. */
  isLate(exchange: Exchange, nowMs: number): boolean {
    const { stale, startedAtMs } = exchange;
    return stale !== undefined && nowMs < stale.staleUntilMs && nowMs - startedAtMs >= STALE_ANSWER_AFTER_MS;
  }
}
