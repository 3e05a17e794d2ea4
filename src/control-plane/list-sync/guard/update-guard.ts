/**
 * Holds an update of a pulled list whole where it removes, or adds, more than the list's percentages: a list that is cut
 * off, or was mixed up with another, reads well. Changes of everyday size are let through whatever share they are, as
 * for lists that take pushes (ledger/measure-change.ts). The last good version stays until a person has looked.
 */
import type { HoldCode } from './guard.ts';

/** Fewer entries added, or removed, never hold an update. */
export const UPDATE_ENTRIES_MIN = 1_000;

/** What an update does to the version before it. */
export interface ListChange {
  readonly before: number;
  readonly added: number;
  readonly removed: number;
  /** Entries that many ask for, where they are too many to be held one by one. */
  readonly popular: number;
}

export interface ChangeLimits {
  readonly shrinkPercentMax: number;
  readonly growthPercentMax: number;
}

export interface UpdateHold {
  readonly guard: Extract<HoldCode, 'shrink' | 'growth' | 'blastRadius'>;
  readonly detail: string;
}

/** Undefined: it may come into force. */
export function updateHold(
  { before, added, removed, popular }: ListChange,
  { shrinkPercentMax, growthPercentMax }: ChangeLimits,
): UpdateHold | undefined {
  if (isBeyond(removed, before, shrinkPercentMax)) {
    const detail = `it removes ${removed} of ${before} entries, more than ${shrinkPercentMax} percent (shrinkPercentMax)`;
    return { guard: 'shrink', detail };
  }
  // Why not of an empty list: its first load is no growth of anything.
  if (before > 0 && isBeyond(added, before, growthPercentMax)) {
    const detail = `it adds ${added} entries to ${before}, more than ${growthPercentMax} percent (growthPercentMax)`;
    return { guard: 'growth', detail };
  }
  if (popular === 0) return undefined;
  return { guard: 'blastRadius', detail: `it would block ${popular} names or more that many ask for (blastRadius)` };
}

function isBeyond(part: number, whole: number, percent: number): boolean {
  return part >= UPDATE_ENTRIES_MIN && part * 100 > whole * percent;
}
