/**
 * What of a push list goes into its feed: entries as they were pushed, without who pushed them, and without those that a
 * rollout stages: the node where they were pushed is where they are tried out; who follows gets them when it is complete.
 */
import type { LedgerEntry, NameState, ProposedEntry } from '../ledger/ledger.ts';
import { entryLine, operationLine } from './feed-lines.ts';

export function isPublished(entry: LedgerEntry): boolean {
  return entry.rolloutSlot === 0;
}

export function ledgerEntryLine(entry: LedgerEntry): string {
  return entryLine(proposedOf(entry));
}

/** The new state of each name as operations: right whatever is on the other side. */
export function* deltaLinesOf(names: readonly NameState[]): Generator<string> {
  for (const { name, entries } of names) {
    const published = entries.filter(isPublished);
    for (const scope of ['exact', 'subtree'] as const) {
      const entry = published.find((one) => one.scope === scope);
      if (entry === undefined) yield operationLine({ kind: 'remove', removal: { name, scope } });
      else yield operationLine({ kind: 'add', entry: proposedOf(entry) });
    }
  }
}

function proposedOf(entry: LedgerEntry): ProposedEntry {
  const { name, scope, category, categoryWord, reference, note, expiresAtSeconds, mode } = entry;
  const word = categoryWord ?? category;
  return {
    name,
    scope,
    ...(word === undefined ? {} : { category: word }),
    ...(reference === undefined ? {} : { reference }),
    ...(expiresAtSeconds === 0 ? {} : { expiresAt: new Date(expiresAtSeconds * 1000).toISOString() }),
    ...(note === undefined ? {} : { note }),
    ...(mode === 'enforce' ? {} : { mode }),
  };
}
