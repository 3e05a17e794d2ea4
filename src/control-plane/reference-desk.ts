/**
 * The control thread's end of the warning page's question under which reference an entry was ordered: looks it up in the
 * ledger or, of a pulled list, in its segment. Every question gets an answer; it never opens a ledger that nobody has.
 */
import { wallClockMs } from '../clock.ts';
import { nameFromText } from '../dns/name.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { ListSync } from './list-sync/list-sync.ts';
import type { ReferenceAnswer, ReferenceQuestion } from './messages.ts';

/** Questions under way. Why: a page thread that was replaced asks anew, whatever became of the questions of the last one. */
export const UNDER_WAY_MAX = 64;

const UNAVAILABLE: ReferenceAnswer = { kind: 'unavailable' };
const NONE: ReferenceAnswer = { kind: 'none' };

export interface ReferenceDeskOptions {
  /** Undefined: there is none. */
  readonly ledger: () => Promise<Pick<Ledger, 'lookUp'> | undefined>;
  readonly isOfLedger: (list: string) => boolean;
  readonly entriesOf: ListSync['entriesOf'];
}

interface Candidate {
  readonly scope: 'exact' | 'subtree';
  readonly reference: string | undefined;
}

export class ReferenceDesk {
  readonly #options: ReferenceDeskOptions;
  #underWay = 0;

  constructor(options: ReferenceDeskOptions) {
    this.#options = options;
  }

  /** Errors: none. */
  async answer(question: ReferenceQuestion): Promise<ReferenceAnswer> {
    if (this.#underWay >= UNDER_WAY_MAX) return UNAVAILABLE;
    this.#underWay += 1;
    try {
      const { list, entry, isOwnName } = question;
      if (this.#options.isOfLedger(list)) return chosen(await this.#ofLedger(list, entry), isOwnName);
      const candidates = this.#ofPulled(list, entry);
      return candidates === undefined ? UNAVAILABLE : chosen(candidates, isOwnName);
    } catch {
      return UNAVAILABLE;
    } finally {
      this.#underWay -= 1;
    }
  }

  async #ofLedger(list: string, entry: string): Promise<Candidate[]> {
    const states = (await (await this.#options.ledger())?.lookUp([entry])) ?? [];
    return states.find((state) => state.list === list)?.entries.filter(({ mode }) => mode === 'enforce') ?? [];
  }

  #ofPulled(list: string, entry: string): Candidate[] | undefined {
    const name = nameFromText(entry);
    if (name === undefined) return [];
    const nowSeconds = wallClockMs() / 1000;
    return this.#options
      .entriesOf(list, name)
      ?.filter(({ kind, isHeld }) => kind === 'block' && !isHeld)
      .filter(({ expiresAtSeconds }) => expiresAtSeconds === 0 || expiresAtSeconds > nowSeconds)
      .map(({ scope, provenance }) => ({ scope, reference: provenance?.reference }));
  }
}

/** As the policy decides (policy/rules.ts): exact before subtree, and exact for the name itself alone. */
function chosen(candidates: readonly Candidate[], isOwnName: boolean): ReferenceAnswer {
  const exact = isOwnName ? candidates.find(({ scope }) => scope === 'exact') : undefined;
  const reference = (exact ?? candidates.find(({ scope }) => scope === 'subtree'))?.reference;
  return reference === undefined ? NONE : { kind: 'found', reference };
}
