/**
 * When to try again what failed for no fault of its input: a compile thread that died, a guard file in the middle of an
 * edit. Without it a list that nobody changes would stay out of force until the next reload. Waits double.
 */

/** Wait after the first failure. */
export const RETRY_FIRST_MS = 5000;
export const RETRY_MAX_MS = 600_000;

export class RetryTimer {
  readonly #retry: () => void;
  readonly #firstMs: number;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(retry: () => void, firstMs = RETRY_FIRST_MS) {
    this.#retry = retry;
    this.#firstMs = firstMs;
  }

  /** It failed (again). */
  later(): void {
    clearTimeout(this.#timer);
    const waitMs = Math.min(this.#firstMs * 2 ** Math.min(this.#failures, 30), RETRY_MAX_MS);
    this.#failures += 1;
    this.#timer = setTimeout(this.#retry, waitMs);
  }

  /** It went well, or there is nothing to try again. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
  }
}
