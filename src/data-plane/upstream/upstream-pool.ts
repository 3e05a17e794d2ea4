/**
 * Gets one answer for one question from the upstreams: chooses, sends, hedges, fails over, asks again over TCP or
 * without EDNS, and gives up at the deadline.
 *
 *   exchange -> choose -> transport ~> response: good -> receiver
 *                 ^                    TC -> same upstream over TCP     FORMERR, BADVERS -> the same without EDNS
 *                 +-- late, SERVFAIL, REFUSED, nonsense, unreachable -> another upstream, while attempts and time last
 *
 * Every transmission ends in exactly one counted outcome, also when another one was faster. It must not judge or cache
 * what comes back. RFC 1035 7; RFC 2308 7; RFC 5452; RFC 6891 6.2.2; RFC 7766 5.
 */
import { monotonicMs } from '../../clock.ts';
import type { Config, UpstreamConfig } from '../../config/config.ts';
import { HEADER_BYTES } from '../../dns/iana.ts';
import { Counter, UPSTREAM_SLOTS, upstreamCounter } from '../../telemetry/counters.ts';
import { UpstreamOutcomeRow } from '../../telemetry/counter-labels.ts';
import { blame, chooseProbe, chooseUpstream } from './choose.ts';
import { type OpenDatagramSocket, openDgramSocket } from './datagram-socket.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { Attempt, Exchange } from './exchange.ts';
import { countTimeouts, ExchangeStore, linkAttempt, oldestLiveSentAtMs, unlinkAttempt } from './exchange-store.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { refusesEdns, ResponseKind, ResponseMatch } from './match-response.ts';
import {
  ANSWER_READ,
  FAILED_CLOSED,
  FAILED_NETWORK,
  FAILED_OVERLOAD,
  hasError,
  lastOutcome,
  OUTCOME_BY_KIND,
  ownMessage,
  readKind,
} from './outcomes.ts';
import { type QueryEdns, randomizeCase, writeQuery } from './query-message.ts';
import { RandomWords } from './random-words.ts';
import type { TransportEvents } from './transport.ts';
import type { UpstreamExchanger, UpstreamOutcome, UpstreamQuestion, UpstreamReceiver } from './upstream.ts';
import { isSameUpstream, retireOthers, UpstreamLink, type UpstreamLog } from './upstream-link.ts';
import type { UpstreamState } from './upstream-state.ts';

/** Wait before a refused query goes to the same upstream again; doubles. One that restarts is back by then. */
const REFUSED_RETRY_MS = 125;
/** How often a query looks whether an upstream is due for a probe. */
const PROBE_CHECK_INTERVAL_MS = 100;
/** How long an upstream that answered only without EDNS is asked without it. */
const WITHOUT_EDNS_MS = 600_000;
/** A hedge sooner than this helps nobody. */
const HEDGE_MIN_MS = 20;

type Settings = Config['upstreamQueries'];

export interface UpstreamPoolOptions {
  readonly upstreams: readonly UpstreamConfig[];
  readonly settings: Settings;
  readonly edns: QueryEdns;
  readonly cells: Float64Array;
  readonly log: UpstreamLog;
  /** Default: node:dgram. */
  readonly openSocket?: OpenDatagramSocket;
}

export interface UpstreamPool extends UpstreamExchanger {
  /** Takes new upstreams and settings; what is under way ends as it began. */
  reconfigure(upstreams: readonly UpstreamConfig[], settings: Settings, edns: QueryEdns): void;
}

/** Opens its first sockets at once; queries sent before they are open wait for them. */
export function createUpstreamPool(options: UpstreamPoolOptions): UpstreamPool {
  return new Pool(options);
}

