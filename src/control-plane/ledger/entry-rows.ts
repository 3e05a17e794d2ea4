/**
 * The rows of `entries`: one for each time that an entry was in a list, from the version that added it to the version
 * that removed it. Current rows have no `removed`. What a row says and how it becomes a LedgerEntry is here alone.
 */
import { CATEGORIES } from '../../policy/category.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { EntryScope, LedgerEntry, NameState } from './ledger.ts';

/** Position is what the tables hold. */
export const SCOPES: readonly EntryScope[] = ['subtree', 'exact'];
export const SCOPE_SUBTREE = 0;
export const SCOPE_EXACT = 1;

export const FLAG_SHADOW = 1;
export const FLAG_APPROVED = 2;
/** It left because its time was over, by nobody's hand. */
export const FLAG_EXPIRED = 4;

/** What an entry says, as it lies in `entries`, `held` and the staging area. */
export interface EntryFields {
  readonly name: string;
  readonly scope: number;
  readonly category: number | null;
  readonly word: string | null;
  readonly reference: string | null;
  readonly note: string | null;
  readonly expires: number;
  readonly flags: number;
}

/** A row of `entries`. */
export interface EntryRow extends EntryFields {
  readonly added: number;
  readonly removed: number | null;
  readonly rollout: number | null;
  readonly maintainer: number;
  readonly added_at: number;
}

/** A row with the words that it stands for by number. */
interface ShownRow extends EntryRow {
  readonly maintainer_name: string;
  readonly slot: number | null;
}

const FIELDS = 'name, scope, category, word, reference, note, expires, flags';
const ROW = `${FIELDS}, added, removed, rollout, maintainer, added_at`;
/** Why by sub-selects: SQLite keeps the plan (a walk along the key), and the two small tables stay in its cache. */
const SHOWN = `${ROW},
  (SELECT m.name FROM maintainers m WHERE m.id = entries.maintainer) AS maintainer_name,
  CASE WHEN rollout IS NULL THEN 0
    ELSE (SELECT r.slot FROM rollouts r WHERE r.id = entries.rollout AND r.state = 'running') END AS slot`;

/** Do two entries of a name and scope say the same? Who looked at them does not count. */
export function saysTheSame(a: EntryFields, b: EntryFields): boolean {
  return (
    a.category === b.category &&
    a.word === b.word &&
    a.reference === b.reference &&
    a.note === b.note &&
    a.expires === b.expires &&
    (a.flags & FLAG_SHADOW) === (b.flags & FLAG_SHADOW)
  );
}

/** Current rows of a name, expired ones too: two at most. */
export function currentRows(tables: LedgerConnection, list: number, name: string): EntryRow[] {
  return tables.all<EntryRow>(`SELECT ${ROW} FROM entries WHERE list = ? AND name = ? AND removed IS NULL`, list, name);
}

export interface NewRow {
  readonly list: number;
  readonly fields: EntryFields;
  readonly version: number;
  readonly rollout: number | null;
  readonly maintainer: number;
  readonly addedAt: number;
}

