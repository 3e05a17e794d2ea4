/**
 * A push list of the ledger as the lines of a snapshot, read through a connection of its own: what is committed meanwhile
 * does not show. Pulled line by line, so that the control thread does other things in between, and memory does not follow
 * the size of the list.
 */
import { wallClockMs } from '../../clock.ts';
import { walkEntriesAt } from '../ledger/entry-rows.ts';
import { LedgerConnection } from '../ledger/ledger-connection.ts';
import { listHead } from '../ledger/list-heads.ts';
import { openLedgerDatabase } from '../ledger/open-database.ts';
import { isPublished, ledgerEntryLine } from './ledger-entries.ts';

export interface LedgerExport {
  /** Of the list; 0: it never had an entry. */
  readonly version: number;
  readonly lines: Iterable<string>;
  /** Ends the read; call it whatever happens. */
  close(): void;
}

/** @param version a version that the ledger keeps; undefined: the newest. Errors: throws what SQLite throws. */
export function exportFromLedger(stateDirectory: string, list: string, version?: number): LedgerExport {
  const tables = new LedgerConnection(openLedgerDatabase(stateDirectory, { readOnly: true }));
  try {
    tables.db.exec('BEGIN');
    const head = listHead(tables, list);
    const at = version ?? head?.version ?? 0;
    const nowSeconds = Math.floor(wallClockMs() / 1000);
    const entries = head === undefined ? [] : walkEntriesAt(tables, head.id, at, nowSeconds);
    return { version: at, lines: linesOf(entries), close: () => tables.close() };
  } catch (error) {
    tables.close();
    throw error;
  }
}

function* linesOf(entries: Iterable<Parameters<typeof ledgerEntryLine>[0]>): Generator<string> {
  for (const entry of entries) if (isPublished(entry)) yield ledgerEntryLine(entry);
}
