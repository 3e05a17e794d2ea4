/**
 * The control thread's end of the warning page's question under which reference an entry was ordered: looks it up in the
 * ledger, for lists that are changed entry by entry. Every question gets an answer; it never opens a ledger that nobody
 * has, and never reads a list's file.
 */
import type { ReferenceAnswer, ReferenceQuestion } from './messages.ts';
import type { Ledger } from './ledger/ledger.ts';

/** Questions under way. Why: a page thread that was replaced asks anew, whatever became of the questions of the last one. */
export const UNDER_WAY_MAX = 64;

const UNAVAILABLE: ReferenceAnswer = { kind: 'unavailable' };

export class ReferenceDesk {
  readonly #ledger: () => Promise<Pick<Ledger, 'lookUp'> | undefined>;
  #underWay = 0;

  /** @param ledger undefined: there is none */
  constructor(ledger: () => Promise<Pick<Ledger, 'lookUp'> | undefined>) {
    this.#ledger = ledger;
  }

  /** Errors: none. */
  async answer(question: ReferenceQuestion): Promise<ReferenceAnswer> {
    if (this.#underWay >= UNDER_WAY_MAX) return UNAVAILABLE;
    this.#underWay += 1;
    try {
      return await this.#lookUp(question);
    } catch {
      return UNAVAILABLE;
    } finally {
      this.#underWay -= 1;
    }
  }

  async #lookUp({ list, entry, isOwnName }: ReferenceQuestion): Promise<ReferenceAnswer> {
    const states = (await (await this.#ledger())?.lookUp([entry])) ?? [];
    const entries = states.find((state) => state.list === list)?.entries.filter(({ mode }) => mode === 'enforce') ?? [];
    // As the policy decides (policy/rules.ts): exact before subtree, and exact for the name itself alone.
    const exact = isOwnName ? entries.find(({ scope }) => scope === 'exact') : undefined;
    const reference = (exact ?? entries.find(({ scope }) => scope === 'subtree'))?.reference;
    return reference === undefined ? { kind: 'none' } : { kind: 'found', reference };
  }
}
