/**
 * Builds one level of the name index (name-set.ts has its layout) from a stream of entries, without an object an entry.
 * Runs in the compile thread. Works in ordinary buffers, which the collector takes back, and copies into shared ones of
 * the exact size at the end.
 */
import { FOLD, LABELS_MAX, NAME_BYTES_MAX, labelStartsOf } from '../dns/name.ts';
import { hashSuffixes } from './name-hash.ts';
import { EMPTY_HASH, SLOT_WORDS, equalsStored, homeSlot, wordsOf } from './name-set.ts';
import type { NameSetBuffers } from './published.ts';
import { EMPTY_RULE_SET, RuleSetInterner } from './rule-set.ts';

/** Entries for each home slot of the published table. Costs 12 / 0.65 = 18.5 octets a name. */
const LOAD = 0.65;
/** Of the working table: it doubles, so it is rarely as full. */
const WORKING_LOAD_MAX = 0.75;
const SLOTS_MIN = 16;
const NAME_BYTES_EXPECTED = 24;
/** Slots behind the last home slot, more only where the hashes there are so many. */
const TAIL_SLOTS = 64;
/** Name offsets are Uint32. */
const NAMES_BYTES_MAX = 0xffff_0000;

/** Where shared buffers come from: new, or retired ones of the pool. */
export interface SharedBufferPool {
  /** A buffer of at least so many octets, with any content. */
  take(bytes: number): SharedArrayBuffer;
}

export interface NameSetBuilderOptions {
  /** A guess; wrong ones cost time only. */
  readonly entriesExpected: number;
  /** Random for each process; base and overlay of one policy share it. */
  readonly seed: number;
  readonly buffers?: SharedBufferPool;
}

/** What became of an entry. `invalid`: no well-formed name, or the root, which no entry may be. `full`: 4 GiB of names. */
export const AddOutcome = { added: 0, merged: 1, invalid: 2, full: 3 } as const;

export class NameSetBuilder {
  readonly #seed: number;
  readonly #pool: SharedBufferPool;
  readonly #interner = new RuleSetInterner();
  readonly #labelStarts = new Uint8Array(LABELS_MAX);
  readonly #hashes = new Uint32Array(LABELS_MAX);
  #table: Uint32Array;
  #slotCount: number;
  #entryCount = 0;
  #names: Uint8Array;
  #namesBytes = 1;

