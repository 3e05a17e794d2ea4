/**
 * One level of the name index, as readers see it: find a name's rule set in buffers that another thread built. Sits
 * under Policy, which asks for every suffix of a query name; knows nothing of what rules mean and never writes.
 *
 * Layout: slots of three Uint32 words (name hash, offset in `names`, offset in `rules`), ordered by hash, each at or
 * behind its home slot `hash * slotCount / 2^32` with no empty slot between; a few more slots than `slotCount` and an
 * empty last one, so that no search wraps. An empty slot has the greatest hash and name offset 0: a search for an
 * absent name ends at the first greater hash, about as early as one for a present name.
 */
import { FOLD } from '../dns/name.ts';
import type { NameSetBuffers } from './published.ts';

/** Uint32 words a slot. */
export const SLOT_WORDS = 3;
/** The hash word of an empty slot; a real hash may equal it, its name offset is then not 0. */
export const EMPTY_HASH = 0xffff_ffff;
const HASH_RANGE = 0x1_0000_0000;

/** Where the search for a hash begins. The order of hashes is the order of home slots. */
export function homeSlot(hash: number, slotCount: number): number {
  return Math.floor((hash * slotCount) / HASH_RANGE);
}

/** All whole words of a buffer: one of the pool may have any size. */
export function wordsOf(buffer: SharedArrayBuffer): Uint32Array<SharedArrayBuffer> {
  return new Uint32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
}

/** Slots to the empty one that ends the last search; behind it a buffer of the pool may have anything. */
export function usedSlots({ table, slotCount }: NameSetBuffers): number {
  const words = wordsOf(table);
  let slot = slotCount;
  while (slot * SLOT_WORDS < words.length && words[slot * SLOT_WORDS + 1] !== 0) slot++;
  return slot + 1;
}

export class NameSet {
  readonly buffers: NameSetBuffers;
  readonly entryCount: number;
  /** Rule sets: at each offset that `find` returns, a count and two words a rule. */
  readonly rules: Uint32Array;
  readonly names: Uint8Array;
  readonly #table: Uint32Array;
  readonly #slotCount: number;

  constructor(buffers: NameSetBuffers) {
    this.buffers = buffers;
    this.entryCount = buffers.entryCount;
    this.#table = wordsOf(buffers.table);
    this.names = new Uint8Array(buffers.names, 0, buffers.namesBytes);
    this.rules = new Uint32Array(buffers.rules, 0, buffers.rulesWords);
    this.#slotCount = buffers.slotCount;
  }

  /** Shared memory held, room for reuse included. */
  get bytesTotal(): number {
    return this.buffers.table.byteLength + this.buffers.names.byteLength + this.buffers.rules.byteLength;
  }

  /**
   * Offset of the rule set of the name at `suffixStart`, whatever its letter case, or -1.
   * @param hash what hashSuffixes says of that name with the set's seed
   * Cost: about two slots read; the name is compared only where the hash is equal.
   */
  find(hash: number, bytes: Uint8Array, suffixStart: number): number {
    const table = this.#table;
    let at = Math.floor((hash * this.#slotCount) / HASH_RANGE) * SLOT_WORDS;
    let stored = table[at]!;
    while (stored <= hash) {
      if (stored === hash) {
        const nameOffset = table[at + 1]!;
        if (nameOffset === 0) return -1;
        if (equalsStored(this.names, nameOffset, bytes, suffixStart)) return table[at + 2]!;
      }
      at += SLOT_WORDS;
      stored = table[at]!;
    }
    return -1;
  }

  /** Visits every entry, in no order that means anything: `names` holds its wire name at the offset given. */
  forEach(visit: (nameOffset: number, rulesOffset: number) => void): void {
    const table = this.#table;
    const end = usedSlots(this.buffers) * SLOT_WORDS;
    for (let at = 0; at < end; at += SLOT_WORDS) {
      const nameOffset = table[at + 1]!;
      if (nameOffset !== 0) visit(nameOffset, table[at + 2]!);
    }
  }
}

/** Whether a stored name (lower case, with its root label) is the name at `start`, case-insensitively. */
export function equalsStored(names: Uint8Array, nameOffset: number, bytes: Uint8Array, start: number): boolean {
  let stored = nameOffset;
  let given = start;
  for (;;) {
    const labelBytes = names[stored]!;
    if (labelBytes !== bytes[given]) return false;
    if (labelBytes === 0) return true;
    const labelEnd = stored + labelBytes;
    do {
      stored++;
      given++;
      if (names[stored] !== FOLD[bytes[given]!]) return false;
    } while (stored < labelEnd);
    stored++;
    given++;
  }
}
