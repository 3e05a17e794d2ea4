/**
 * The query path, on one screen: accept -> limits of the client -> special names and policy on the question -> cache ->
 * limits of what goes upstream -> upstream -> policy on the response -> finish. `resolve` is its synchronous half and works
 * in place on the octets the listener received; only a miss becomes an object that waits. Policy is asked before the cache, and again before every answer that comes later:
 * the lists may have changed meanwhile. It never touches a socket and never waits for the control plane.
 */
import type { Config } from '../config/config.ts';
import { HeaderFlag, Rcode, RecordType } from '../dns/iana.ts';
import { ExtendedError } from '../dns/extended-error.ts';
import { emptyPadding } from '../dns/padding.ts';
import { copyOctets } from '../dns/patch.ts';
import { QueryView, readQuery } from '../dns/query-view.ts';
import { VerdictKind } from '../policy/policy.ts';
import { LimitRow, TransportRow } from '../telemetry/counter-labels.ts';
import { Counter, dropCounter } from '../telemetry/counters.ts';
import type { QuerySketchWriter } from '../telemetry/query-sketch.ts';
import { accept, NOT_AUTHORITATIVE, wantsRecursion } from './accept.ts';
import { Answer } from './cache/answer.ts';
import { AnswerCache } from './cache/answer-cache.ts';
import { isReplaceableFailure, readAnswer, readFailure } from './cache/read-answer.ts';
import { type Exchange, Exchanges } from './exchanges.ts';
import { ClientLimits } from './limits/client-limits.ts';
import type { HeavyClients } from './limits/heavy-clients.ts';
import { KeyedHash } from './limits/keyed-hash.ts';
import { UpstreamLimits } from './limits/upstream-limits.ts';
import { ANSWERED_LATER, type Arrival, DROPPED } from './listener/arrival.ts';
import { Respond } from './respond.ts';
import type { UpstreamExchanger, UpstreamOutcome } from './upstream/upstream.ts';
import type { Waiter } from './waiter.ts';

/** A popular answer is fetched again in the last tenth of its life. */
const PREFETCH_REMAINING_FRACTION = 0.1;
const PREFETCH_HITS_MIN = 3;
/** After a failed refresh a stale answer serves this long before upstreams are asked again (RFC 8767 5). */
const FAILURE_RECHECK_MS = 30_000;
/** The same where they could not even be asked. */
const OVERLOAD_RECHECK_MS = 1_000;
const SCRATCH_BYTES = 65_537;

export class Resolver {
  cache: AnswerCache;
  readonly respond: Respond;
  #exchanges: Exchanges;
  #limits: Config['cache'];
  readonly #clientLimits: ClientLimits;
  readonly #upstreamLimits: UpstreamLimits;
  #isAnyMinimal: boolean;
  readonly #cells: Float64Array;
  readonly #asked: QuerySketchWriter | undefined;
  readonly #query = new QueryView();
  readonly #lateQuery = new QueryView();
  /** What an upstream has just said. */
  readonly #received = new Answer();
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

