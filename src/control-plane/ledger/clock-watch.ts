/**
 * Whether the wall clock has been set. What is forgotten because its time is over does not come back, so that nothing is
 * forgotten by a clock that may be wrong: an hour has to pass after it was set, in which who sets it may set it right.
 * A clock that is brought in line little by little is not set, and neither is one that was wrong from the start.
 */

/** Wall clock and monotonic clock may drift apart by so much between two looks. Units: milliseconds. */
export const DRIFT_MS_MAX = 10_000;
export const SETTLE_MS = 3_600_000;

export class ClockWatch {
  #offsetMs: number | undefined;
  #setAtMs = -Infinity;

  /** A look at both clocks. Says whether the wall clock went as the other one did, for SETTLE_MS or since the first look. */
  isSteady(wallMs: number, monotonicMs: number): boolean {
    const offsetMs = wallMs - monotonicMs;
    if (this.#offsetMs !== undefined && Math.abs(offsetMs - this.#offsetMs) > DRIFT_MS_MAX) this.#setAtMs = monotonicMs;
    this.#offsetMs = offsetMs;
    return monotonicMs - this.#setAtMs >= SETTLE_MS;
  }
}
