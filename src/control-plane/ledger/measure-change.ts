/**
 * A first look at a bulk change: how much of the list would it add and remove? What is beyond the list's percentages
 * waits as one hold, the rest enters. Changes of everyday size are never measured, and removals of a few names never wait.
 */
import { currentRows, type EntryRow } from './entry-rows.ts';
import type { ChangePlan } from './change-writer.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import { stepsOf, type GuardHit } from './name-work.ts';

/** Fewer entries added, or removed, never wait for how many they are. */
export const BULK_ENTRIES_MIN = 1_000;
/** Names between two pauses of a generator. */
export const PAUSE_NAMES = 250;

export interface ChangeMeasure {
  /** New names and scopes that nothing holds. */
  readonly growth: number;
  readonly removals: number;
  readonly held: number;
}

export interface BulkHit {
  readonly hit: GuardHit;
  readonly count: number;
}

/** Counts what the change would do. Changes nothing. Cost: one look-up a name. */
export function* measureChange(
  tables: LedgerConnection,
  { head, stage, proposeOnly, replacesAll }: ChangePlan,
  walkCurrent: () => Iterable<EntryRow>,
): Generator<void, ChangeMeasure> {
  let growth = 0;
  let removals = 0;
  let held = 0;
  let names = 0;
  for (const work of stage.work()) {
    for (const step of stepsOf(work, currentRows(tables, head.id, work.name), proposeOnly)) {
      if (step.kind === 'add' && step.replaces === undefined) growth += 1;
      else if (step.kind === 'remove') removals += 1;
      else if (step.kind === 'hold') held += 1;
    }
    names += 1;
    if (names % PAUSE_NAMES === 0) yield;
  }
  if (!replacesAll) return { growth, removals, held };
  for (const row of walkCurrent()) {
    if (!stage.has(row.name, row.scope)) removals += 1;
    names += 1;
    if (names % PAUSE_NAMES === 0) yield;
  }
  return { growth, removals, held };
}

/** What of it has to wait as one. */
export function bulkHits(
  { growth, removals, held }: ChangeMeasure,
  { head, settings, proposeOnly }: ChangePlan,
): { readonly adds: BulkHit | undefined; readonly removals: BulkHit | undefined } {
  if (proposeOnly && held >= BULK_ENTRIES_MIN) {
    return { adds: bulk('proposed', 'the token may only propose', held), removals: shrink(removals, head, settings) };
  }
  const { growthPercentMax } = settings;
  const text = `it adds ${growth} entries to ${head.entryCount}, more than ${growthPercentMax} percent`;
  // Why not of an empty list: its first load is no growth of anything.
  const isGrowth = head.entryCount > 0 && isBeyond(growth, head.entryCount, growthPercentMax);
  return { adds: isGrowth ? bulk('growth', text, growth) : undefined, removals: shrink(removals, head, settings) };
}

function shrink(
  removals: number,
  { entryCount }: ChangePlan['head'],
  { shrinkPercentMax }: ChangePlan['settings'],
): BulkHit | undefined {
  const text = `it removes ${removals} of ${entryCount} entries, more than ${shrinkPercentMax} percent`;
  return isBeyond(removals, entryCount, shrinkPercentMax) ? bulk('shrink', text, removals) : undefined;
}

function bulk(guard: string, detail: string, count: number): BulkHit {
  return { hit: { guard, detail }, count };
}

function isBeyond(part: number, whole: number, percent: number): boolean {
  return part >= BULK_ENTRIES_MIN && part * 100 > whole * percent;
}
