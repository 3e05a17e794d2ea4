/**
 * What is held of pulled lists, brought to the ledger, where people decide about it, and what they have let through,
 * brought back. Between list-sync and the ledger, which a node may do without: then the configuration alone lets through
 * (`approved`, the percentages). What could not be brought is brought when the ledger is there.
 */
import type { Ledger, ListApprovals, ListHoldsReport } from './ledger/ledger.ts';
import type { SyncLog } from './list-sync/sync-log.ts';

export class PulledHolds {
  readonly #ledger: () => Promise<Pick<Ledger, 'approvals' | 'reportListHolds'> | undefined>;
  readonly #log: Pick<SyncLog, 'warn'>;
  /** The newest of each list; one of the configuration's lists each. */
  readonly #reports = new Map<string, { readonly report: ListHoldsReport; readonly text: string }>();
  readonly #brought = new Map<string, string>();

  /** `ledger`: undefined where none is there. */
  constructor(
    ledger: () => Promise<Pick<Ledger, 'approvals' | 'reportListHolds'> | undefined>,
    log: Pick<SyncLog, 'warn'>,
  ) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** Undefined: nobody can say now. Errors: none. */
  async approvals(list: string): Promise<ListApprovals | undefined> {
    try {
      const ledger = await this.#ledger();
      return ledger === undefined ? { list, names: [], updateSha256s: [] } : await ledger.approvals(list);
    } catch (error) {
      this.#log.warn({ list }, `the ledger does not say what people have let through: ${String(error)}`);
      return undefined;
    }
  }

  /** Errors: none. */
  async take(report: ListHoldsReport): Promise<void> {
    // Why without the version: a new one of which the same is held is no news.
    const text = JSON.stringify({ entries: report.entries, update: report.update });
    this.#reports.set(report.list, { report, text });
    await this.#bring(report.list);
  }

  /** The ledger is there (again): it may lack what was reported meanwhile. */
  async bringAll(): Promise<void> {
    this.#brought.clear();
    for (const list of this.#reports.keys()) await this.#bring(list);
  }

  async #bring(list: string): Promise<void> {
    const { report, text } = this.#reports.get(list)!;
    if (this.#brought.get(list) === text) return;
    this.#brought.set(list, text);
    try {
      const ledger = await this.#ledger();
      if (ledger === undefined) this.#brought.delete(list);
      else await ledger.reportListHolds(report);
    } catch (error) {
      this.#brought.delete(list);
      this.#log.warn({ list }, `what is held of the list is not in the ledger yet: ${String(error)}`);
    }
  }
}
