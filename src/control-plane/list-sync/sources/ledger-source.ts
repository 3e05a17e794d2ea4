/**
 * A list that is changed entry by entry, by pushes or a signed feed: its content is what the ledger has now, read by the
 * compile thread. It says nothing of changes by itself: those come as deltas (push/push-lanes.ts), and a content is read
 * at the start and when an overlay has grown. Never fails: whether the ledger can be read is seen by who reads it.
 */
import type { ListSource } from './list-source.ts';

export interface LedgerSourceSettings {
  readonly stateDirectory: string;
  readonly list: string;
}

export function ledgerSource({ stateDirectory, list }: LedgerSourceSettings): ListSource {
  return {
    watch: () => undefined,
    read: async () => ({
      kind: 'content',
      input: { kind: 'ledger', stateDirectory, list },
      validators: undefined,
      isStillSame: async () => true,
    }),
    settle: () => undefined,
    close: () => undefined,
  };
}
