/**
 * The ledger for the control thread, opened when there is something for it to do: a list that is changed entry by entry,
 * or a file from before, which has tokens and holds in it. A node that does without pays nothing for it. Once opened it
 * stays.
 */
import { existsSync } from 'node:fs';
import type { LedgerClient } from './ledger-client.ts';
import { LEDGER_METHODS, type LedgerMethod } from './ledger-messages.ts';
import { ledgerPath } from './open-database.ts';
import type { Ledger, LedgerSettings } from './ledger.ts';

export interface OnDemandOptions {
  readonly stateDirectory: string;
  readonly open: () => LedgerClient;
}

export class OnDemandLedger {
  readonly #options: OnDemandOptions;
  #client: LedgerClient | undefined;
  #settings: LedgerSettings | undefined;
  #closed = false;
  /** Whoever asks for more than who somebody is gets the ledger opened. */
  readonly ledger: Ledger;

  constructor(options: OnDemandOptions) {
    this.#options = options;
    const call =
      (method: LedgerMethod) =>
      (...args: unknown[]) =>
        (this.#need()[method] as (...values: unknown[]) => Promise<unknown>)(...args);
    this.ledger = {
      ...(Object.fromEntries(LEDGER_METHODS.map((method) => [method, call(method)])) as unknown as Ledger),
      // Why: without a file there is no token, and a stranger's request must not make one.
      authenticate: async (token) => (await this.ifThere())?.authenticate(token),
      configure: (settings) => this.configure(settings),
      close: () => this.close(),
    };
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** The ledger where it is open or has a file; undefined: nothing was ever kept. */
  async ifThere(): Promise<Ledger | undefined> {
    if (this.#client === undefined && !existsSync(ledgerPath(this.#options.stateDirectory))) return undefined;
    return this.#need();
  }

  /** Opens it if a list of the configuration lives in it, appeals are taken, or it was there before. Errors: none. */
  async configure(settings: LedgerSettings): Promise<void> {
    this.#settings = settings;
    const takesAppeals = Object.keys(settings.appeals?.days ?? {}).length > 0;
    const isNeeded = takesAppeals || settings.lists.some(({ source }) => source !== 'pulled');
    const client = isNeeded ? this.#need() : await this.ifThere();
    await client?.configure(settings);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.close();
  }

  #need(): LedgerClient {
    if (this.#client === undefined) {
      if (this.#closed) throw new Error('the ledger is closed');
      this.#client = this.#options.open();
      if (this.#settings !== undefined) void this.#client.configure(this.#settings);
    }
    return this.#client;
  }
}
