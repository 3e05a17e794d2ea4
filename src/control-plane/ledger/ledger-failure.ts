/**
 * What SQLite and the disk under it do to the ledger, as values: a full disk, a file that cannot be used, a lock that
 * somebody else holds. Every caller of the database asks here what an exception means; what is no failure of the store is
 * a bug and goes on as one.
 */
import type { LedgerRefusal } from './ledger.ts';

/** The file cannot be used as a ledger, and no retry helps: a person has to look. Thrown when it is opened. */
export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable';
  readonly reason: 'corrupt' | 'newer' | 'foreign' | 'unreadable';

  constructor(reason: LedgerUnusable['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Nobody answers for the ledger now: its thread is gone, hangs or has too much to do. Where no refusal can be answered. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const SQLITE_CODE = {
  perm: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  notadb: 26,
};
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT']);
const UNAVAILABLE_CODES = new Set(['EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

/** The refusal that an exception of the store stands for; undefined: it is a bug. */
export function storeRefusal(error: unknown): LedgerRefusal | undefined {
  if (error instanceof LedgerUnusable || error instanceof LedgerUnavailable) return unavailable(error.message);
  const systemCode = codeOf(error);
  if (FULL_CODES.has(systemCode)) return full();
  if (UNAVAILABLE_CODES.has(systemCode)) return unavailable(`The ledger cannot be written: ${systemCode}.`);
  switch (sqliteCode(error)) {
    case SQLITE_CODE.full:
      return full();
    case SQLITE_CODE.busy:
    case SQLITE_CODE.locked:
      return unavailable('Another program keeps the ledger locked. Nothing was changed.');
    case SQLITE_CODE.readonly:
    case SQLITE_CODE.perm:
      return unavailable('The ledger cannot be written: its file or its disk is read-only. Nothing was changed.');
    case SQLITE_CODE.ioerr:
    case SQLITE_CODE.cantopen:
      return unavailable('The disk of the ledger fails. Nothing was changed.');
    case SQLITE_CODE.corrupt:
    case SQLITE_CODE.notadb:
      return unavailable('The file of the ledger is damaged. The operator has to restore it.');
    default:
      return undefined;
  }
}

/** The primary result code; 0 where the error is not SQLite's. */
function sqliteCode(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return 0;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
}

/** Is the file itself no database, or one that is damaged? */
export function isCorruption(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_CODE.corrupt || code === SQLITE_CODE.notadb;
}

export function unavailable(message: string): LedgerRefusal {
  return { kind: 'refused', code: 'storeUnavailable', message };
}

function full(): LedgerRefusal {
  return {
    kind: 'refused',
    code: 'storeFull',
    message: 'The disk of the ledger is full. Nothing was changed; send it again when the operator has made room.',
  };
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
