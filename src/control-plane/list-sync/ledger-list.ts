/** Which lists live in the ledger, and which are pulled: files, and what is behind https. */
import type { Config, ListConfig } from '../../config/config.ts';

/** Whether the list is changed entry by entry, by pushes or as a signed feed; its versions are the ledger's. */
export function isOfLedger({ sourceKind }: Pick<ListConfig, 'sourceKind'>): boolean {
  return sourceKind === 'push' || sourceKind === 'feed';
}

/** The names of those that are. */
export function ledgerLists({ lists }: Pick<Config, 'lists'>): string[] {
  return lists.filter(isOfLedger).map(({ name }) => name);
}
