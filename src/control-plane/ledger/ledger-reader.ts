/**
 * Reads the ledger from any thread or process, beside its writer: the compile thread exports lists with it, `weir check`
 * looks names up. Each answer is of one moment: what is committed meanwhile comes with the next. Never writes.
 */
import { existsSync } from 'node:fs';
import { wallClockMs } from '../../clock.ts';
import { EXCEPTIONS_MAX } from '../../policy/published.ts';
import { nameState, walkEntries } from './entry-rows.ts';
import type { ExceptionRow } from './exception.ts';
import { exceptionPage } from './exception-store.ts';
import { findIncident, type FoundIncident } from './incident-finder.ts';
import { LedgerConnection } from './ledger-connection.ts';
import type { LedgerEntry, ListApprovals, NameEvent, NameState, RolloutRow } from './ledger.ts';
import { digestText, FIRST_DIGEST, listHead, listHeads } from './list-heads.ts';
import { listApprovals } from './list-holds.ts';
import { nameHistory } from './name-history.ts';
import { ledgerPath, openLedgerDatabase } from './open-database.ts';
import { newestRollouts } from './rollout-rows.ts';

const HISTORY_MAX = 1_000;

export interface ListExport {
  /** 0: the list has never had an entry. */
  readonly version: number;
  readonly digest: string;
  /** Entries shown to the visitor. */
  readonly entryCount: number;
}

export interface LedgerReader {
  /**
   * Shows every entry of the list that is in force now, in order of names; expired ones are left out.
   * Errors: throws what SQLite throws. Cost: one walk along the key; one entry in memory.
   */
  exportList(list: string, visit: (entry: LedgerEntry) => void): ListExport;
  /** The states of these names in every list that says something of them. */
  lookUp(names: readonly string[]): readonly (NameState & { readonly list: string })[];
  /** Newest first. */
  history(name: string): readonly NameEvent[];
  /** What people have let through of a pulled list. */
  approvals(list: string): ListApprovals;
  /** The newest of each slot, the running ones among them. */
  rollouts(): readonly RolloutRow[];
  activeExceptions(): readonly ExceptionRow[];
  /** Of an entry that has left its list too. Cost: a walk through a list. */
  findIncident(incident: string): Promise<FoundIncident | undefined>;
  close(): void;
}

/**
 * A reader; where there is no ledger yet, of an empty one.
 * Errors: throws LedgerUnusable where the file is damaged, of a newer Weir, or no ledger.
 */
export function openLedgerReader(stateDirectory: string, nowSeconds = secondsNow): LedgerReader {
  if (!existsSync(ledgerPath(stateDirectory))) return NO_LEDGER;
  return new FileReader(new LedgerConnection(openLedgerDatabase(stateDirectory, { readOnly: true })), nowSeconds);
}

function secondsNow(): number {
  return Math.floor(wallClockMs() / 1000);
}

/** Of a ledger without anything in it. */
export const NO_LEDGER: LedgerReader = {
  exportList: () => ({ version: 0, digest: digestText(FIRST_DIGEST), entryCount: 0 }),
  lookUp: () => [],
  history: () => [],
  approvals: (list) => ({ list, names: [], updateSha256s: [] }),
  rollouts: () => [],
  activeExceptions: () => [],
  findIncident: async () => undefined,
  close: () => undefined,
};

class FileReader implements LedgerReader {
  readonly #tables: LedgerConnection;

  readonly #nowSeconds: () => number;

  constructor(tables: LedgerConnection, nowSeconds: () => number) {
    this.#tables = tables;
    this.#nowSeconds = nowSeconds;
  }

  exportList(list: string, visit: (entry: LedgerEntry) => void): ListExport {
    return this.#snapshot((nowSeconds) => {
      const head = listHead(this.#tables, list);
      if (head === undefined) return NO_LEDGER.exportList(list, visit);
      let entryCount = 0;
      for (const entry of walkEntries(this.#tables, head.id, nowSeconds)) {
        entryCount += 1;
        visit(entry);
      }
      return { version: head.version, digest: digestText(head.digest), entryCount };
    });
  }

  lookUp(names: readonly string[]): readonly (NameState & { readonly list: string })[] {
    return this.#snapshot((nowSeconds) => lookUpNames(this.#tables, names, nowSeconds));
  }

  history(name: string): readonly NameEvent[] {
    return this.#snapshot(() => nameHistory(this.#tables, name, HISTORY_MAX));
  }

  approvals(list: string): ListApprovals {
    return this.#snapshot(() => listApprovals(this.#tables, listHead(this.#tables, list), list));
  }

  rollouts(): readonly RolloutRow[] {
    return this.#snapshot(() => newestRollouts(this.#tables));
  }

  activeExceptions(): readonly ExceptionRow[] {
    return this.#snapshot((now) => exceptionPage(this.#tables, { state: 'active', limit: EXCEPTIONS_MAX }, now));
  }

  findIncident(incident: string): Promise<FoundIncident | undefined> {
    return findIncident(this.#tables, incident);
  }

  close(): void {
    this.#tables.close();
  }

  /** One read transaction: what it reads is of one moment. */
  #snapshot<T>(read: (nowSeconds: number) => T): T {
    this.#tables.db.exec('BEGIN');
    try {
      return read(this.#nowSeconds());
    } finally {
      this.#tables.db.exec('COMMIT');
    }
  }
}

/** States of the names in all lists; what says nothing is left out. */
export function lookUpNames(
  tables: LedgerConnection,
  names: readonly string[],
  nowSeconds: number,
): (NameState & { readonly list: string })[] {
  const found: (NameState & { readonly list: string })[] = [];
  for (const { id, name: list } of listHeads(tables)) {
    for (const name of names) {
      const state = nameState(tables, id, name, nowSeconds);
      if (state.entries.length > 0) found.push({ list, ...state });
    }
  }
  return found;
}
