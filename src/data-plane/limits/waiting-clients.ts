/**
 * How many queries of each client wait for upstreams: counted up by exchanges.ts when one begins to wait and down when it
 * has been answered. A table of fixed size with more than three places for each query that may wait, so that it is never
 * full. Keys are compared whole. Allocates nothing after its making.
 */
import type { KeyedHash } from './keyed-hash.ts';

/** More than three times the queries that may wait on one thread (WAITERS_MAX in exchanges.ts). */
export const WAITING_SLOTS = 65_536;
const SLOT_MASK = WAITING_SLOTS - 1;

export class WaitingClients {
  readonly #hash: KeyedHash;
  readonly #highs = new Int32Array(WAITING_SLOTS);
  readonly #lows = new Int32Array(WAITING_SLOTS);
  /** 0: the place is free. */
  readonly #counts = new Uint16Array(WAITING_SLOTS);

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  count(high: number, low: number): number {
    return this.#counts[this.#slotOf(high, low)]!;
  }

  add(high: number, low: number): void {
    const slot = this.#slotOf(high, low);
    this.#highs[slot] = high;
    this.#lows[slot] = low;
    this.#counts[slot]!++;
  }

  /** Takes back one `add` of the same key. */
  remove(high: number, low: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#counts[slot] === 0) return;
    if (--this.#counts[slot]! === 0) this.#closeGap(slot);
  }

  /** The key's place, or the free one where it would be. */
  #slotOf(high: number, low: number): number {
    let slot = this.#hash.of(high, low) & SLOT_MASK;
    while (this.#counts[slot] !== 0 && (this.#highs[slot] !== high || this.#lows[slot] !== low)) {
      slot = (slot + 1) & SLOT_MASK;
    }
    return slot;
  }

  /** Moves up who stands behind a place that became free, so that a search may end at the first free one. */
  #closeGap(freed: number): void {
    let gap = freed;
    for (let slot = (gap + 1) & SLOT_MASK; this.#counts[slot] !== 0; slot = (slot + 1) & SLOT_MASK) {
      const home = this.#hash.of(this.#highs[slot]!, this.#lows[slot]!) & SLOT_MASK;
      if (((slot - home) & SLOT_MASK) < ((slot - gap) & SLOT_MASK)) continue;
      this.#highs[gap] = this.#highs[slot]!;
      this.#lows[gap] = this.#lows[slot]!;
      this.#counts[gap] = this.#counts[slot]!;
      this.#counts[slot] = 0;
      gap = slot;
    }
  }
}
