/**
 * Tells list-sync which exceptions are active, when the process begins and whenever one was made or ended. Lives in the
 * control thread. One that is over by its time is told of no more with the next change: the judge knows its end to the
 * second.
 */
import { nameFromText } from '../dns/name.ts';
import { readClientPrefix } from '../policy/client-prefix.ts';
import { EXCEPTIONS_MAX, type PublishedException } from '../policy/published.ts';
import type { ExceptionRow } from './ledger/exception.ts';
import type { Ledger } from './ledger/ledger.ts';

export interface ExceptionWatchOptions {
  /** Undefined: this node has no ledger. */
  readonly ledger: () => Promise<Pick<Ledger, 'exceptions'> | undefined>;
  /** Resolves when every resolver thread judges by them. */
  readonly setExceptions: (exceptions: readonly PublishedException[]) => Promise<void>;
}

export class ExceptionWatch {
  readonly #options: ExceptionWatchOptions;
  #told = '[]';
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ExceptionWatchOptions) {
    this.#options = options;
  }

  /** Resolves when those that are active now are in force. Errors: rejects with what the ledger or list-sync says. */
  look(): Promise<void> {
    const looked = this.#looking.then(() => this.#look());
    this.#looking = looked.catch(() => undefined);
    return looked;
  }

  async #look(): Promise<void> {
    const ledger = await this.#options.ledger();
    if (ledger === undefined) return;
    const rows = await ledger.exceptions({ state: 'active', limit: EXCEPTIONS_MAX });
    const told = JSON.stringify(rows);
    if (told === this.#told) return;
    await this.#options.setExceptions(rows.flatMap(publishedException));
    this.#told = told;
  }
}

/** Nothing for what cannot be read, which the ledger never takes in. */
export function publishedException(row: ExceptionRow): PublishedException[] {
  const { id, name: text, scope, clients: clientText, untilSeconds } = row;
  const [clients, name] = [readClientPrefix(clientText), nameFromText(text)];
  if (clients === undefined || name === undefined) return [];
  return [{ id, clients, clientText, name, scope, untilSeconds }];
}
