/**
 * Limits hedging to a share of the queries: when an upstream slows down for everyone at once, doubling every query would
 * finish it off. A bucket that every query fills a little and a hedge empties by one.
 */
const HEDGES_PER_QUERY = 0.1;
const SAVED_MAX = 50;

export class HedgeBudget {
  #saved = SAVED_MAX;

  earn(): void {
    if (this.#saved < SAVED_MAX) this.#saved += HEDGES_PER_QUERY;
  }

  /** Whether one may be sent. */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved--;
    return true;
  }
}