export function insertRow(
  tables: LedgerConnection,
  { list, fields, version, rollout, maintainer, addedAt }: NewRow,
): void {
  tables.run(
    `INSERT INTO entries (list, name, scope, added, removed, category, word, reference, note, expires, flags, rollout,
      maintainer, added_at) VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    list,
    fields.name,
    fields.scope,
    version,
    fields.category,
    fields.word,
    fields.reference,
    fields.note,
    fields.expires,
    fields.flags,
    rollout,
    maintainer,
    addedAt,
  );
}

export function endRow(
  tables: LedgerConnection,
  list: number,
  row: EntryRow,
  version: number,
  flags = row.flags,
): void {
  tables.run(
    'UPDATE entries SET removed = ?, flags = ? WHERE list = ? AND name = ? AND scope = ? AND added = ?',
    version,
    flags,
    list,
    row.name,
    row.scope,
    row.added,
  );
}

/** What the list says of the name now. */
export function nameState(tables: LedgerConnection, list: number, name: string, nowSeconds: number): NameState {
  const rows = tables.all<ShownRow>(
    `SELECT ${SHOWN} FROM entries WHERE list = ? AND name = ? AND removed IS NULL AND (expires = 0 OR expires > ?)`,
    list,
    name,
    nowSeconds,
  );
  return { name, entries: rows.map(entryOfRow) };
}

/** Current entries in order of their names, from behind `after`. */
export function entriesAfter(
  tables: LedgerConnection,
  list: number,
  after: string,
  limit: number,
  nowSeconds: number,
): LedgerEntry[] {
  const rows = tables.all<ShownRow>(
    `SELECT ${SHOWN} FROM entries WHERE list = ? AND name > ? AND removed IS NULL AND (expires = 0 OR expires > ?)
     ORDER BY name, scope LIMIT ?`,
    list,
    after,
    nowSeconds,
    limit,
  );
  return rows.map(entryOfRow);
}

/** Current entries that a rollout stages, in order of their names. Cost: an index holds them. */
export function entriesOfRollout(tables: LedgerConnection, rollout: number, limit: number): LedgerEntry[] {
  const sql = `SELECT ${SHOWN} FROM entries WHERE rollout = ? AND removed IS NULL ORDER BY name, scope LIMIT ?`;
  return tables.all<ShownRow>(sql, rollout, limit).map(entryOfRow);
}

/** The same, one by one: no more than one is in memory. */
export function* walkEntries(tables: LedgerConnection, list: number, nowSeconds: number): Generator<LedgerEntry> {
  const rows = tables.walk<ShownRow>(
    `SELECT ${SHOWN} FROM entries WHERE list = ? AND removed IS NULL AND (expires = 0 OR expires > ?)
     ORDER BY name, scope`,
    list,
    nowSeconds,
  );
  for (const row of rows) yield entryOfRow(row);
}

/** Entries of the list when `version` was its newest, one by one, in order of names; without those that have expired since. */
export function* walkEntriesAt(
  tables: LedgerConnection,
  list: number,
  version: number,
  nowSeconds: number,
): Generator<LedgerEntry> {
  const rows = tables.walk<ShownRow>(
    `SELECT ${SHOWN} FROM entries WHERE list = ? AND added <= ? AND (removed IS NULL OR removed > ?)
     AND (expires = 0 OR expires > ?) ORDER BY name, scope`,
    list,
    version,
    version,
    nowSeconds,
  );
  for (const row of rows) yield entryOfRow(row);
}

/** What the list said of the name when `version` was its newest. */
export function entriesAt(tables: LedgerConnection, list: number, name: string, version: number): LedgerEntry[] {
  const rows = tables.all<ShownRow>(
    `SELECT ${SHOWN} FROM entries WHERE list = ? AND name = ? AND added <= ? AND (removed IS NULL OR removed > ?)`,
    list,
    name,
    version,
    version,
  );
  return rows.map(entryOfRow);
}

/** The name's rows that were not there at `version` and are now, and those that were and are not. */
export function rowsChangedSince(
  tables: LedgerConnection,
  list: number,
  name: string,
  version: number,
): { came: EntryRow[]; went: EntryRow[] } {
  const rows = tables.all<EntryRow>(`SELECT ${ROW} FROM entries WHERE list = ? AND name = ?`, list, name);
  return {
    came: rows.filter((row) => row.added > version && row.removed === null),
    went: rows.filter((row) => row.added <= version && row.removed !== null && row.removed > version),
  };
}

function entryOfRow(row: ShownRow): LedgerEntry {
  return {
    name: row.name,
    scope: SCOPES[row.scope] ?? 'subtree',
    category: row.category === null ? undefined : (CATEGORIES[row.category] ?? 'other'),
    categoryWord: row.word ?? undefined,
    reference: row.reference ?? undefined,
    note: row.note ?? undefined,
    expiresAtSeconds: row.expires,
    mode: (row.flags & FLAG_SHADOW) === 0 ? 'enforce' : 'shadow',
    rolloutSlot: row.slot ?? 0,
    maintainer: row.maintainer_name,
    addedAtSeconds: row.added_at,
    addedInVersion: row.added,
    isApproved: (row.flags & FLAG_APPROVED) !== 0,
  };
}

/** The number that stands for a maintainer's name. Inside a transaction. */
export function maintainerId(tables: LedgerConnection, name: string): number {
  const known = tables.get<{ id: number }>('SELECT id FROM maintainers WHERE name = ?', name);
  return known?.id ?? tables.insert('INSERT INTO maintainers (name) VALUES (?)', name);
}
