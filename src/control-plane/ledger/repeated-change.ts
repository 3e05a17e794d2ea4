/**
 * A bulk change whose Idempotency-Key has an answer already: of its entries the hash alone is made, which says at the
 * commit whether they are those that were answered. Nothing is staged, and no other bulk change of the list is kept out.
 */
import type { ChangeHead } from './bulk-change.ts';
import { answerTo, RequestHash } from './idempotent-answers.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { ProposedEntry, ProposedRemoval } from './ledger.ts';

export class RepeatedChange {
  readonly list: string;
  readonly #actor: string;
  readonly #key: string | undefined;
  readonly #hash: RequestHash;

  constructor({ list, reason, actor, idempotencyKey }: ChangeHead) {
    this.list = list;
    this.#actor = actor.id;
    this.#key = idempotencyKey;
    this.#hash = new RequestHash(list, reason);
  }

  add(add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): void {
    this.#hash.add(add, remove);
  }

  /** Undefined: it was forgotten while the entries came. */
  answer(tables: LedgerConnection): ReturnType<typeof answerTo> {
    return answerTo(tables, this.#actor, this.#key, { whole: this.#hash.whole() });
  }
}
