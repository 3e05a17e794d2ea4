/**
 * What one thread knows of one upstream from real outcomes: how fast it answers, how late its slowest twentieth is,
 * whether it is down, and when a real query may next be spent on finding out. choose.ts reads it; upstream-pool.ts
 * reports outcomes. No query is sent from here, and no time read.
 */

/** Failures in a row, with no answer between, that make an upstream down. */
const FAILURES_UNTIL_DOWN = 5;
/** Why: under load five answers can be late together; only an upstream that says nothing for this long is down. */
const SILENCE_UNTIL_DOWN_MS = 1000;
/** Time between real queries that are also sent to a down upstream: doubles from the first to the second. */
const PROBE_INTERVAL_MIN_MS = 500;
const PROBE_INTERVAL_MAX_MS = 8000;
/** Time between real queries that are also sent to an upstream that choose.ts passes over as slow. */
const EXPLORE_INTERVAL_MS = 1000;
/** Weight of a new sample in the smoothed time (RFC 6298 2.3). */
const SMOOTHING = 1 / 8;
/** Step of the estimate of the 95th percentile: small enough to be steady, large enough to follow within 100 answers. */
const QUANTILE_STEP = 0.05;
const QUANTILE = 0.95;
const QUANTILE_MIN_MS = 1;
/** Weight of a new outcome in the share of bad ones. */
const BAD_SHARE_WEIGHT = 1 / 32;
/** What an upstream that fails every time is slower by, in the eyes of choose.ts. */
const BAD_SHARE_PENALTY = 20;
/** Assumed before the first answer: quick, so that a new upstream is tried. */
const INITIAL_RTT_MS = 5;
/** Why far above the smoothed time: nothing is hedged until the upstream's own habits are known. */
const INITIAL_P95_MS = 200;

export class UpstreamState {
  smoothedMs = INITIAL_RTT_MS;
  p95Ms = INITIAL_P95_MS;
  /** Share of queries that failed or got SERVFAIL where another upstream knew better, 0..1. */
  badShare = 0;
  isDown = false;
  #failuresInRow = 0;
  #lastAnswerMs = Number.NEGATIVE_INFINITY;
  #nextProbeMs = 0;
  #probeIntervalMs = PROBE_INTERVAL_MIN_MS;

  /** What choose.ts compares. Units: milliseconds, made worse by failures. */
  get score(): number {
    return this.smoothedMs * (1 + BAD_SHARE_PENALTY * this.badShare);
  }

  /** A response came, whatever its rcode. Returns whether that ended a time of being down. */
  answered(rttMs: number, nowMs: number): boolean {
    this.sampled(rttMs);
    this.badShare -= this.badShare * BAD_SHARE_WEIGHT;
    this.#failuresInRow = 0;
    this.#lastAnswerMs = nowMs;
    this.#probeIntervalMs = PROBE_INTERVAL_MIN_MS;
    const recovered = this.isDown;
    this.isDown = false;
    return recovered;
  }

  /** No response in time, or the network said no. Returns whether the upstream is down from now on. */
  failed(elapsedMs: number, nowMs: number): boolean {
    this.sampled(Math.max(elapsedMs, this.smoothedMs));
    this.blamed();
    this.#failuresInRow++;
    if (this.isDown || this.#failuresInRow < FAILURES_UNTIL_DOWN) return false;
    if (nowMs - this.#lastAnswerMs < SILENCE_UNTIL_DOWN_MS) return false;
    this.isDown = true;
    this.#nextProbeMs = nowMs + this.#probeIntervalMs;
    return true;
  }

  /** It answered SERVFAIL or REFUSED where another upstream then answered well. */
  blamed(): void {
    this.badShare += (1 - this.badShare) * BAD_SHARE_WEIGHT;
  }

  /** Whether a real query should be sent here too, to learn how it is. True at most once an interval. */
  takeProbe(nowMs: number): boolean {
    if (nowMs < this.#nextProbeMs) return false;
    this.#nextProbeMs = nowMs + (this.isDown ? this.#probeIntervalMs : EXPLORE_INTERVAL_MS);
    if (this.isDown) this.#probeIntervalMs = Math.min(this.#probeIntervalMs * 2, PROBE_INTERVAL_MAX_MS);
    return true;
  }

  private sampled(rttMs: number): void {
    this.smoothedMs += (rttMs - this.smoothedMs) * SMOOTHING;
    // Why multiplicative: one step for each answer keeps a quantile without keeping samples.
    const step = rttMs > this.p95Ms ? 1 + QUANTILE_STEP * QUANTILE : 1 - QUANTILE_STEP * (1 - QUANTILE);
    this.p95Ms = Math.max(QUANTILE_MIN_MS, this.p95Ms * step);
  }
}
