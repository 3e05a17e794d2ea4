/**
 * The interned rule sets of one name index: an append-only store of Uint32 words, each set a count and two words a rule
 * in order of precedence. A name refers to its set by offset; a million names of one list share one set. Used while an
 * index is built, never by a reader.
 *
 * A set stays small whatever a list repeats: two rules that differ in category or expiry only become the one that lives
 * longer.
 */
import { ruleComesBefore, sameRuleIdentity } from './rules.ts';

/** Offset of the set without rules: what an overlay stores for a removed name. */
export const EMPTY_RULE_SET = 0;

/** Remembered unions; the memory is dropped when full, which costs time only. */
const MEMO_ENTRIES_MAX = 65_536;
/** Offsets and word counts are Uint32. */
const STORE_WORDS_MAX = 0x4000_0000;

export class RuleSetInterner {
  /** Holds the empty set at offset 0. */
  #words = new Uint32Array(64);
  #wordsUsed = 1;
  /** Open addressing over the sets by content: offset + 1, or 0. */
  #index = new Uint32Array(64);
  #setCount = 0;
  #memo = new Map<number, Map<number, Map<number, number>>>();
  #memoEntries = 0;
  #lastSet = -1;
  #lastWord0 = -1;
  #lastWord1 = -1;
  #lastResult = -1;
  #scratch: number[] = [];

  /** Uint32 words in use. */
  get wordCount(): number {
    return this.#wordsUsed;
  }

  /** The words in use; valid until the next `union`. */
  words(): Uint32Array {
    return this.#words.subarray(0, this.#wordsUsed);
  }

  /**
   * Offset of the set that has the rules of the set at `setOffset` and one more.
   * Cost: a comparison for a run of equal rules, else a look-up in a memo.
   */
  union(setOffset: number, word0: number, word1: number): number {
    if (setOffset === this.#lastSet && word0 === this.#lastWord0 && word1 === this.#lastWord1) return this.#lastResult;
    let result = this.#memo.get(setOffset)?.get(word0)?.get(word1);
    if (result === undefined) {
      result = this.#intern(this.#merged(setOffset, word0, word1));
      this.#remember(setOffset, word0, word1, result);
    }
    this.#lastSet = setOffset;
    this.#lastWord0 = word0;
    this.#lastWord1 = word1;
    this.#lastResult = result;
    return result;
  }

  /** The words of a set and one more rule, flat, without the count; valid until the next call. */
  #merged(setOffset: number, word0: number, word1: number): number[] {
    const rules = this.#scratch;
    rules.length = 0;
    const end = setOffset + 1 + this.#words[setOffset]! * 2;
    let pending = true;
    for (let at = setOffset + 1; at < end; at += 2) {
      const other0 = this.#words[at]!;
      const other1 = this.#words[at + 1]!;
      if (pending && sameRuleIdentity(other0, word0)) {
        if (livesLonger(word1, other1)) rules.push(word0, word1);
        else rules.push(other0, other1);
        pending = false;
        continue;
      }
      // Why not the words themselves: of one identity the category is as may be, and must not part what is to be merged.
      if (pending && ruleComesBefore(word0, other0)) {
        rules.push(word0, word1);
        pending = false;
      }
      rules.push(other0, other1);
    }
    if (pending) rules.push(word0, word1);
    return rules;
  }

  #intern(rules: readonly number[]): number {
    if ((this.#setCount + 1) * 2 > this.#index.length) this.#growIndex();
    const mask = this.#index.length - 1;
    let slot = hashWords(rules, 0, rules.length) & mask;
    for (let stored = this.#index[slot]!; stored !== 0; stored = this.#index[slot]!) {
      if (this.#equals(stored - 1, rules)) return stored - 1;
      slot = (slot + 1) & mask;
    }
    const offset = this.#append(rules);
    this.#index[slot] = offset + 1;
    this.#setCount++;
    return offset;
  }

  #equals(offset: number, rules: readonly number[]): boolean {
    if (this.#words[offset]! * 2 !== rules.length) return false;
    for (let i = 0; i < rules.length; i++) if (this.#words[offset + 1 + i] !== rules[i]) return false;
    return true;
  }

  #append(rules: readonly number[]): number {
    const offset = this.#wordsUsed;
    const end = offset + 1 + rules.length;
    if (end > STORE_WORDS_MAX) throw new RangeError('too many different rule sets for one index');
    if (end > this.#words.length) {
      const grown = new Uint32Array(Math.max(end, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[offset] = rules.length / 2;
    this.#words.set(rules, offset + 1);
    this.#wordsUsed = end;
    return offset;
  }

  #growIndex(): void {
    const index = new Uint32Array(this.#index.length * 2);
    const mask = index.length - 1;
    for (const stored of this.#index) {
      if (stored === 0) continue;
      const start = stored;
      let slot = hashWords(this.#words, start, start + this.#words[stored - 1]! * 2) & mask;
      while (index[slot] !== 0) slot = (slot + 1) & mask;
      index[slot] = stored;
    }
    this.#index = index;
  }

  #remember(setOffset: number, word0: number, word1: number, result: number): void {
    if (this.#memoEntries >= MEMO_ENTRIES_MAX) {
      this.#memo.clear();
      this.#memoEntries = 0;
    }
    let byWord0 = this.#memo.get(setOffset);
    if (byWord0 === undefined) this.#memo.set(setOffset, (byWord0 = new Map()));
    let byWord1 = byWord0.get(word0);
    if (byWord1 === undefined) byWord0.set(word0, (byWord1 = new Map()));
    byWord1.set(word1, result);
    this.#memoEntries++;
  }
}

function livesLonger(expiry: number, otherExpiry: number): boolean {
  if (otherExpiry === 0) return false;
  return expiry === 0 || expiry > otherExpiry;
}

function hashWords(words: ArrayLike<number>, start: number, end: number): number {
  let state = 0x811c_9dc5;
  for (let i = start; i < end; i++) {
    state = Math.imul(state ^ words[i]!, 0x9e37_79b1);
    state ^= state >>> 15;
  }
  return state >>> 0;
}
