/**
 * Which clients and prefixes are furthest over their limits, out of the datagrams that a limit kept from an answer:
 * flood-guard.ts asks five times a second. A key has one place in a small table; what else falls there wears it down, so that
 * who sends most of what falls there is left (Misra and Gries, with one counter a place). Allocates nothing while it
 * counts.
 */
import type { KeyedHash } from './keyed-hash.ts';

const SLOTS = 256;
/** One in so many is looked at: who floods is found all the same. */
const SAMPLE = 8;

/** What the key of a heavy client is: an address (or an IPv6 /64), or a prefix of responses. */
export type HeavyKind = 'queries' | 'responses';

export interface HeavyClient {
  readonly kind: HeavyKind;
  /** As client-key.ts has them. */
  readonly high: number;
  readonly low: number;
  /** Datagrams that were limited, about: since the last time. */
  readonly limited: number;
}

export class HeavyClients {
  readonly #hash: KeyedHash;
  readonly #highs = new Int32Array(SLOTS);
  readonly #lows = new Int32Array(SLOTS);
  readonly #isPrefix = new Uint8Array(SLOTS);
  readonly #counts = new Uint32Array(SLOTS);
  #seen = 0;

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  /** A datagram met a limit. Cost: a hash for one in eight, no allocation. */
  count(isPrefix: boolean, high: number, low: number): void {
    if (++this.#seen % SAMPLE !== 0) return;
    const kind = Number(isPrefix);
    const slot = (this.#hash.of(high, low) + kind) & (SLOTS - 1);
    if (this.#counts[slot] === 0) {
      this.#highs[slot] = high;
      this.#lows[slot] = low;
      this.#isPrefix[slot] = kind;
      this.#counts[slot] = 1;
    } else if (this.#highs[slot] === (high | 0) && this.#lows[slot] === (low | 0) && this.#isPrefix[slot] === kind) {
      this.#counts[slot]!++;
    } else this.#counts[slot]!--;
  }

  /** Those that were counted since the last time, in no order. */
  take(): HeavyClient[] {
    const found: HeavyClient[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const count = this.#counts[slot]!;
      if (count === 0) continue;
      const kind = this.#isPrefix[slot] === 1 ? 'responses' : 'queries';
      found.push({ kind, high: this.#highs[slot]!, low: this.#lows[slot]!, limited: count * SAMPLE });
    }
    this.#counts.fill(0);
    return found;
  }
}
