/**
 * The only file that reads time. Everything else takes a time as an argument or calls these two functions, so that a
 * test can move the clock and a reader can see who depends on it.
 */

/** Wall-clock time. Units: milliseconds since 1970. Use for timestamps that people or other machines read. */
export function wallClockMs(): number {
  return Date.now();
}

/** Monotonic time. Units: milliseconds since the process started. Use for every duration, TTL and deadline. */
export function monotonicMs(): number {
  return performance.now();
}
