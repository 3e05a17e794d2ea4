/**
 * Unpredictable 32-bit numbers for ids, ports and letter case, drawn from the system in batches. RFC 5452 9.2: "MUST use
 * an unpredictable query ID for outgoing queries, utilizing the full range available (0-65535)". One instance a thread.
 */
import { randomFillSync } from 'node:crypto';

/** Why: one system call for each query would cost as much as sending it. */
const WORDS_PER_BATCH = 1024;

export class RandomWords {
  readonly #words = new Uint32Array(WORDS_PER_BATCH);
  #used = WORDS_PER_BATCH;

  /** 32 random bits, unsigned. Each is given out once and then forgotten. */
  next(): number {
    if (this.#used === WORDS_PER_BATCH) {
      randomFillSync(this.#words);
      this.#used = 0;
    }
    const word = this.#words[this.#used]!;
    this.#words[this.#used++] = 0;
    return word;
  }
}

/** Maps the upper 16 bits of a random word onto 0..count-1. `count` is at most 65,536. */
export function pickBelow(word: number, count: number): number {
  return ((word >>> 16) * count) >>> 16;
}
