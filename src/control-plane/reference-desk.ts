/**
 * The control thread's end of the warning page's question under which reference an entry was ordered: looks it up in the
 * ledger or, of a pulled list, in its segment, where that is small. Every question gets an answer; it never opens a ledger
 * that nobody has.
 */
import { monotonicMs, wallClockMs } from '../clock.ts';
import { nameFromText } from '../dns/name.ts';
import { RateLimiter } from './admin/rate-limiter.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { ListSync } from './list-sync/list-sync.ts';
import type { ReferenceAnswer, ReferenceQuestion } from './messages.ts';

/** Questions under way. Why: a page thread that was replaced asks anew, whatever became of the questions of the last one. */
export const UNDER_WAY_MAX = 64;
/** Of a pulled list: finding an entry is a walk over all of it. */
export const WALK_BYTES_MAX = 1 << 20;
/** Walks over one list. */
export const WALK_RATE = { burst: 10, perSecond: 2, keysMax: 1_000 } as const;

const UNAVAILABLE: ReferenceAnswer = { kind: 'unavailable' };
const NONE: ReferenceAnswer = { kind: 'none' };

export interface ReferenceDeskOptions {
  /** Undefined: there is none. */
  readonly ledger: () => Promise<Pick<Ledger, 'lookUp'> | undefined>;
  readonly isOfLedger: (list: string) => boolean;
  readonly findEntries: ListSync['findEntries'];
}

interface Candidate {
  readonly scope: 'exact' | 'subtree';
  readonly reference: string | undefined;
}

export class ReferenceDesk {
  readonly #options: ReferenceDeskOptions;
  readonly #walks = new RateLimiter(WALK_RATE);
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
      if (!this.#walks.take(list, monotonicMs())) return UNAVAILABLE;
      return chosen(await this.#ofPulled(list, entry), isOwnName);
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

  async #ofPulled(list: string, entry: string): Promise<Candidate[]> {
    const name = nameFromText(entry);
    if (name === undefined) return [];
    const nowSeconds = wallClockMs() / 1000;
    const found = await this.#options.findEntries(name, { list, bytesMax: WALK_BYTES_MAX });
    return found
      .map((finding) => finding.entry)
      .filter(({ kind, isHeld }) => kind === 'block' && !isHeld)
      .filter(({ expiresAtSeconds }) => expiresAtSeconds === 0 || expiresAtSeconds > nowSeconds)
      .filter((candidate) => candidate.name === entry)
      .map(({ scope, provenance }) => ({ scope, reference: provenance?.reference }));
  }
}

/** As the policy decides (policy/rules.ts): exact before subtree, and exact for the name itself alone. */
function chosen(candidates: readonly Candidate[], isOwnName: boolean): ReferenceAnswer {
  const exact = isOwnName ? candidates.find(({ scope }) => scope === 'exact') : undefined;
  const reference = (exact ?? candidates.find(({ scope }) => scope === 'subtree'))?.reference;
  return reference === undefined ? NONE : { kind: 'found', reference };
}