  /** `asked`: counts names that are not blocked; what is blocked now, a list could not block newly. */
  constructor(
    config: Config,
    upstream: UpstreamExchanger,
    respond: Respond,
    cells: Float64Array,
    asked?: QuerySketchWriter,
  ) {
    this.#limits = config.cache;
    this.#isAnyMinimal = config.limits.anyMinimal;
    const hash = new KeyedHash();
    this.#clientLimits = new ClientLimits(config.limits, hash, cells);
    this.#upstreamLimits = new UpstreamLimits(config.limits, hash, cells);
    this.cache = new AnswerCache(config.cache.bytesMax);
    this.respond = respond;
    this.#cells = cells;
    this.#asked = asked;
    this.#exchanges = new Exchanges(
      upstream,
      {
        onAnswer: (exchange, bytes, start, end, nowMs) => this.#read(exchange, bytes, start, end, nowMs),
        onOutcome: (exchange, outcome, waiters, nowMs) => this.#complete(exchange, outcome, waiters, nowMs),
        onLate: (exchange, waiters, nowMs) => this.#answerAll(waiters, exchange.stale!, nowMs),
      },
      hash,
    );
  }

  /** Who is furthest over the limits. */
  get heavy(): HeavyClients {
    return this.#clientLimits.heavy;
  }

  /** One query: the length of the response now in place, DROPPED, or ANSWERED_LATER. */
  resolve(arrival: Arrival): number {
    const query = this.#query;
    const { respond } = this;
    readQuery(query, arrival.bytes, arrival.start, arrival.end);
    respond.begin(query, arrival);
    const refusal = accept(query, respond.access, arrival.client);
    respond.countQuery(query, arrival.transport, arrival.family);
    if (refusal?.kind === 'drop') return respond.refuse(query, arrival, refusal);
    // Why also what is refused: a refusal is a response, and may hit whoever's address was forged.
    const excess = this.#clientLimits.excessOf(query, arrival, respond);
    if (excess !== undefined) return respond.refuse(query, arrival, excess);
    if (refusal !== undefined) return respond.refuse(query, arrival, refusal);

    const verdict = respond.judge(query, arrival);
    if (verdict === VerdictKind.blocked) return respond.block(query, arrival);
    this.#asked?.count(
      query.bytes,
      query.qnameStart,
      query.qnameBytes,
      query.labelStarts,
      query.labelCount,
      arrival.client,
    );
    const special = respond.special(query, arrival, verdict);
    if (special > 0) return special;
    if (!wantsRecursion(query)) return respond.refuse(query, arrival, NOT_AUTHORITATIVE, verdict);
    if (query.qtype === RecordType.ANY && this.#isAnyMinimal && arrival.transport === TransportRow.udp)
      return respond.minimalAny(query, arrival, verdict);

    const nowMs = arrival.receivedAtMs;
    const isCheckingDisabled = (query.flags & HeaderFlag.CD) !== 0;
    const key = this.cache.keyOf(query, isCheckingDisabled);
    const cached = this.cache.find(key, query, isCheckingDisabled);
    if (cached !== undefined) {
      const isFresh = nowMs < cached.freshUntilMs;
      if (isFresh || (nowMs < cached.staleUntilMs && nowMs < cached.retryAtMs)) {
        this.#cells[Counter.cacheHits]!++;
        if (isFresh) this.#prefetchIfDue(query, key, cached, nowMs);
        return respond.answer(query, arrival, verdict, cached, nowMs);
      }
    }
    this.#cells[Counter.cacheMisses]!++;
    return this.#forward(query, verdict, key, isCheckingDisabled, usableStale(cached, nowMs), arrival);
  }

  #prefetchIfDue(query: QueryView, key: number, cached: Answer, nowMs: number): void {
    if (cached.hits < PREFETCH_HITS_MIN) cached.noteHit();
    if (cached.hits < PREFETCH_HITS_MIN || !this.#limits.prefetch) return;
    const lifeMs = cached.freshUntilMs - cached.storedAtMs;
    if (
      cached.freshUntilMs - nowMs > lifeMs * PREFETCH_REMAINING_FRACTION ||
      (cached.rcode !== Rcode.NOERROR && cached.rcode !== Rcode.NXDOMAIN) ||
      nowMs < cached.retryAtMs
    )
      return;
    const isCheckingDisabled = cached.checkingDisabled;
    if (this.#exchanges.find(key, query, isCheckingDisabled) !== undefined) return;
    this.#cells[Counter.cachePrefetches]!++;
    this.#exchanges.start(key, query, isCheckingDisabled, cached.copy(), nowMs);
  }

  #forward(
    query: QueryView,
    verdict: number,
    key: number,
    isCheckingDisabled: boolean,
    stale: Answer | undefined,
    arrival: Arrival,
  ): number {
    const nowMs = arrival.receivedAtMs;
    const shared = this.#exchanges.find(key, query, isCheckingDisabled);
    if (shared?.stale !== undefined && this.#exchanges.isLate(shared, nowMs)) {
      this.#cells[Counter.sharedExchanges]!++;
      return this.respond.answer(query, arrival, verdict, shared.stale, nowMs);
    }
    const limit = this.#limitMet(query, arrival, shared === undefined);
    if (limit >= 0) return this.#excess(limit, query, verdict, stale, arrival);
    if (shared !== undefined) this.#cells[Counter.sharedExchanges]!++;
    emptyPadding(query);
    if (!this.#exchanges.hasRoom(shared, query.end - query.start))
      return this.#excess(LimitRow.outstanding, query, verdict, shared === undefined ? stale : shared.stale, arrival);
    // Why a copy: the cache may give the entry up meanwhile.
    const exchange = shared ?? this.#exchanges.start(key, query, isCheckingDisabled, stale?.copy(), nowMs);
    const waiter = this.#exchanges.takeWaiter();
    waiter.fill(query, arrival, this.#clientLimits.key, verdict, this.respond);
    this.#exchanges.wait(exchange, waiter);
    return ANSWERED_LATER;
  }

  /** The limit (LimitRow) that keeps the query from waiting for an upstream, or -1. */
  #limitMet(query: QueryView, arrival: Arrival, isMiss: boolean): number {
    const { key } = this.#clientLimits;
    const isRoomLeft = this.#upstreamLimits.mayWait(this.#exchanges.waitingOf(key.high, key.low));
    if (!isRoomLeft && !this.#clientLimits.isExempt(arrival.client)) return LimitRow.outstanding;
    if (!isMiss || this.#upstreamLimits.takeMiss(query, key, arrival.receivedAtMs)) return -1;
    return this.#clientLimits.isExempt(arrival.client) ? -1 : LimitRow.misses;
  }

  /** A query that met a limit: a stale answer stands in where there is one that is not too old. */
  #excess(limit: number, query: QueryView, verdict: number, stale: Answer | undefined, arrival: Arrival): number {
    if (stale === undefined || arrival.receivedAtMs >= stale.staleUntilMs)
      return this.respond.refuse(query, arrival, this.#upstreamLimits.refusalOf(limit), verdict);
    this.#upstreamLimits.countStale(limit);
    return this.respond.answer(query, arrival, verdict, stale, arrival.receivedAtMs);
  }

  /** An exchange has ended: remembers the answer and gives it to everyone who waits. */
  #complete(exchange: Exchange, outcome: UpstreamOutcome, waiters: readonly Waiter[], nowMs: number): void {
    const { stale } = exchange;
    let answer = this.#received;
    if (!this.#hasAnswer(exchange, outcome, nowMs)) readFailure(answer, exchange, failureCode(outcome), nowMs);
    // Why: what we could not even ask says nothing of the name, and must not outlive the moment.
    const isOurs = outcome.kind === 'failed' && (outcome.reason === 'overload' || outcome.reason === 'closed');
    if (stale !== undefined) {
      if (isReplaceableFailure(answer) && nowMs < stale.staleUntilMs) {
        this.#noteFailedRefresh(exchange, nowMs + (isOurs ? OVERLOAD_RECHECK_MS : FAILURE_RECHECK_MS));
        answer = stale;
      }
    }
    if (answer !== stale && !isOurs) {
      if (answer.freshUntilMs > nowMs) this.cache.store(exchange.key, answer);
      else this.cache.remove(exchange.key);
    }
    const isOverload = outcome.kind === 'failed' && outcome.reason === 'overload' && answer !== stale;
    if (!isOverload || !this.#dropAll(waiters)) this.#answerAll(waiters, answer, nowMs);
  }

  /** Counts those for whom there was no room upstream. False: they are to be answered. */
  #dropAll(waiters: readonly Waiter[]): boolean {
    for (const { reply } of waiters) {
      const refusal = this.#upstreamLimits.refusalOf(LimitRow.outstanding);
      if (refusal.kind !== 'drop') continue;
      this.#cells[dropCounter(refusal.reason)]!++;
      reply.abandon();
    }
    return this.#upstreamLimits.isDropping;
  }

  /** What is cached of the question may be asked for again from `retryAtMs` on. */
  #noteFailedRefresh(exchange: Exchange, retryAtMs: number): void {
    this.cache.find(exchange.key, exchange, exchange.checkingDisabled)?.noteFailedRefresh(retryAtMs);
  }

  /** Whether `#received` says what the upstream said. */
  #hasAnswer(exchange: Exchange, outcome: UpstreamOutcome, nowMs: number): boolean {
    if (outcome.kind === 'failed') return false;
    if (outcome.kind === 'read') return true;
    // Why only now: an error that is passed on (SERVFAIL) was not asked for sense.
    return this.#read(exchange, outcome.message, 0, outcome.message.length, nowMs);
  }

  #read(exchange: Exchange, bytes: Uint8Array, start: number, end: number, nowMs: number): boolean {
    try {
      return readAnswer(this.#received, exchange, bytes, start, end, this.#limits, nowMs);
    } catch (error) {
      this.respond.reportBug(error as Error);
      return false;
    }
  }

  /** Every waiter's query is read as if it came now, and judged anew where the policy has changed; the cache is known to hit. */
  #answerAll(waiters: readonly Waiter[], answer: Answer, nowMs: number): void {
    for (let i = 0; i < waiters.length; i++) {
      const waiter = waiters[i]!;
      const length = this.#answerLate(waiter, answer, nowMs);
      if (length > DROPPED) waiter.reply.send(this.#scratch, length);
      else waiter.reply.abandon();
    }
  }

  #answerLate(waiter: Waiter, answer: Answer, nowMs: number): number {
    const query = this.#lateQuery;
    copyOctets(waiter.message, 0, waiter.messageBytes, this.#scratch, 0);
    readQuery(query, this.#scratch, 0, waiter.messageBytes);
    try {
      this.respond.beginLate(query, waiter, nowMs);
      // Why not again by the same policy: it says the same of a name, a client and a time.
      const isKnown = waiter.policyTurn === this.respond.policyTurn;
      const verdict = isKnown ? waiter.verdict : this.respond.judge(query, waiter);
      if (verdict === VerdictKind.blocked) return this.respond.block(query, waiter);
      return this.respond.answer(query, waiter, verdict, answer, nowMs);
    } catch (error) {
      return this.respond.bug(query, waiter, error as Error);
    }
  }

  /** A bug met in `resolve`: the listener's handler brings it here, and the client gets SERVFAIL. */
  recover(arrival: Arrival, error: Error): number {
    return this.respond.bug(this.#query, arrival, error);
  }

  /** Housekeeping, a few times a second: late exchanges, gauges. */
  tick(nowMs: number): void {
    this.#exchanges.tick(nowMs);
    this.#cells[Counter.cacheEntries] = this.cache.entryCount;
    this.#cells[Counter.cacheBytes] = this.cache.bytes;
    this.#cells[Counter.cacheEvictions]! += this.cache.takeEvictions();
  }

  /** Clients that wait for upstreams. */
  get waiterCount(): number {
    return this.#exchanges.waiterCount;
  }

  /** Whether clients still wait for what was asked of upstreams at `beforeMs` or earlier. */
  isAwaiting(beforeMs: number): boolean {
    return this.#exchanges.isAwaiting(beforeMs);
  }

  /** A cache of another size begins empty. */
  configure(config: Config): void {
    const { bytesMax } = config.cache;
    if (bytesMax !== this.#limits.bytesMax) this.cache = new AnswerCache(bytesMax, undefined, this.cache);
    this.#limits = config.cache;
    this.#isAnyMinimal = config.limits.anyMinimal;
    this.#clientLimits.configure(config.limits);
    this.#upstreamLimits.configure(config.limits);
  }
}

function usableStale(cached: Answer | undefined, nowMs: number): Answer | undefined {
  return cached !== undefined && nowMs < cached.staleUntilMs ? cached : undefined;
}

function failureCode(outcome: UpstreamOutcome): number {
  if (outcome.kind !== 'failed' || outcome.reason === 'malformed') return ExtendedError.invalidData;
  return outcome.reason === 'timeout' || outcome.reason === 'refused'
    ? ExtendedError.noReachableAuthority
    : ExtendedError.networkError;
}
