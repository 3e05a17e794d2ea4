/**
 * A parsed content beside the version before it: how many entries it adds and removes, and which of the new ones many ask
 * for. Runs in the compile thread behind the parser. Must not decide: list-task.ts does, with the list's percentages.
 */
import { getRandomValues } from 'node:crypto';
import { LABELS_MAX, labelStartsOf } from '../../dns/name.ts';
import { hashSuffixes } from '../../policy/name-hash.ts';
import type { BlastRadius } from './guard/blast-radius.ts';
import { UPDATE_ENTRIES_MIN, type ListChange } from './guard/update-guard.ts';
import { HELD_NAMES_MAX, type RadiusHold } from './held-entries.ts';
import { approvedSet, type HoldCollector } from './list-holds.ts';
import { segmentName, type SegmentEntry } from './list-segment.ts';
import { SegmentLost, readSegmentData, type SegmentData } from './segment-data.ts';

/** The version before: plain data, crosses threads. */
export interface BeforeUpdate {
  readonly segment: SegmentData;
  readonly entries: number;
  /** Places of held entries, ascending. */
  readonly held: Uint32Array;
  readonly radiusHeld: readonly RadiusHold[];
  /** False: another source or format was set meanwhile, so that how much differs says nothing. */
  readonly isMeasured: boolean;
}

/** Up to here the hashes themselves are kept; beyond, a filter of so many bits an entry. */
const HASHES_KEPT_MAX = 200_000;
const FILTER_BITS_AN_ENTRY = 16;

const starts = new Uint8Array(LABELS_MAX);
const hashes = new Uint32Array(LABELS_MAX);

export class UpdateComparison {
  readonly #before: BeforeUpdate | undefined;
  readonly #radius: BlastRadius | undefined;
  readonly #approved: ReadonlySet<string>;

  /** `radius` undefined: nothing new is held for how many ask for it. */
  constructor(before: BeforeUpdate | undefined, radius: BlastRadius | undefined, approved: readonly string[]) {
    this.#before = before;
    this.#radius = radius;
    this.#approved = approvedSet(approved);
  }

  get radiusHeld(): readonly RadiusHold[] {
    return this.#before?.radiusHeld ?? [];
  }

  /** Adds what is asked for too much to the collector. Errors: SegmentLost where the new segment cannot be read. */
  compare(segment: SegmentData, entries: number, collector: HoldCollector): ListChange | undefined {
    const before = this.#before;
    const popular = this.#radius?.isQuiet === false ? this.#holdPopular(this.#radius, segment, collector) : 0;
    if (before === undefined || !before.isMeasured) return popular === 0 ? undefined : change(0, 0, 0, popular);
    if (Math.max(entries, before.entries) < UPDATE_ENTRIES_MIN) return change(before.entries, 0, 0, popular);
    const { added, removed } = differenceOf(before, segment, entries);
    return change(before.entries, added, removed, popular);
  }

  /** How many there are, where they are too many to be held one by one; else 0. */
  #holdPopular(radius: BlastRadius, segment: SegmentData, collector: HoldCollector): number {
    const found: { place: number; hold: RadiusHold }[] = [];
    const held = Uint32Array.from(collector.held);
    let at = 0;
    let place = -1;
    readSegmentData(segment, (entry) => {
      place += 1;
      if (held[at] === place) at += 1;
      else if (entry.kind === 'block') {
        const detail = radius.look(entry.bytes, entry.nameOffset, entry.nameBytes, entry.scope);
        if (detail === undefined) return;
        const name = segmentName(entry);
        if (!this.#approved.has(name)) found.push({ place, hold: { name, scope: entry.scope, detail } });
      }
    });
    if (found.length === 0) return 0;
    const inForce = this.#inForce(new Set(found.map(({ hold }) => hold.name)), radius);
    const fresh = found.filter(({ hold }) => !inForce.has(hold.name));
    if (fresh.length + collector.radiusHeld.length > HELD_NAMES_MAX) return fresh.length;
    for (const one of fresh) collector.addRadiusHold(one.place, one.hold);
    return 0;
  }

  /**
   * Those of the names that the version before has in force. Why they stay: it was decided that they are blocked, and the
   * queries of the day before that are still counted.
   */
  #inForce(names: ReadonlySet<string>, radius: BlastRadius): ReadonlySet<string> {
    const inForce = new Set<string>();
    if (this.#before === undefined) return inForce;
    const { segment, held } = this.#before;
    let at = 0;
    let place = -1;
    try {
      readSegmentData(segment, (entry) => {
        place += 1;
        if (held[at] === place) at += 1;
        else if (entry.kind === 'block' && isPerhapsPopular(radius, entry)) {
          const name = segmentName(entry);
          if (names.has(name)) inForce.add(name);
        }
      });
    } catch (error) {
      if (!(error instanceof SegmentLost)) throw error;
    }
    return inForce;
  }
}

/** Whatever its scope: a name in force may come with another one. */
function isPerhapsPopular(radius: BlastRadius, { bytes, nameOffset }: SegmentEntry): boolean {
  return radius.mayHold(bytes, nameOffset);
}

function change(before: number, added: number, removed: number, popular: number): ListChange {
  return { before, added, removed, popular };
}

/**
 * Entries (name, scope and kind) that only one of them has, told apart by a random hash of 32 bits; of a large list by a
 * filter with one hash, corrected by how full it is: to a few in a thousand. None where the one before is lost.
 */
function differenceOf(before: BeforeUpdate, segment: SegmentData, entries: number): { added: number; removed: number } {
  const seed = getRandomValues(new Uint32Array(1))[0]!;
  const known = before.entries > HASHES_KEPT_MAX ? new HashFilter(before.entries) : new Set<number>();
  try {
    readSegmentData(before.segment, (entry) => void known.add(entryHash(entry, seed)));
  } catch (error) {
    if (error instanceof SegmentLost) return { added: 0, removed: 0 };
    throw error;
  }
  let misses = 0;
  readSegmentData(segment, (entry) => {
    if (!known.has(entryHash(entry, seed))) misses += 1;
  });
  const seen = known instanceof HashFilter ? known.fullness : 0;
  const added = Math.min(entries, Math.round(misses / (1 - seen)));
  return { added, removed: Math.max(0, before.entries - (entries - added)) };
}

class HashFilter {
  readonly #words: Uint32Array;
  readonly #shift: number;
  #bits = 0;

  constructor(entries: number) {
    const log2 = Math.min(32, Math.ceil(Math.log2(entries * FILTER_BITS_AN_ENTRY)));
    this.#words = new Uint32Array(2 ** (log2 - 5));
    this.#shift = 32 - log2;
  }

  /** The share of what was never added that it takes for added. */
  get fullness(): number {
    return this.#bits / (this.#words.length * 32);
  }

  add(hash: number): void {
    if (this.has(hash)) return;
    const bit = hash >>> this.#shift;
    this.#words[bit >>> 5]! |= 1 << (bit & 31);
    this.#bits += 1;
  }

  has(hash: number): boolean {
    const bit = hash >>> this.#shift;
    return ((this.#words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }
}

function entryHash({ bytes, nameOffset, scope, kind }: SegmentEntry, seed: number): number {
  const labels = labelStartsOf(bytes, nameOffset, starts);
  hashes[0] = seed;
  if (labels > 0) hashSuffixes(bytes, nameOffset, starts, labels, seed, hashes);
  const flags = (scope === 'exact' ? 1 : 0) | (kind === 'exception' ? 2 : 0);
  return Math.imul(hashes[0] ^ Math.imul(flags + 1, 0x9e37_79b1), 0x85eb_ca6b) >>> 0;
}
