/**
 * Which entries of a list the guard holds. Found once for each content and guard, as places in the segment, so that
 * compiling a list again costs no guard. Plain data: crosses threads.
 */
import type { ListEntry } from './format/list-format.ts';
import type { Guard } from './guard/guard.ts';
import { segmentName } from './list-segment.ts';
import type { StatusSample } from './list-status.ts';
import { readSegmentData, type SegmentData } from './segment-data.ts';

/** Held entries shown of each guard. */
export const HELD_SAMPLES_MAX = 10;

export interface ListHolds {
  /** Of the guard and the approved names that these holds were found with. */
  readonly key: string;
  /** Places of held entries in the segment, ascending; the first entry is 0. */
  readonly held: Uint32Array;
  readonly byGuard: Readonly<Record<string, number>>;
  readonly samples: readonly StatusSample[];
}

export function holdsKey(guardKey: number, approved: readonly string[]): string {
  return `${guardKey} ${approved.join(' ')}`;
}

export class HoldCollector {
  readonly #guard: Guard;
  readonly #approved: ReadonlySet<string>;
  readonly #held: number[] = [];
  readonly #byGuard: Record<string, number> = {};
  readonly #samples: StatusSample[] = [];

  constructor(guard: Guard, approved: readonly string[]) {
    this.#guard = guard;
    this.#approved = new Set(approved.map((name) => name.toLowerCase().replace(/\.$/, '')));
  }

  /** Looks at the entry at `place`. Exceptions lift blocks and are never held. */
  look(entry: Pick<ListEntry, 'name' | 'scope' | 'kind' | 'staging'>, place: number, lineNumber: number): void {
    // Why: what is counted only takes nothing away. Made to enforce later, it comes by here again.
    if (entry.kind === 'exception' || entry.staging?.isApproved === true || entry.staging?.isShadow === true) return;
    const hold = this.#guard.check(entry.name, entry.scope);
    if (hold === undefined || this.#approved.has(entry.name)) return;
    this.#held.push(place);
    const count = (this.#byGuard[hold.guard] ?? 0) + 1;
    this.#byGuard[hold.guard] = count;
    if (count <= HELD_SAMPLES_MAX) this.#samples.push({ code: hold.guard, lineNumber, text: hold.detail });
  }

  holds(key: string): ListHolds {
    return { key, held: Uint32Array.from(this.#held), byGuard: this.#byGuard, samples: this.#samples };
  }
}

/** The holds of a segment whose source is not at hand. Errors: SegmentLost. */
export function holdsOfSegment(
  segment: SegmentData,
  guard: Guard,
  approved: readonly string[],
  key: string,
): ListHolds {
  const collector = new HoldCollector(guard, approved);
  let place = 0;
  readSegmentData(segment, (entry) => {
    const { scope, kind, isShadow, isApproved, rolloutSlot } = entry;
    collector.look({ name: segmentName(entry), scope, kind, staging: { isShadow, isApproved, rolloutSlot } }, place, 0);
    place += 1;
  });
  return collector.holds(key);
}
