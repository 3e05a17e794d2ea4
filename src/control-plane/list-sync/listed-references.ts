/**
 * What entries of pulled lists say beside their name, for the warning page: one look into the segment, wherever it lies. Of
 * each list that has references the compile thread notes once a version where its entries are, behind everything that
 * subscribers wait for.
 */
import type { CompileRunner } from './compile-client.ts';
import { entriesAtPlaces, type EntryPlaces } from './entry-places.ts';
import type { FoundEntry } from './find-entries.ts';
import type { ListTask } from './list-task.ts';
import { SegmentLost, type SegmentData } from './segment-data.ts';
import type { SegmentMemory } from './segment-memory.ts';

interface Noted {
  readonly segment: SegmentData;
  readonly held: Uint32Array;
  /** Undefined: no entry has a reference. */
  readonly places: EntryPlaces | undefined;
}

export class ListedReferences {
  readonly #compile: CompileRunner;
  readonly #segments: SegmentMemory;
  readonly #noted = new Map<string, Noted>();

  constructor(compile: CompileRunner, segments: SegmentMemory) {
    this.#compile = compile;
    this.#segments = segments;
  }

  /** Notes the places of what has changed, one list after the other, and forgets lists that are gone. Errors: none. */
  async refresh(tasks: readonly ListTask[]): Promise<void> {
    const names = new Set(tasks.map(({ config }) => config.name));
    for (const list of this.#noted.keys()) if (!names.has(list)) this.#noted.delete(list);
    for (const task of tasks) await this.#refresh(task);
  }

  async #refresh({ config, isOfLedger, newest }: ListTask): Promise<void> {
    if (isOfLedger || newest === undefined) {
      this.#noted.delete(config.name);
      return;
    }
    const { segment, facts } = newest;
    const { held } = newest.holds;
    const before = this.#noted.get(config.name);
    if (before?.segment === segment && isSame(before.held, held)) return;
    if (facts.references === 0) {
      this.#noted.set(config.name, { segment, held, places: undefined });
      return;
    }
    // Why first: they are of another segment, and their memory is free for the next.
    this.#noted.delete(config.name);
    this.#segments.hold([segment]);
    const done = await this.#compile.run({ kind: 'places', segment, held });
    this.#segments.release([segment]);
    if (done.kind === 'done') this.#noted.set(config.name, { segment, held, places: done.result.places });
  }

  /**
   * Entries of the list in force on the wire-format name (lower case) itself; undefined: that cannot be told now, for its
   * content is new, or not readable. Errors: none.
   */
  entriesOf(task: ListTask | undefined, name: Uint8Array): readonly FoundEntry[] | undefined {
    const noted = task === undefined ? undefined : this.#noted.get(task.config.name);
    if (noted === undefined || noted.segment !== task?.newest?.segment) return undefined;
    try {
      return noted.places === undefined ? [] : entriesAtPlaces(noted.segment, noted.places, name);
    } catch (error) {
      if (!(error instanceof SegmentLost)) throw error;
      return undefined;
    }
  }
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a === b || (a.length === b.length && a.every((place, i) => place === b[i]));
}