class Pool implements UpstreamPool, TransportEvents {
  #settings: Settings;
  #links: UpstreamLink[] = [];
  /** The links' states, in the same order. */
  #states: readonly UpstreamState[] = [];
  #edns: QueryEdns;
  readonly #cells: Float64Array;
  readonly #log: UpstreamLog;
  readonly #openSocket: OpenDatagramSocket;
  readonly #random = new RandomWords();
  readonly #store = new ExchangeStore();
  readonly #hedges = new HedgeBudget();
  readonly #deadlines = new DeadlineTimer<Exchange>((exchange) => {
    this.#onDue(exchange);
  });
  #outstanding = 0;
  #nextProbeCheckMs = 0;
  #isClosed = false;

  constructor(options: UpstreamPoolOptions) {
    this.#cells = options.cells;
    this.#log = options.log;
    this.#openSocket = options.openSocket ?? openDgramSocket;
    this.#settings = options.settings;
    this.#edns = options.edns;
    this.reconfigure(options.upstreams, options.settings, options.edns);
  }

  exchange(question: UpstreamQuestion, receiver: UpstreamReceiver, nowMs: number): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) return void setImmediate(() => this.#deliver(receiver, refusal, monotonicMs()));
    const exchange = this.#store.takeExchange();
    exchange.receiver = receiver;
    exchange.question = question;
    exchange.questionEnd = writeQuery(exchange.query, question, this.#edns);
    if (this.#settings.randomizeCase) randomizeCase(exchange.query, exchange.questionEnd, this.#random);
    exchange.deadlineMs = nowMs + this.#settings.deadlineMs;
    this.#countOutstanding(1);
    this.#hedges.earn();
    this.#startAttempt(exchange, nowMs);
    if (nowMs >= this.#nextProbeCheckMs) this.#probe(exchange, nowMs);
  }

  reconfigure(upstreams: readonly UpstreamConfig[], settings: Settings, edns: QueryEdns): void {
    this.#edns = edns;
    const nowMs = monotonicMs();
    const old = this.#links;
    const { sourcePorts, ca } = settings;
    const isSameWay = sourcePorts === this.#settings.sourcePorts && ca === this.#settings.ca;
    this.#settings = settings;
    this.#links = upstreams.slice(0, UPSTREAM_SLOTS).map((upstream, slot) => {
      const kept = old[slot];
      if (kept !== undefined && isSameUpstream(kept.config, upstream) && isSameWay) return kept;
      const context = { slot, sourcePorts, ca, openSocket: this.#openSocket, random: this.#random, events: this };
      return new UpstreamLink(upstream, context, this.#cells, this.#log, nowMs);
    });
    this.#states = this.#links.map((link) => link.state);
    const goneRows = retireOthers(old, this.#links);
    this.#deadlines.forEach((exchange) => exchange.forgetUpstreams(goneRows));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const exchanges = this.#deadlines.stop();
    // Why first: a socket of an upstream no longer configured closes when nothing waits on it.
    for (const exchange of exchanges) {
      for (let attempt = exchange.attempts; attempt !== undefined; attempt = attempt.next) {
        attempt.port?.release(attempt);
      }
    }
    for (const link of this.#links) link.close();
    for (const exchange of exchanges) {
      if (exchange.receiver !== undefined) this.#deliver(exchange.receiver, FAILED_CLOSED, monotonicMs());
    }
  }

  onResponse(attempt: Attempt, match: number, bytes: Uint8Array, start: number, end: number, isOwned: boolean): void {
    const nowMs = monotonicMs();
    const { exchange, link } = attempt;
    unlinkAttempt(attempt);
    if (match === ResponseMatch.otherCase && this.#settings.randomizeCase && !attempt.overTcp) {
      // Why over TCP: an upstream that changes letter case cannot prove by it that it saw our query.
      link.count(UpstreamOutcomeRow.mismatched);
      this.#sendAgain(attempt, true, attempt.withEdns, nowMs);
      return;
    }
    link.answered(nowMs - attempt.sentAtMs, nowMs);
    const kind = readKind(exchange, bytes, start, end, nowMs);
    if (!attempt.isCounted) link.count(OUTCOME_BY_KIND[kind]!);
    if (exchange.receiver === undefined) {
      this.#store.freeAttempt(attempt);
      this.#releaseIfOver(exchange, nowMs);
    } else if (kind === ResponseKind.good) {
      if (!attempt.withEdns) link.withoutEdnsUntilMs = nowMs + WITHOUT_EDNS_MS;
      this.#store.freeAttempt(attempt);
      if (exchange.badMask !== 0) blame(this.#states, exchange.badMask);
      this.#finish(exchange, ANSWER_READ, nowMs);
    } else if (kind === ResponseKind.truncated && !attempt.overTcp) {
      this.#sendAgain(attempt, true, attempt.withEdns, nowMs);
    } else if (attempt.withEdns && refusesEdns(kind, bytes, start)) {
      this.#sendAgain(attempt, attempt.overTcp, false, nowMs);
    } else {
      // Why not a header alone, nor a truncated message: what is passed on must be whole and carry the question.
      if (kind === ResponseKind.malformed) exchange.isMalformed = true;
      else if (end - start > HEADER_BYTES && kind !== ResponseKind.truncated) {
        exchange.badAnswer = ownMessage(exchange.question!, bytes, start, end, isOwned);
      }
      if (!link.isRetired) exchange.badMask |= 1 << link.slot;
      this.#store.freeAttempt(attempt);
      this.#afterLoss(exchange, nowMs);
    }
  }

  onFailure(attempt: Attempt, isRefused: boolean): void {
    const nowMs = monotonicMs();
    unlinkAttempt(attempt);
    if (attempt.overTcp && !isRefused && !attempt.isResent && attempt.exchange.receiver !== undefined) {
      // RFC 7766 6.2.4: a broken connection "should" be opened again and the query sent once more; the server may just
      // have closed an idle one.
      attempt.isResent = true;
      attempt.link.count(UpstreamOutcomeRow.network);
      this.#sendAgain(attempt, true, attempt.withEdns, nowMs);
      return;
    }
    this.#lose(attempt, isRefused, nowMs);
  }

  onStranger(slot: number): void {
    this.#cells[upstreamCounter(slot, UpstreamOutcomeRow.mismatched)]!++;
  }

  onUnderAttack(attempt: Attempt): void {
    unlinkAttempt(attempt);
    if (!attempt.isCounted) attempt.link.count(UpstreamOutcomeRow.mismatched);
    this.#sendAgain(attempt, true, attempt.withEdns, monotonicMs());
  }

  /** Sends to an upstream not asked yet, or to any when all have been, and sets when the next one is tried. */
  #startAttempt(exchange: Exchange, nowMs: number): void {
    let slot = this.#choose(exchange.triedMask);
    if (slot === -1) {
      exchange.triedMask = 0;
      slot = this.#choose(0);
    }
    if (slot === -1) {
      this.#giveUp(exchange, nowMs);
      return;
    }
    exchange.attemptsStarted++;
    const link = this.#links[slot]!;
    this.#plan(exchange, nowMs + this.#patienceMs(exchange, link), nowMs);
    this.#transmit(exchange, link, nowMs);
  }

  #choose(triedMask: number): number {
    if (this.#links.length === 1) return triedMask & 1 ? -1 : 0;
    return chooseUpstream(this.#states, triedMask, this.#random.next());
  }

  #transmit(exchange: Exchange, link: UpstreamLink, nowMs: number): void {
    exchange.triedMask |= 1 << link.slot;
    const attempt = this.#store.takeAttempt(exchange, link, nowMs);
    attempt.withEdns = nowMs >= link.withoutEdnsUntilMs;
    attempt.overTcp = link.config.protocol !== 'udp';
    // Why the next turn of the wheel and not at once: exchange() must not call its receiver while its caller waits.
    if (!link.first.send(attempt, nowMs)) this.#sendFailed(attempt, nowMs);
  }

  /** Sends an attempt once more to the same upstream in another way. */
  #sendAgain(attempt: Attempt, overTcp: boolean, withEdns: boolean, nowMs: number): void {
    const { exchange, link } = attempt;
    if (exchange.receiver === undefined) {
      this.#store.freeAttempt(attempt);
      this.#releaseIfOver(exchange, nowMs);
      return;
    }
    attempt.overTcp = overTcp;
    attempt.withEdns = withEdns;
    attempt.sentAtMs = nowMs;
    attempt.isCounted = false;
    linkAttempt(attempt);
    this.#plan(exchange, nowMs + this.#settings.attemptTimeoutMs, nowMs);
    const transport = overTcp ? link.tcp : link.first;
    if (!transport.send(attempt, nowMs)) this.#sendFailed(attempt, nowMs);
  }

  #sendFailed(attempt: Attempt, nowMs: number): void {
    const { exchange, link } = attempt;
    unlinkAttempt(attempt);
    this.#store.freeAttempt(attempt);
    link.count(UpstreamOutcomeRow.network);
    exchange.networkFailures++;
    this.#plan(exchange, nowMs, nowMs);
  }

  /** The attempt's upstream could not be reached. */
  #lose(attempt: Attempt, isRefused: boolean, nowMs: number): void {
    const { exchange, link } = attempt;
    if (!attempt.isCounted) link.count(UpstreamOutcomeRow.network);
    link.failed(nowMs - attempt.sentAtMs, nowMs);
    this.#store.freeAttempt(attempt);
    if (exchange.receiver === undefined) {
      this.#releaseIfOver(exchange, nowMs);
      return;
    }
    exchange.networkFailures++;
    if (isRefused) exchange.refusals++;
    this.#afterLoss(exchange, nowMs);
  }

  /** An attempt has ended without a good answer: on to the next upstream, or the end. */
  #afterLoss(exchange: Exchange, nowMs: number): void {
    if (this.#hasUntried(exchange)) {
      this.#startAttempt(exchange, nowMs);
    } else if (this.#isOver(exchange)) {
      this.#giveUp(exchange, nowMs);
    } else if (exchange.attempts === undefined) {
      this.#plan(exchange, nowMs + REFUSED_RETRY_MS * 2 ** exchange.networkFailures, nowMs);
    }
  }

  #hasUntried(exchange: Exchange): boolean {
    return exchange.attemptsStarted < this.#settings.attemptsMax && this.#choose(exchange.triedMask) !== -1;
  }

  /** Whether waiting longer, up to the deadline, could bring anything better. */
  #isOver(exchange: Exchange): boolean {
    // Why: an error at hand is worth more to a client than another try at an upstream that is late.
    if (hasError(exchange)) return oldestLiveSentAtMs(exchange) === Number.POSITIVE_INFINITY;
    return exchange.attempts === undefined && exchange.attemptsStarted >= this.#settings.attemptsMax;
  }

  /** How long an attempt may take before another upstream is asked as well. Units: milliseconds. */
  #patienceMs(exchange: Exchange, link: UpstreamLink): number {
    const { attemptTimeoutMs } = this.#settings;
    if (exchange.attemptsStarted > 1 || this.#links.length === 1) return attemptTimeoutMs;
    return Math.min(attemptTimeoutMs, Math.max(HEDGE_MIN_MS, link.state.p95Ms));
  }

  /** Sets when the exchange is looked at next, if nothing happens before. */
  #plan(exchange: Exchange, nextAttemptMs: number, nowMs: number): void {
    this.#deadlines.schedule(exchange, Math.min(nextAttemptMs, exchange.deadlineMs), nowMs);
  }

  #onDue(exchange: Exchange): void {
    const nowMs = monotonicMs();
    countTimeouts(exchange, nowMs, this.#settings.attemptTimeoutMs);
    if (exchange.receiver === undefined) {
      this.#releaseIfOver(exchange, nowMs);
      return;
    }
    const liveSinceMs = oldestLiveSentAtMs(exchange);
    const isLive = liveSinceMs !== Number.POSITIVE_INFINITY;
    const hasUntried = this.#hasUntried(exchange);
    // Why not the same upstream again while one is awaited and an error is at hand: it has said what it knows.
    const mayAsk = exchange.attemptsStarted < this.#settings.attemptsMax && (hasUntried || !hasError(exchange));
    if (nowMs >= exchange.deadlineMs || (this.#isOver(exchange) && !hasUntried)) {
      this.#giveUp(exchange, nowMs);
    } else if (!mayAsk || (isLive && !this.#hedges.spend())) {
      this.#plan(exchange, liveSinceMs + this.#settings.attemptTimeoutMs, nowMs);
    } else {
      if (isLive) this.#cells[Counter.upstreamHedges]!++;
      this.#startAttempt(exchange, nowMs);
    }
  }

  /** Sends the query also to an upstream that is down or slow, when it is time to look at it again. */
  #probe(exchange: Exchange, nowMs: number): void {
    this.#nextProbeCheckMs = nowMs + PROBE_CHECK_INTERVAL_MS;
    const slot = chooseProbe(this.#states, exchange.triedMask, nowMs);
    if (slot !== -1) this.#transmit(exchange, this.#links[slot]!, nowMs);
  }

  #giveUp(exchange: Exchange, nowMs: number): void {
    this.#finish(exchange, lastOutcome(exchange), nowMs);
  }

  /** Delivers the outcome. Attempts still out live on until they are answered or late, so that each is counted. */
  #finish(exchange: Exchange, outcome: UpstreamOutcome, nowMs: number): void {
    const receiver = exchange.receiver!;
    exchange.receiver = undefined;
    this.#countOutstanding(-1);
    this.#releaseIfOver(exchange, nowMs);
    this.#deliver(receiver, outcome, nowMs);
  }

  #deliver(receiver: UpstreamReceiver, outcome: UpstreamOutcome, nowMs: number): void {
    try {
      receiver.onOutcome(outcome, nowMs);
    } catch (error) {
      this.#log.error({ err: error }, 'a receiver of an upstream answer failed');
    }
  }

  /** Of an exchange that has been delivered: gives up late attempts, and the exchange itself after the last. */
  #releaseIfOver(exchange: Exchange, nowMs: number): void {
    let nextDueMs = Number.POSITIVE_INFINITY;
    for (let attempt = exchange.attempts; attempt !== undefined;) {
      const { next } = attempt;
      if (attempt.isCounted) {
        attempt.port?.release(attempt);
        unlinkAttempt(attempt);
        this.#store.freeAttempt(attempt);
      } else {
        nextDueMs = Math.min(nextDueMs, attempt.sentAtMs + this.#settings.attemptTimeoutMs);
      }
      attempt = next;
    }
    if (exchange.attempts === undefined) {
      this.#deadlines.cancel(exchange);
      this.#store.freeExchange(exchange);
    } else {
      this.#deadlines.schedule(exchange, nextDueMs, nowMs);
    }
  }

  #refusal(): UpstreamOutcome | undefined {
    if (this.#isClosed) return FAILED_CLOSED;
    if (this.#outstanding >= this.#settings.outstandingMax) return FAILED_OVERLOAD;
    return this.#links.length === 0 ? FAILED_NETWORK : undefined;
  }

  #countOutstanding(change: number): void {
    this.#outstanding += change;
    this.#cells[Counter.upstreamOutstanding] = this.#outstanding;
  }
}
