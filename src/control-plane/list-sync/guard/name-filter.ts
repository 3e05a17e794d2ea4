/**
 * Says in one pass over a name's characters that neither the name nor anything above it is in the guard's sets, which is
 * so for nearly every entry of a list. A Bloom filter with one hash: it may cry wolf, it never misses. Used before the
 * sets themselves are asked.
 *
 * Why: a million look-ups of fresh strings in a Map of 200,000 take 1 s, this takes 0.1 s.
 */

/** Bits for each name; one in so many names that are not there is looked up in vain. */
const BITS_A_NAME = 16;
const BITS_MIN = 1 << 12;
const DOT = 0x2e;
const BASIS = 0x2545_f491;
const MULTIPLIER = 0x9e37_79b1;

/** What `look` returns, added up. */
export const NameFound = { nothing: 0, perhapsItself: 1, perhapsAbove: 2 } as const;

export class NameFilter {
  readonly #names: Bits;
  readonly #above: Bits;

  /**
   * @param names looked for as they are
   * @param above looked for above the name asked for
   */
  constructor(names: readonly string[], above: readonly string[]) {
    this.#names = new Bits(names.length);
    this.#above = new Bits(above.length);
    for (const name of names) this.#names.set(hashOf(name));
    for (const name of above) this.#above.set(hashOf(name));
  }

  /** Cost: a multiplication a character; allocates nothing. */
  look(name: string): number {
    let state = BASIS;
    let found: number = NameFound.nothing;
    for (let at = name.length - 1; at >= 0; at--) {
      const code = name.charCodeAt(at);
      if (code === DOT && this.#above.has(state)) found = NameFound.perhapsAbove;
      state = step(state, code);
    }
    return this.#names.has(state) ? found + NameFound.perhapsItself : found;
  }
}

class Bits {
  readonly #words: Uint32Array;
  readonly #shift: number;

  constructor(count: number) {
    const bits = Math.max(BITS_MIN, count * BITS_A_NAME);
    const log2 = Math.ceil(Math.log2(bits));
    this.#words = new Uint32Array(2 ** (log2 - 5));
    this.#shift = 32 - log2;
  }

  set(hash: number): void {
    const bit = mixed(hash) >>> this.#shift;
    this.#words[bit >>> 5]! |= 1 << (bit & 31);
  }

  has(hash: number): boolean {
    const bit = mixed(hash) >>> this.#shift;
    return ((this.#words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }
}

/** From the last character to the first, so that the hash of every suffix is met on the way. */
function hashOf(name: string): number {
  let state = BASIS;
  for (let at = name.length - 1; at >= 0; at--) state = step(state, name.charCodeAt(at));
  return state;
}

function step(state: number, code: number): number {
  return Math.imul(((state << 5) | (state >>> 27)) ^ code, MULTIPLIER);
}

function mixed(state: number): number {
  const half = Math.imul(state ^ (state >>> 15), 0x85eb_ca6b);
  return (half ^ (half >>> 13)) >>> 0;
}
