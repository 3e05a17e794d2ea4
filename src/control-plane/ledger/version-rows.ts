/** The versions of a list as people are shown them. */
import type { LedgerConnection } from './ledger-connection.ts';
import type { VersionRow } from './ledger.ts';
import { digestText } from './list-heads.ts';

interface StoredVersion extends Omit<VersionRow, 'createdAtSeconds' | 'entryCount' | 'digest'> {
  readonly created: number;
  readonly entry_count: number;
  readonly digest: Uint8Array;
}

/** Newest first. */
export function versionRows(tables: LedgerConnection, list: number, limit: number): VersionRow[] {
  const sql = 'SELECT * FROM versions WHERE list = ? ORDER BY version DESC LIMIT ?';
  return tables.all<StoredVersion>(sql, list, limit).map((row) => ({
    version: row.version,
    createdAtSeconds: row.created,
    maintainer: row.maintainer,
    reason: row.reason,
    origin: row.origin,
    added: row.added,
    removed: row.removed,
    entryCount: row.entry_count,
    digest: digestText(row.digest),
  }));
}
