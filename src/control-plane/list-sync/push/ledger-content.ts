/**
 * What the ledger has of one list now, as entries for a segment. Runs in the compile thread, beside the ledger's writer.
 * Who pushed what and why stays in the ledger, which is asked for it: the index needs none of it.
 */
import type { LedgerEntry } from '../../ledger/ledger.ts';
import { openLedgerReader, type ListExport } from '../../ledger/ledger-reader.ts';
import { progressed } from '../compile-progress.ts';
import type { ListEntry } from '../format/list-format.ts';

/** From one sign of life to the next. A power of two. */
const PROGRESS_ENTRIES = 1 << 14;

/** Errors: throws LedgerUnusable, and what SQLite throws. Cost: about 2 s a million entries. */
export function readLedgerContent(
  stateDirectory: string,
  list: string,
  onEntry: (entry: ListEntry) => void,
): ListExport {
  const reader = openLedgerReader(stateDirectory);
  try {
    let count = 0;
    return reader.exportList(list, (entry) => {
      count += 1;
      if ((count & (PROGRESS_ENTRIES - 1)) === 0) progressed();
      onEntry(listEntryOf(entry));
    });
  } finally {
    reader.close();
  }
}

/** The entry as the index takes it. */
export function listEntryOf(entry: LedgerEntry): ListEntry {
  const { name, scope, category, expiresAtSeconds, isApproved, rolloutSlot } = entry;
  const isShadow = entry.mode === 'shadow';
  return {
    name,
    scope,
    kind: 'block',
    ...(category === undefined ? {} : { category }),
    ...(expiresAtSeconds === 0 ? {} : { expiresAtSeconds }),
    ...(isShadow || isApproved || rolloutSlot > 0 ? { staging: { isShadow, isApproved, rolloutSlot } } : {}),
  };
}
