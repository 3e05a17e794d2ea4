/** Where each list of the ledger stands: its newest version, the oldest that is kept, how many entries, the digest. */
import type { LedgerConnection } from './ledger-connection.ts';

export interface ListHead {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** Versions before it are forgotten; 0: everything since the list was empty is there. */
  readonly oldest: number;
  readonly entryCount: number;
  readonly digest: Uint8Array;
  /** Of the publisher; 0: none yet. */
  readonly feedVersion: number;
  readonly feedManifest: string;
  readonly feedKey: string;
}

/** Of a list without a version. */
export const FIRST_DIGEST = new Uint8Array(32);

const COLUMNS = `id, name, version, oldest, entry_count AS entryCount, digest, feed_version AS feedVersion,
  feed_manifest AS feedManifest, feed_key AS feedKey`;

export function listHead(tables: LedgerConnection, name: string): ListHead | undefined {
  return tables.get<ListHead>(`SELECT ${COLUMNS} FROM lists WHERE name = ?`, name);
}

export function listHeads(tables: LedgerConnection): ListHead[] {
  return tables.all<ListHead>(`SELECT ${COLUMNS} FROM lists ORDER BY id`);
}

/** The head of a list, which is made where there is none. Inside a transaction. */
export function ensureListHead(tables: LedgerConnection, name: string): ListHead {
  const known = listHead(tables, name);
  if (known !== undefined) return known;
  tables.run('INSERT INTO lists (name, digest) VALUES (?, ?)', name, FIRST_DIGEST);
  return listHead(tables, name)!;
}

export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}
