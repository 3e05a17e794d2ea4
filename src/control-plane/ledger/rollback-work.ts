/**
 * A rollback as work for the change writer: every name that has changed since the version, to what the list said of it
 * then. What comes back keeps who brought it and when. What has expired meanwhile stays away, and so does what an aborted
 * rollout had staged: it was taken back because it did harm.
 */
import { FLAG_APPROVED, FLAG_EXPIRED, rowsChangedSince, type EntryFields, type EntryRow } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { RejectedEntry } from './ledger.ts';
import { walkChangedNames } from './list-deltas.ts';
import type { GuardHit, NameWork, WantedEntry } from './name-work.ts';
import { rolloutState } from './rollout-rows.ts';

export interface RollbackOptions {
  /** Sees the list as it is before the rollback. */
  readonly snapshot: LedgerConnection;
  readonly list: number;
  readonly toVersion: number;
  readonly nowSeconds: number;
  readonly look: (fields: EntryFields) => GuardHit | undefined;
  readonly onRejected: (rejected: RejectedEntry) => void;
}

export class RollbackWork {
  readonly #options: RollbackOptions;

  constructor(options: RollbackOptions) {
    this.#options = options;
  }

  *work(): Generator<NameWork> {
    const { snapshot, list, toVersion } = this.#options;
    for (const name of walkChangedNames(snapshot, list, toVersion)) yield this.#workOf(name);
  }

  has(): boolean {
    return false;
  }

  #workOf(name: string): NameWork {
    const { snapshot, list, toVersion, nowSeconds } = this.#options;
    const { came, went } = rowsChangedSince(snapshot, list, name, toVersion);
    const add: [WantedEntry | undefined, WantedEntry | undefined] = [undefined, undefined];
    const remove: [boolean, boolean] = [false, false];
    for (const row of came) remove[row.scope as 0 | 1] = true;
    for (const row of went) {
      if (row.expires !== 0 && row.expires <= nowSeconds) continue;
      if (this.#isOfAborted(row)) continue;
      add[row.scope as 0 | 1] = this.#wanted(row);
    }
    return { name, add, remove };
  }

  #isOfAborted({ name, rollout }: EntryRow): boolean {
    const { snapshot, onRejected } = this.#options;
    if (rolloutState(snapshot, rollout) !== 'aborted') return false;
    onRejected({ name, code: 'rolloutAborted', detail: 'its rollout was aborted; add it again if it is to block' });
    return true;
  }

  #wanted(row: EntryRow): WantedEntry {
    const { name, scope, category, word, reference, note, expires } = row;
    const flags = row.flags & ~FLAG_EXPIRED;
    const fields = { name, scope, category, word, reference, note, expires, flags };
    // Why not what is approved: a person has looked at this very entry.
    const hit = (flags & FLAG_APPROVED) !== 0 ? undefined : this.#options.look(fields);
    return { fields, hit, from: row };
  }
}
