/**
 * Opens the ledger's SQLite file in the state directory, makes or migrates its tables, and refuses what is no ledger of
 * this version of Weir. The ledger thread writes through what this returns; the command line opens the same file beside
 * it (WAL lets both); other threads read it. Never repairs: a damaged file stays as it is for whoever looks into it.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isCorruption, LedgerUnusable } from './ledger-failure.ts';
import { APPLICATION_ID, MIGRATIONS } from './migrations.ts';

export const LEDGER_FILE = 'ledger.sqlite';
/** Units: milliseconds. How long one writer waits for another; each holds the lock for milliseconds, but for bulk. */
const BUSY_TIMEOUT_MS = 5_000;
/** Units: pages. The log is copied into the file when it is so long; what a bulk change leaves is cut back to LOG_BYTES_MAX. */
const CHECKPOINT_PAGES = 2_000;
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** Units: KiB; outside of the heap of JavaScript. */
const WRITE_CACHE_KIB = 65_536;
const READ_CACHE_KIB = 8_192;

export interface OpenOptions {
  readonly readOnly?: boolean;
  /** For tests: a disk of so many pages of 4,096 octets. */
  readonly pagesMax?: number;
}

/** Where the ledger lies. */
export function ledgerPath(stateDirectory: string): string {
  return join(stateDirectory, LEDGER_FILE);
}

/**
 * The open ledger; without `readOnly` it is made and migrated where needed.
 * Errors: LedgerUnusable where it is damaged, of a newer Weir, or no ledger; what the file system says otherwise.
 */
export function openLedgerDatabase(stateDirectory: string, options: OpenOptions = {}): DatabaseSync {
  const path = ledgerPath(stateDirectory);
  const readOnly = options.readOnly ?? false;
  if (!readOnly) createPrivately(stateDirectory, path);
  else if (!existsSync(path)) throw new LedgerUnusable('unreadable', `${path}: there is no ledger`);
  const db = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    prepare(db, path, options);
    return db;
  } catch (error) {
    db.close();
    if (isCorruption(error)) throw new LedgerUnusable('corrupt', damagedText(path));
    throw error;
  }
}

function damagedText(path: string): string {
  return `${path} is damaged and is left as it is. Stop Weir, move it and its -wal file away, and put a backup in its place; without one Weir begins a new, empty ledger`;
}

function createPrivately(stateDirectory: string, path: string): void {
  if (existsSync(path)) return;
  mkdirSync(stateDirectory, { recursive: true });
  // Why first by hand: SQLite would give it the mode that the umask leaves; its -wal and -shm files get the same as this.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

function prepare(db: DatabaseSync, path: string, { readOnly = false, pagesMax }: OpenOptions): void {
  refuseForeign(db, path, readOnly);
  db.exec(`PRAGMA cache_size = -${readOnly ? READ_CACHE_KIB : WRITE_CACHE_KIB}`);
  if (readOnly) return;
  db.exec('PRAGMA journal_mode = WAL');
  // Why FULL: with NORMAL a commit in WAL mode is not synced, and what was acknowledged could be lost with the power.
  db.exec('PRAGMA synchronous = FULL');
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_MAX}`);
  if (versionOf(db) < MIGRATIONS.length) migrate(db, path);
  if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${pagesMax}`);
}

function refuseForeign(db: DatabaseSync, path: string, readOnly: boolean): void {
  const version = versionOf(db);
  if (version > MIGRATIONS.length) {
    const text = `${path} has schema ${version}; this Weir knows ${MIGRATIONS.length}. Run the version that wrote it, or a newer one`;
    throw new LedgerUnusable('newer', text);
  }
  const application = pragma(db, 'application_id');
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!['count'] as number;
  if (application !== APPLICATION_ID && (tables > 0 || version > 0)) {
    throw new LedgerUnusable('foreign', `${path} is a database, but not Weir's ledger`);
  }
  if (readOnly && version < MIGRATIONS.length) {
    const text = `${path} has schema ${version}, which the next start of Weir brings to ${MIGRATIONS.length}`;
    throw new LedgerUnusable('unreadable', text);
  }
}

/** All steps or none. Two programs may come here at once: the second finds that it is done. */
function migrate(db: DatabaseSync, path: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    refuseForeign(db, path, false);
    for (const step of MIGRATIONS.slice(versionOf(db))) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  return pragma(db, 'user_version');
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}
