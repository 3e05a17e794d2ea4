/**
 * Which entries of a list the guard holds. Found once for each content and guard, as places in the segment, so that
 * compiling a list again costs no guard. Plain data: crosses threads.
 */
import type { ListEntry } from './format/list-format.ts';
import type { Guard } from './guard/guard.ts';
import { entryKey, HELD_NAMES_MAX, type HeldName, type RadiusHold } from './held-entries.ts';
import { segmentName } from './list-segment.ts';
import type { StatusSample } from './list-status.ts';
import { readSegmentData, type SegmentData } from './segment-data.ts';

/** Held entries shown of each guard. */
const HELD_SAMPLES_MAX = 10;

export interface ListHolds {
  /** Of the guard and the approved names that these holds were found with. */
  readonly key: string;
  /** Places of held entries in the segment, ascending; the first entry is 0. */
  readonly held: Uint32Array;
  readonly byGuard: Readonly<Record<string, number>>;
  readonly samples: readonly StatusSample[];
  /** The first of them. */
  readonly names: readonly HeldName[];
}

export function holdsKey(guardKey: number, approved: readonly string[]): string {
  return `${guardKey} ${approved.join(' ')}`;
}

/** Marks a name among those that people have decided about: kept out of force. No name has it. */
const LIFTED_MARK = '!';
const LIFTED_HOLD = { guard: 'appeal', detail: 'an objection to it was upheld' } as const;

/** An entry's name, as one that a person has lifted by upholding an appeal. */
export function asLifted(name: string): string {
  return LIFTED_MARK + name;
}

function liftedSet(decided: readonly string[]): ReadonlySet<string> {
  return new Set(decided.filter((name) => name.startsWith(LIFTED_MARK)).map((name) => name.slice(LIFTED_MARK.length)));
}

/** Names in the spelling that entries have. */
export function approvedSet(approved: readonly string[]): ReadonlySet<string> {
  return new Set(approved.map((name) => name.toLowerCase().replace(/\.$/, '')));
}

export class HoldCollector {
  readonly #guard: Guard;
  readonly #approved: ReadonlySet<string>;
  readonly #lifted: ReadonlySet<string>;
  readonly #held: number[] = [];
  readonly #byGuard: Record<string, number> = {};
  readonly #samples: StatusSample[] = [];
  readonly #names: HeldName[] = [];
  readonly #radius: ReadonlyMap<string, RadiusHold>;
  /** Of those given, what is in the list and held. */
  readonly radiusHeld: RadiusHold[] = [];

  /** `approved`: with those that are lifted (asLifted). `radiusHeld`: entries found to have too many queries. */
  constructor(guard: Guard, approved: readonly string[], radiusHeld: readonly RadiusHold[] = []) {
    this.#guard = guard;
    this.#approved = approvedSet(approved);
    this.#lifted = liftedSet(approved);
    this.#radius = new Map(radiusHeld.map((hold) => [entryKey(hold.name, hold.scope), hold]));
  }

  /** Looks at the entry at `place`. Exceptions lift blocks and are never held. */
  look(entry: Pick<ListEntry, 'name' | 'scope' | 'kind' | 'staging'>, place: number, lineNumber: number): void {
    // Why: what is counted only takes nothing away. Made to enforce later, it comes by here again.
    if (entry.kind === 'exception' || entry.staging?.isApproved === true || entry.staging?.isShadow === true) return;
    // Why the size: to look a fresh string up in a set is to hash it, which for a million takes half a second.
    const isLifted = this.#lifted.size > 0 && this.#lifted.has(entry.name);
    const hold = isLifted ? LIFTED_HOLD : (this.#guard.check(entry.name, entry.scope) ?? this.#radiusHold(entry));
    if (hold === undefined || (!isLifted && this.#approved.has(entry.name))) return;
    this.#held.push(place);
    this.#note({ name: entry.name, scope: entry.scope, guard: hold.guard, detail: hold.detail }, lineNumber);
  }

  /** Adds an entry that has been found to have too many queries; its place may be anywhere. */
  addRadiusHold(place: number, hold: RadiusHold): void {
    this.#held.push(place);
    this.radiusHeld.push(hold);
    this.#note({ ...hold, guard: 'blastRadius' }, 0);
  }

  #radiusHold({ name, scope }: Pick<ListEntry, 'name' | 'scope'>): { guard: string; detail: string } | undefined {
    if (this.#radius.size === 0) return undefined;
    const hold = this.#radius.get(entryKey(name, scope));
    if (hold === undefined || this.#approved.has(name)) return undefined;
    this.radiusHeld.push(hold);
    return { guard: 'blastRadius', detail: hold.detail };
  }

  #note(held: HeldName, lineNumber: number): void {
    const { guard, detail, name } = held;
    const count = (this.#byGuard[guard] ?? 0) + 1;
    this.#byGuard[guard] = count;
    const text = guard === 'blastRadius' ? `${name}: ${detail}` : detail;
    if (count <= HELD_SAMPLES_MAX) this.#samples.push({ code: guard, lineNumber, text });
    if (this.#names.length < HELD_NAMES_MAX) this.#names.push(held);
  }

  get held(): readonly number[] {
    return this.#held;
  }

  holds(key: string): ListHolds {
    const held = Uint32Array.from(this.#held).toSorted();
    return { key, held, byGuard: this.#byGuard, samples: this.#samples, names: this.#names };
  }
}

/** The holds of a segment whose source is not at hand. Errors: SegmentLost. */
export function holdsOfSegment(
  segment: SegmentData,
  guard: Guard,
  approved: readonly string[],
  key: string,
  radiusHeld: readonly RadiusHold[] = [],
): ListHolds {
  const collector = new HoldCollector(guard, approved, radiusHeld);
  let place = 0;
  readSegmentData(segment, (entry) => {
    const { scope, kind, isShadow, isApproved, rolloutSlot } = entry;
    collector.look({ name: segmentName(entry), scope, kind, staging: { isShadow, isApproved, rolloutSlot } }, place, 0);
    place += 1;
  });
  return collector.holds(key);
}
