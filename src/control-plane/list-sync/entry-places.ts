/**
 * Where in a list's segment its entries lie, by name: what the published index leaves out of an entry (its provenance) is
 * found with one look into the segment instead of a walk over all of it. Made in the compile thread, of a list that has
 * references; for the warning page's questions.
 */
import { randomInt } from 'node:crypto';
import { hashName } from '../../policy/name-hash.ts';
import { foundEntry, type FoundEntry } from './find-entries.ts';
import { entryAt, type SegmentEntry } from './list-segment.ts';
import { readSegmentData, readSegmentPart, type SegmentData } from './segment-data.ts';

/** Plain data: crosses threads. Cost: 6 octets an entry, outside of the heap. */
export interface EntryPlaces {
  /** Random, so that no list can be made whose names share a slot. */
  readonly seed: number;
  /** Open addressing: an entry's offset in the segment's payload, plus 1; 0: free. */
  readonly slots: Uint32Array<ArrayBuffer>;
}

const SLOTS_PER_ENTRY = 1.5;
const OFFSET_MAX = 0xffff_fffe;
/** Entries of one name that are looked at: a list says one or two things about a name. */
const FOUND_MAX = 16;

/**
 * Undefined: no entry has a reference, or the segment is too large to be described.
 * @param held places of entries that the guard keeps out of force, ascending: they are left out
 * Errors: SegmentLost. Cost: two walks over the segment.
 */
export function placesOf(segment: SegmentData, held: Uint32Array): EntryPlaces | undefined {
  let entries = 0;
  let hasReference = false;
  readSegmentData(segment, (entry) => {
    entries += 1;
    hasReference ||= entry.provenanceBytes > 0;
  });
  if (!hasReference) return undefined;
  const seed = randomInt(0x1_0000_0000);
  const slots = new Uint32Array(Math.ceil(entries * SLOTS_PER_ENTRY) + 1);
  let place = 0;
  let nextHeld = 0;
  let isTooLarge = false;
  readSegmentData(segment, (entry) => {
    const isHeld = place === held[nextHeld];
    if (isHeld) nextHeld += 1;
    place += 1;
    isTooLarge ||= entry.start > OFFSET_MAX;
    if (isHeld || isTooLarge) return;
    let slot = slotOf(entry.bytes, entry.nameOffset, seed, slots.length);
    while (slots[slot] !== 0) slot = slot + 1 === slots.length ? 0 : slot + 1;
    slots[slot] = entry.start + 1;
  });
  return isTooLarge ? undefined : { seed, slots };
}

/** Entries on the wire-format name (lower case) itself, FOUND_MAX at most. Errors: SegmentLost. Cost: a read from the disk for each. */
export function entriesAtPlaces(segment: SegmentData, { seed, slots }: EntryPlaces, name: Uint8Array): FoundEntry[] {
  const found: FoundEntry[] = [];
  let slot = slotOf(name, 0, seed, slots.length);
  for (let looked = 0; looked < slots.length && found.length < FOUND_MAX; looked++) {
    const place = slots[slot]!;
    if (place === 0) break;
    const entry = entryAt(readSegmentPart(segment, place - 1));
    if (entry !== undefined && isOfName(entry, name)) found.push(foundEntry(entry, false));
    slot = slot + 1 === slots.length ? 0 : slot + 1;
  }
  return found;
}

function slotOf(bytes: Uint8Array, nameOffset: number, seed: number, slots: number): number {
  // Why not a remainder: the product takes the hash's upper bits, which are as good, and any number of slots.
  return Math.floor(((hashName(bytes, nameOffset, seed) ?? 0) / 0x1_0000_0000) * slots);
}

function isOfName({ bytes, nameOffset, nameBytes }: SegmentEntry, name: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(nameOffset, nameOffset + nameBytes), name) === 0;
}
