/**
 * Entries that a person has lifted by upholding an appeal: whoever lists them again, by push, feed, rollback or the next
 * version of a pulled list, a person looks first. A block that was decided to be wrong must not come back with the next delivery. Released from that hold, an
 * entry is in force like any other.
 */
import { FLAG_SHADOW, type EntryFields } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { GuardHit } from './name-work.ts';

/** Of one list, the newest. */
const LIFTED_MAX = 100_000;

const HIT: GuardHit = { guard: 'appeal', detail: 'an objection to it was upheld' };

/** Cost: a walk along an index of the upheld appeals of the list. */
export function liftedEntries(tables: LedgerConnection, list: string): ReadonlySet<string> {
  const sql = "SELECT entry FROM appeals WHERE list = ? AND state = 'upheld' ORDER BY id DESC LIMIT ?";
  return new Set(tables.all<{ entry: string }>(sql, list, LIFTED_MAX).map(({ entry }) => entry));
}

/** The same with the time of the decision, in seconds; for lists whose entries are not in the ledger. */
export function liftedAt(tables: LedgerConnection, list: string): Map<string, number> {
  const sql = `SELECT entry, max(decided_at) AS at FROM appeals WHERE list = ? AND state = 'upheld' GROUP BY entry
    ORDER BY max(id) DESC LIMIT ?`;
  return new Map(tables.all<{ entry: string; at: number }>(sql, list, LIFTED_MAX).map(({ entry, at }) => [entry, at]));
}

/** Why the entry waits; undefined: nobody has lifted it. */
export function liftedHit(lifted: ReadonlySet<string>, { name, flags }: EntryFields): GuardHit | undefined {
  return (flags & FLAG_SHADOW) === 0 && lifted.has(name) ? HIT : undefined;
}
