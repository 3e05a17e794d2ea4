/**
 * Token buckets for as many keys as a table of fixed size has room for; what limits.ts asks once or twice a query. A
 * bucket is one number, the moment at which it will be full again (the generic cell rate algorithm, which lets through
 * exactly what a token bucket does), so a key costs 16 octets and a full bucket need not be remembered at all.
 *
 * A key may stand in two places. Where both are taken by others, the one whose bucket is fuller is given up: nothing is
 * lost of a key that has been quiet, and a key over its limit leaves only for two others that are further over theirs.
 * A key that was given up begins again with a full bucket: what a crowded table gets wrong, it gets wrong in favour of
 * those who ask. Keys are compared whole: two never share a bucket. Allocates nothing after its making.
 */
import type { KeyedHash } from './keyed-hash.ts';

/** Keys of one table. */
export const BUCKET_SLOTS = 65_536;
const SLOT_BYTES = 16;
const SECOND_MS = 1000;
/** Of a token: sums of fractions must not cost the last one of a burst. */
const ROUNDING = 1 / 1024;

export class BucketTable {
  readonly #hash: KeyedHash;
  readonly #pairMask: number;
  /**
   * Slot after slot: the two words of the key, and the moment when the bucket is full; earlier than now: it is. Why one
   * buffer for both: a pair of slots is one read of memory.
   */
  readonly #words: Int32Array;
  readonly #fullAtMs: Float64Array;
  /** What one token adds to that moment; 0: no limit. */
  #tokenMs = 0;
  /** How far ahead that moment may lie and a token still be there. */
  #aheadMsMax = 0;

  /** @param slots a power of two */
  constructor(hash: KeyedHash, slots = BUCKET_SLOTS) {
    this.#hash = hash;
    this.#pairMask = slots / 2 - 1;
    const memory = new ArrayBuffer(slots * SLOT_BYTES);
    this.#words = new Int32Array(memory);
    this.#fullAtMs = new Float64Array(memory);
  }

  /** Sets what every bucket gets and holds; what has been taken stays taken. `perSecondMax` 0: no limit. */
  configure(perSecondMax: number, burstMax: number): void {
    this.#tokenMs = perSecondMax === 0 ? 0 : SECOND_MS / perSecondMax;
    this.#aheadMsMax = (Math.max(burstMax, 1) - 1 + ROUNDING) * this.#tokenMs;
  }

  /** Takes one token of a key. False: there is none. Cost: one hash and two or three memory reads. */
  take(high: number, low: number, nowMs: number): boolean {
    const tokenMs = this.#tokenMs;
    if (tokenMs === 0) return true;
    const slot = this.#slotOf(high | 0, low | 0, nowMs);
    const at = slot * 2 + 1;
    const fullAtMs = this.#fullAtMs[at]!;
    const aheadMs = fullAtMs - nowMs;
    if (aheadMs > this.#aheadMsMax) return false;
    this.#fullAtMs[at] = (aheadMs > 0 ? fullAtMs : nowMs) + tokenMs;
    return true;
  }

  /** The key's place; where it has none, one with a full bucket. */
  #slotOf(high: number, low: number, nowMs: number): number {
    const words = this.#words;
    const first = (this.#hash.of(high, low) & this.#pairMask) << 1;
    const second = first | 1;
    if (words[first * 4] === high && words[first * 4 + 1] === low) return first;
    if (words[second * 4] === high && words[second * 4 + 1] === low) return second;
    const slot = this.#fullAtMs[first * 2 + 1]! <= this.#fullAtMs[second * 2 + 1]! ? first : second;
    words[slot * 4] = high;
    words[slot * 4 + 1] = low;
    this.#fullAtMs[slot * 2 + 1] = nowMs;
    return slot;
  }
}