  constructor(options: NameSetBuilderOptions) {
    this.#seed = options.seed >>> 0;
    this.#pool = options.buffers ?? { take: (bytes) => new SharedArrayBuffer(bytes) };
    this.#slotCount = Math.max(SLOTS_MIN, Math.ceil(options.entriesExpected / WORKING_LOAD_MAX) + 1);
    this.#table = new Uint32Array(this.#slotCount * SLOT_WORDS);
    this.#names = new Uint8Array(Math.max(NAME_BYTES_MAX, options.entriesExpected * NAME_BYTES_EXPECTED));
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /**
   * Adds a rule to the wire-format name at `nameOffset`, in any letter case; the name is copied.
   * @returns a value of AddOutcome: `merged` where the name is there already
   */
  add(name: Uint8Array, nameOffset: number, word0: number, word1: number): number {
    return this.#put(name, nameOffset, word0, word1, false);
  }

  /** Overlay only: the name has no rules any more, whatever the base says. Rules added before are dropped. */
  addRemoval(name: Uint8Array, nameOffset: number): number {
    return this.#put(name, nameOffset, 0, 0, true);
  }

  /** The finished level. The builder must not be used afterwards. */
  build(): NameSetBuffers {
    const slotCount = Math.max(SLOTS_MIN, Math.ceil(this.#entryCount / LOAD));
    let tailSlots = Math.min(TAIL_SLOTS, this.#entryCount + 1);
    let table = this.#pool.take((slotCount + tailSlots) * SLOT_WORDS * 4);
    if (!this.#fillOrdered(wordsOf(table), slotCount)) {
      // Why: so many hashes at the very top take a list made with knowledge of the seed; then room for all of them.
      tailSlots = this.#entryCount + 1;
      table = this.#pool.take((slotCount + tailSlots) * SLOT_WORDS * 4);
      this.#fillOrdered(wordsOf(table), slotCount);
    }
    const names = this.#pool.take(this.#namesBytes);
    new Uint8Array(names).set(this.#names.subarray(0, this.#namesBytes));
    const rules = this.#pool.take(this.#interner.wordCount * 4);
    wordsOf(rules).set(this.#interner.words());
    return {
      table,
      names,
      rules,
      slotCount,
      entryCount: this.#entryCount,
      namesBytes: this.#namesBytes,
      rulesWords: this.#interner.wordCount,
      seed: this.#seed,
    };
  }

  #put(name: Uint8Array, nameOffset: number, word0: number, word1: number, removal: boolean): number {
    const labelCount = labelStartsOf(name, nameOffset, this.#labelStarts);
    if (labelCount <= 0) return AddOutcome.invalid;
    hashSuffixes(name, nameOffset, this.#labelStarts, labelCount, this.#seed, this.#hashes);
    const hash = this.#hashes[0]!;
    const table = this.#table;
    let slot = homeSlot(hash, this.#slotCount);
    let at = slot * SLOT_WORDS;
    while (table[at + 1] !== 0) {
      if (table[at] === hash && equalsStored(this.#names, table[at + 1]!, name, nameOffset)) {
        table[at + 2] = removal ? EMPTY_RULE_SET : this.#interner.union(table[at + 2]!, word0, word1);
        return AddOutcome.merged;
      }
      if (++slot === this.#slotCount) slot = 0;
      at = slot * SLOT_WORDS;
    }
    const last = this.#labelStarts[labelCount - 1]!;
    const nameBytes = last + name[nameOffset + last]! + 2;
    if (this.#namesBytes + nameBytes > NAMES_BYTES_MAX) return AddOutcome.full;
    table[at] = hash;
    table[at + 1] = this.#copyName(name, nameOffset, nameBytes);
    table[at + 2] = removal ? EMPTY_RULE_SET : this.#interner.union(EMPTY_RULE_SET, word0, word1);
    this.#entryCount++;
    if (this.#entryCount > this.#slotCount * WORKING_LOAD_MAX) this.#growTable();
    return AddOutcome.added;
  }

  #copyName(name: Uint8Array, nameOffset: number, nameBytes: number): number {
    const offset = this.#namesBytes;
    if (offset + nameBytes > this.#names.length) {
      const grown = new Uint8Array(Math.min(NAMES_BYTES_MAX, Math.ceil(this.#names.length * 1.5) + NAME_BYTES_MAX));
      grown.set(this.#names);
      this.#names = grown;
    }
    // Why: length octets are at most 63, below the letters, so that folding every octet leaves them alone.
    for (let i = 0; i < nameBytes; i++) this.#names[offset + i] = FOLD[name[nameOffset + i]!]!;
    this.#namesBytes = offset + nameBytes;
    return offset;
  }

  #growTable(): void {
    const slotCount = this.#slotCount * 2;
    const table = new Uint32Array(slotCount * SLOT_WORDS);
    const old = this.#table;
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 1] === 0) continue;
      let slot = homeSlot(old[from]!, slotCount);
      while (table[slot * SLOT_WORDS + 1] !== 0) if (++slot === slotCount) slot = 0;
      table.set(old.subarray(from, from + SLOT_WORDS), slot * SLOT_WORDS);
    }
    this.#table = table;
    this.#slotCount = slotCount;
  }

  /** Lays the entries out ordered by hash; false if they run past the end of the table. */
  #fillOrdered(table: Uint32Array, slotCount: number): boolean {
    for (let at = 0; at < table.length; at++) table[at] = at % SLOT_WORDS === 0 ? EMPTY_HASH : 0;
    // The last slot stays empty: it ends every search.
    const end = Math.floor(table.length / SLOT_WORDS) * SLOT_WORDS - SLOT_WORDS;
    const old = this.#table;
    // Why this is one pass: the working table is in order of hash but for its runs, so that little moves.
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 1] === 0) continue;
      const hash = old[from]!;
      let at = homeSlot(hash, slotCount) * SLOT_WORDS;
      while (table[at]! <= hash && table[at + 1] !== 0) at += SLOT_WORDS;
      let free = at;
      while (table[free + 1] !== 0) free += SLOT_WORDS;
      if (free >= end) return false;
      table.copyWithin(at + SLOT_WORDS, at, free);
      table[at] = hash;
      table[at + 1] = old[from + 1]!;
      table[at + 2] = old[from + 2]!;
    }
    return true;
  }
}
