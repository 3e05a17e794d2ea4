/**
 * Builds one level of the name index (name-set.ts has its layout) from a stream of entries, without an object an entry.
 * Runs in the compile thread. Works in the shared buffers that are published, laid out in order from the first entry on:
 * where the caller knows how many names come, nothing is copied and the index is all the memory that a build takes.
 */
import { FOLD, LABELS_MAX, NAME_BYTES_MAX, labelStartsOf } from '../dns/name.ts';
import { hashSuffixes } from './name-hash.ts';
import { EMPTY_HASH, SLOT_WORDS, equalsStored, homeSlot, wordsOf } from './name-set.ts';
import type { NameSetBuffers } from './published.ts';
import { EMPTY_RULE_SET, RuleSetInterner } from './rule-set.ts';

/** Entries for each home slot of the published table. Costs 12 / 0.65 = 18.5 octets a name. */
const LOAD = 0.65;
/** Where more names come than expected the table doubles at this load. */
const LOAD_MAX = 0.75;
const SLOTS_MIN = 16;
const NAME_BYTES_EXPECTED = 24;
/** Slots behind the last home slot, more only where the hashes there are so many. */
const TAIL_SLOTS = 64;
/** Name offsets are Uint32. */
const NAMES_BYTES_MAX = 0xffff_0000;
/** A finished table or blob that is larger than it must be by more than this is copied into one of the right size. */
const WASTE_MAX = 1.25;
/** A blob up to this is as small as need be. */
const SMALL_BYTES = 8192;

/** Where shared buffers come from: new, or retired ones of the pool. */
export interface SharedBufferPool {
  /** A buffer of at least so many octets, with any content. */
  take(bytes: number): SharedArrayBuffer;
  /** Takes back what was not needed after all. */
  giveBack?(buffers: readonly SharedArrayBuffer[]): void;
}

export interface NameSetBuilderOptions {
  /** The number of names, or a guess; a wrong one costs time and, while the index is built, memory. */
  readonly entriesExpected: number;
  /** Octets of all names on the wire; by default what names of a usual length have. */
  readonly namesBytesExpected?: number;
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
  #table: Uint32Array<SharedArrayBuffer>;
  #slotCount: number;
  #tailSlots = TAIL_SLOTS;
  #entryCount = 0;
  #namesBuffer: SharedArrayBuffer;
  #names: Uint8Array;
  #namesBytes = 1;

