/**
 * The fast path of a small change: instead of a new base, an overlay over the base in force that has every name whose
 * rules differ from it. A small list is in force in milliseconds, whatever the size of the others; a change that is not
 * small, or an overlay that has grown, is left to compileBase. Runs in the compile thread. Pure but for memory.
 *
 * Of each affected name the overlay has the whole rule set: what the lists that did not change say (from the index in
 * force) and what the changed ones say now (from their segments).
 */
import { NameSetBuilder, type SharedBufferPool } from '../../policy/name-set-builder.ts';
import { NameSet } from '../../policy/name-set.ts';
import type { NameSetBuffers } from '../../policy/published.ts';
import { RuleWordTable, type CompiledListSettings } from './compiler.ts';
import { addToOverlay, keyOf, nameAt, octetsOf, wordsAt, wordsOfName, wordsWithoutLists } from './overlay-words.ts';
import { readSegmentData, type SegmentData } from './segment-data.ts';

/** Names that an overlay may have, and that a changed list may have before and after. */
export const OVERLAY_ENTRIES_MAX = 20_000;

export interface OverlayChange {
  readonly listIndex: number;
  readonly settings: CompiledListSettings;
  /** Undefined: nothing of the list is in force any more. */
  readonly segment: SegmentData | undefined;
  /** Places of held entries, ascending. */
  readonly held: Uint32Array;
}

export type OverlayResult =
  | {
      readonly kind: 'overlay';
      /** Undefined where nothing differs from the base. */
      readonly overlay: NameSetBuffers | undefined;
      /** For each change: entries in force. */
      readonly entriesInForce: readonly number[];
    }
  | { readonly kind: 'tooLarge' };

const NEW_BUFFERS: SharedBufferPool = { take: (bytes) => new SharedArrayBuffer(bytes) };

interface Affected {
  readonly name: Uint8Array;
  /** Two words a rule. */
  readonly words: number[];
}

/** Cost: a look at each slot of the base, about 10 ms a million, and the work for the affected names. */
export function compileOverlay(
  base: NameSetBuffers,
  overlay: NameSetBuffers | undefined,
  changes: readonly OverlayChange[],
  buffers: SharedBufferPool = NEW_BUFFERS,
): OverlayResult {
  const work = new OverlayWork(base, overlay, new Set(changes.map(({ listIndex }) => listIndex)));
  if (!work.collectInForce()) return { kind: 'tooLarge' };
  const entriesInForce: number[] = [];
  for (const change of changes) {
    const count = work.addChange(change);
    if (count < 0) return { kind: 'tooLarge' };
    entriesInForce.push(count);
  }
  const built = work.build(buffers);
  if (built.entryCount > 0 && built.entryCount <= OVERLAY_ENTRIES_MAX)
    return { kind: 'overlay', overlay: built, entriesInForce };
  buffers.giveBack?.([built.table, built.names, built.rules]);
  return built.entryCount === 0 ? { kind: 'overlay', overlay: undefined, entriesInForce } : { kind: 'tooLarge' };
}

class OverlayWork {
  readonly #base: NameSet;
  readonly #overlay: NameSet | undefined;
  readonly #changed: ReadonlySet<number>;
  /** By the wire name, one character an octet. */
  readonly #affected = new Map<string, Affected>();

  constructor(base: NameSetBuffers, overlay: NameSetBuffers | undefined, changed: ReadonlySet<number>) {
    this.#base = new NameSet(base);
    this.#overlay = overlay === undefined ? undefined : new NameSet(overlay);
    this.#changed = changed;
  }

  /** The overlay's names, and the base's names that a changed list has rules for; false if they are too many. */
  collectInForce(): boolean {
    const overlay = this.#overlay;
    overlay?.forEach((nameOffset, rulesOffset) => this.#affect(overlay, nameOffset, rulesOffset));
    const base = this.#base;
    const concerns = new Map<number, boolean>();
    let isTooLarge = false;
    base.forEach((nameOffset, rulesOffset) => {
      let isConcerned = concerns.get(rulesOffset);
      if (isConcerned === undefined) {
        isConcerned = wordsAt(base, rulesOffset).length !== this.#unchanged(wordsAt(base, rulesOffset)).length;
        concerns.set(rulesOffset, isConcerned);
      }
      if (!isConcerned || isTooLarge) return;
      isTooLarge = this.#affected.size > OVERLAY_ENTRIES_MAX * 2;
      this.#affect(base, nameOffset, rulesOffset);
    });
    return !isTooLarge;
  }

  /** Adds what a changed list says now; the number of its entries in force, or -1 if they are too many. */
  addChange(change: OverlayChange): number {
    if (change.segment === undefined) return 0;
    const words = new RuleWordTable(change.settings, change.listIndex);
    let place = 0;
    let nextHeld = 0;
    let count = 0;
    readSegmentData(change.segment, (entry) => {
      if (place++ === change.held[nextHeld]) {
        nextHeld += 1;
        return true;
      }
      // The root is no name of the index.
      if (entry.nameBytes <= 1) return true;
      count += 1;
      const name = entry.bytes.slice(entry.nameOffset, entry.nameOffset + entry.nameBytes);
      this.#affectedName(name).words.push(words.of(entry), entry.expiresAtSeconds);
      return count <= OVERLAY_ENTRIES_MAX;
    });
    return count > OVERLAY_ENTRIES_MAX ? -1 : count;
  }

  build(buffers: SharedBufferPool): NameSetBuffers {
    const { seed } = this.#base.buffers;
    const namesBytesExpected = octetsOf(this.#affected.values());
    const sizes = { entriesExpected: this.#affected.size, namesBytesExpected };
    const builder = new NameSetBuilder({ ...sizes, seed, buffers });
    for (const { name, words } of this.#affected.values()) addToOverlay(builder, this.#base, name, words);
    return builder.build();
  }

  #affect(set: NameSet, nameOffset: number, rulesOffset: number): void {
    const name = nameAt(set.names, nameOffset);
    const key = keyOf(name);
    // Why not again: the overlay's entry comes first and replaces the base's whole.
    if (!this.#affected.has(key)) this.#affected.set(key, { name, words: this.#unchanged(wordsAt(set, rulesOffset)) });
  }

  #affectedName(name: Uint8Array): Affected {
    const key = keyOf(name);
    let found = this.#affected.get(key);
    if (found === undefined) {
      found = { name, words: this.#unchanged(wordsOfName(this.#base, name) ?? []) };
      this.#affected.set(key, found);
    }
    return found;
  }

  /** The rules of lists that did not change. */
  #unchanged(words: readonly number[]): number[] {
    return wordsWithoutLists(words, (listIndex) => this.#changed.has(listIndex));
  }
}
