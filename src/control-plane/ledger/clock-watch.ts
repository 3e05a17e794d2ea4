/**
 * Whether the wall clock has been set. What is forgotten because its time is over does not come back, so that nothing is
 * forgotten by a clock that may be wrong: an hour has to pass after it was set, in which who sets it may set it right.
 * The same where a start finds it far ahead of what was last written. A clock that is brought in line little by little is
 * not set, and neither is one that was a little wrong from the start.
 */

/** Wall clock and monotonic clock may drift apart by so much between two looks. Units: milliseconds. */
export const DRIFT_MS_MAX = 10_000;
export const SETTLE_MS = 3_600_000;
/** A Weir that was off for so long may as well have a wrong clock. Units: milliseconds. */
export const AHEAD_MS_MAX = 86_400_000;

export class ClockWatch {
  #offsetMs: number | undefined;
  #setAtMs = -Infinity;

  /** The first look, at a start. @param writtenMs by the wall clock, when something was last written; undefined: nothing was */
  begin(wallMs: number, monotonicMs: number, writtenMs: number | undefined): void {
    this.#offsetMs = wallMs - monotonicMs;
    if (writtenMs !== undefined && wallMs - writtenMs > AHEAD_MS_MAX) this.#setAtMs = monotonicMs;
  }

  /** A look at both clocks. Says whether the wall clock went as the other one did, for SETTLE_MS or since the first look. */
  isSteady(wallMs: number, monotonicMs: number): boolean {
    const offsetMs = wallMs - monotonicMs;
    if (this.#offsetMs !== undefined && Math.abs(offsetMs - this.#offsetMs) > DRIFT_MS_MAX) this.#setAtMs = monotonicMs;
    this.#offsetMs = offsetMs;
    return monotonicMs - this.#setAtMs >= SETTLE_MS;
  }
}