  constructor(options: NameSetBuilderOptions) {
    const { entriesExpected, namesBytesExpected = entriesExpected * NAME_BYTES_EXPECTED } = options;
    this.#seed = options.seed >>> 0;
    this.#pool = options.buffers ?? { take: (bytes) => new SharedArrayBuffer(bytes) };
    this.#slotCount = slotsFor(entriesExpected);
    this.#table = this.#takeTable(this.#slotCount, this.#tailSlots);
    this.#namesBuffer = this.#pool.take(Math.min(NAMES_BYTES_MAX, 1 + Math.max(NAME_BYTES_MAX, namesBytesExpected)));
    this.#names = new Uint8Array(this.#namesBuffer);
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
    const slotCount = slotsFor(this.#entryCount);
    if (this.#slotCount > slotCount * WASTE_MAX) this.#relay(slotCount, this.#tailSlots);
    const rules = this.#pool.take(this.#interner.wordCount * 4);
    wordsOf(rules).set(this.#interner.words());
    return {
      table: this.#table.buffer,
      names: this.#fittingNames(),
      rules,
      slotCount: this.#slotCount,
      entryCount: this.#entryCount,
      namesBytes: this.#namesBytes,
      rulesWords: this.#interner.wordCount,
      seed: this.#seed,
    };
  }

  #fittingNames(): SharedArrayBuffer {
    if (this.#namesBuffer.byteLength <= Math.max(this.#namesBytes * WASTE_MAX, SMALL_BYTES)) return this.#namesBuffer;
    const fitting = this.#pool.take(this.#namesBytes);
    new Uint8Array(fitting).set(this.#names.subarray(0, this.#namesBytes));
    this.#pool.giveBack?.([this.#namesBuffer]);
    return fitting;
  }

  #put(name: Uint8Array, nameOffset: number, word0: number, word1: number, removal: boolean): number {
    const labelCount = labelStartsOf(name, nameOffset, this.#labelStarts);
    if (labelCount <= 0) return AddOutcome.invalid;
    hashSuffixes(name, nameOffset, this.#labelStarts, labelCount, this.#seed, this.#hashes);
    const hash = this.#hashes[0]!;
    const table = this.#table;
    let at = homeSlot(hash, this.#slotCount) * SLOT_WORDS;
    while (table[at]! <= hash && table[at + 1] !== 0) {
      if (table[at] === hash && equalsStored(this.#names, table[at + 1]!, name, nameOffset)) {
        table[at + 2] = removal ? EMPTY_RULE_SET : this.#interner.union(table[at + 2]!, word0, word1);
        return AddOutcome.merged;
      }
      at += SLOT_WORDS;
    }
    const last = this.#labelStarts[labelCount - 1]!;
    const nameBytes = last + name[nameOffset + last]! + 2;
    if (this.#namesBytes + nameBytes > NAMES_BYTES_MAX) return AddOutcome.full;
    const stored = this.#copyName(name, nameOffset, nameBytes);
    const rules = removal ? EMPTY_RULE_SET : this.#interner.union(EMPTY_RULE_SET, word0, word1);
    while (!insert(this.#table, at, hash, stored, rules)) {
      // Why: so many hashes at the very top take a list made with knowledge of the seed; the tail grows with them.
      this.#relay(this.#slotCount, this.#tailSlots * 2);
      at = placeOf(this.#table, hash, this.#slotCount);
    }
    this.#entryCount++;
    if (this.#entryCount > this.#slotCount * LOAD_MAX) this.#relay(this.#slotCount * 2, this.#tailSlots);
    return AddOutcome.added;
  }

  #copyName(name: Uint8Array, nameOffset: number, nameBytes: number): number {
    const offset = this.#namesBytes;
    if (offset + nameBytes > this.#names.length) {
      const wanted = Math.min(NAMES_BYTES_MAX, Math.ceil(this.#names.length * 1.5) + NAME_BYTES_MAX);
      const outgrown = this.#namesBuffer;
      this.#namesBuffer = this.#pool.take(wanted);
      const grown = new Uint8Array(this.#namesBuffer);
      grown.set(this.#names.subarray(0, offset));
      this.#names = grown;
      this.#pool.giveBack?.([outgrown]);
    }
    const names = this.#names;
    // Why: length octets are at most 63, below the letters, so that folding every octet leaves them alone.
    for (let i = 0; i < nameBytes; i++) names[offset + i] = FOLD[name[nameOffset + i]!]!;
    this.#namesBytes = offset + nameBytes;
    return offset;
  }

  /** Lays the entries out in a table of another size. */
  #relay(slotCount: number, tailSlots: number): void {
    const old = this.#table;
    for (let tail = tailSlots; ; tail *= 2) {
      const table = this.#takeTable(slotCount, tail);
      this.#tailSlots = tail;
      if (!relayInto(old, table, slotCount)) {
        this.#pool.giveBack?.([table.buffer]);
        continue;
      }
      this.#pool.giveBack?.([old.buffer]);
      this.#table = table;
      this.#slotCount = slotCount;
      return;
    }
  }

  #takeTable(slotCount: number, tailSlots: number): Uint32Array<SharedArrayBuffer> {
    const words = (slotCount + tailSlots) * SLOT_WORDS;
    // Why not the whole buffer: what is behind its last slot nobody reads, and memory never touched is never taken.
    const table = new Uint32Array(this.#pool.take(words * 4), 0, words);
    for (let at = 0; at < words; at += SLOT_WORDS) {
      table[at] = EMPTY_HASH;
      table[at + 1] = 0;
      table[at + 2] = 0;
    }
    return table;
  }
}

function slotsFor(entries: number): number {
  return Math.max(SLOTS_MIN, Math.ceil(entries / LOAD));
}

/** Where an entry belongs that is not in the table: before the first greater hash. */
function placeOf(table: Uint32Array, hash: number, slotCount: number): number {
  let at = homeSlot(hash, slotCount) * SLOT_WORDS;
  while (table[at]! <= hash && table[at + 1] !== 0) at += SLOT_WORDS;
  return at;
}

/** Puts a slot at its place and moves what stands there to the right; false if the end of the table is reached. */
function insert(table: Uint32Array, at: number, hash: number, nameOffset: number, rulesOffset: number): boolean {
  let free = at;
  while (table[free + 1] !== 0) free += SLOT_WORDS;
  // The last slot stays empty: it ends every search.
  if (free >= table.length - SLOT_WORDS) return false;
  // Why by hand: runs are a slot or two long, and copyWithin costs more than it moves.
  for (let to = free + SLOT_WORDS - 1, low = at + SLOT_WORDS; to >= low; to--) table[to] = table[to - SLOT_WORDS]!;
  table[at] = hash;
  table[at + 1] = nameOffset;
  table[at + 2] = rulesOffset;
  return true;
}

/** Both tables are in order of hash, so that each slot goes to its home or behind the one before; false if they run past the end. */
function relayInto(old: Uint32Array, table: Uint32Array, slotCount: number): boolean {
  const end = table.length - SLOT_WORDS;
  let next = 0;
  for (let from = 0; from + 2 < old.length; from += SLOT_WORDS) {
    if (old[from + 1] === 0) continue;
    const at = Math.max(next, homeSlot(old[from]!, slotCount) * SLOT_WORDS);
    if (at >= end) return false;
    table[at] = old[from]!;
    table[at + 1] = old[from + 1]!;
    table[at + 2] = old[from + 2]!;
    next = at + SLOT_WORDS;
  }
  return true;
}
