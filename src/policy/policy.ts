/**
 * Judges a name: what the published lists say of it, and which rule decides. Asked on every query before the cache, on
 * every name an answer's chain reaches, and by `weir check`. Holds the two levels of the index, the immutable base and
 * the overlay, whose entry for a name replaces the base's entry of that name whole.
 *
 * Precedence: an exception for this client and name (client-exceptions.ts) over what would block; an allow rule on the name or, with scope subtree, above it; then, of the lists that have no exception
 * there, the rule of the most specific entry that enforces, lists in order of the configuration; a shadow rule only
 * where nothing enforces. A rule that is off, expired, lifted, out of scope or not for this client (audience.ts)
 * hides no other. A protect rule has no part
 * in a verdict: `isProtected` says whether one covers a name.
 */
import { LABELS_MAX } from '../dns/name.ts';
import { Audience } from './audience.ts';
import { NO_GROUPS, type ClientGroups } from './client-groups.ts';
import { ClientExceptions } from './client-exceptions.ts';
import { hashSuffixes } from './name-hash.ts';
import { NameSet } from './name-set.ts';
import type { PublishedException, PublishedList, PublishedPolicy } from './published.ts';
import {
  RuleKind,
  RuleMode,
  RuleScope,
  ruleActionIndex,
  ruleCategoryIndex,
  ruleExpired,
  ruleKind,
  ruleListIndex,
  ruleMode,
  ruleRolloutSlot,
  ruleScope,
} from './rules.ts';

/** Allowed: nothing said of it. Allowlisted: an allow rule, or an exception for the client. Shadow: allowed, but to be counted as what it would be. */
export const VerdictKind = { allowed: 0, allowlisted: 1, blocked: 2, shadow: 3 } as const;

/** Stands for the list of an allow rule, which belongs to no list. */
export const ALLOW_LIST: PublishedList = {
  name: 'allow',
  authority: '',
  order: 'operator',
  mode: 'enforce',
  action: 'sinkhole',
  version: 0,
  counterSlot: -1,
};

/** The same for the rules of protected names. */
export const PROTECTED_LIST: PublishedList = { ...ALLOW_LIST, name: 'protected' };

/** The rule that decided. One object for each Policy, valid until its next `judge`; meaningless after `allowed`. */
export interface PolicyMatch {
  /** Index in PublishedPolicy.lists; for `allowlisted`, in allowSources. */
  listIndex: number;
  /** ALLOW_LIST for `allowlisted`. */
  list: PublishedList;
  /** Of `allowlisted`: what lets this client through to a name that a list would block; undefined: an allow rule does. */
  exception: PublishedException | undefined;
  categoryIndex: number;
  actionIndex: number;
  /** A value of RuleScope. */
  scope: number;
  /** Seconds since 1970; 0: never. */
  expiresAtSeconds: number;
  /** 0: the rule holds for every client. */
  rolloutSlot: number;
  /** The label of the judged name where the matched entry begins. */
  suffixLabel: number;
  /** The judged name: the buffer given to `judge`, not a copy. */
  bytes: Uint8Array;
  nameStart: number;
  /** Where the matched entry's name begins in `bytes`. */
  entryStart: number;
}

const NO_BYTES = new Uint8Array(0);

export class Policy {
  readonly published: PublishedPolicy;
  readonly generation: number;
  readonly base: NameSet;
  readonly overlay: NameSet | undefined;
  readonly match: PolicyMatch;
  readonly audience: Audience;
  readonly #exceptions: ClientExceptions;
  /** Whether the last verdict would have been the same for any other client. */
  isForEveryone = true;
  readonly #seed: number;
  readonly #hashes = new Uint32Array(LABELS_MAX);
  /** Of each entry found for the name being judged: its label, and its rule set. */
  readonly #foundLabels = new Uint8Array(LABELS_MAX);
  readonly #foundWords: Uint32Array[] = [];
  readonly #foundOffsets = new Uint32Array(LABELS_MAX);
  /** Lists that have an exception for the name: two words of bits, for rules that enforce and for shadow rules. */
  readonly #liftedEnforcing = new Uint32Array(2);
  readonly #liftedShadow = new Uint32Array(2);

  /** @param groups of the configuration: clients that lists hold for in their own way */
  constructor(published: PublishedPolicy, groups: ClientGroups = NO_GROUPS) {
    const { base, overlay } = published;
    if (overlay !== undefined && overlay.seed !== base.seed) throw new Error('base and overlay differ in seed');
    this.published = published;
    this.generation = published.generation;
    this.base = new NameSet(base);
    this.overlay = overlay === undefined || overlay.entryCount === 0 ? undefined : new NameSet(overlay);
    this.audience = new Audience(published, groups);
    this.#exceptions = new ClientExceptions(published.exceptions ?? [], base.seed);
    this.#seed = base.seed;
    this.match = {
      listIndex: 0,
      list: ALLOW_LIST,
      exception: undefined,
      categoryIndex: 0,
      actionIndex: 0,
      scope: 0,
      expiresAtSeconds: 0,
      rolloutSlot: 0,
      suffixLabel: 0,
      bytes: NO_BYTES,
      nameStart: 0,
      entryStart: 0,
    };
  }

  /**
   * The verdict on the uncompressed name at `nameStart`, in any letter case; `match` says why.
   * @param labelStarts offsets of the labels' length octets, relative to `nameStart`
   * @param client ADDRESS_BYTES octets, or ANYONE; absent: a client that nobody knows
   * @returns a value of VerdictKind
   * Cost: hot path; a look-up a label and level, nothing more for a name that is not listed; allocates nothing.
   */
  judge(
    bytes: Uint8Array,
    nameStart: number,
    labelStarts: Uint8Array,
    labelCount: number,
    nowSeconds: number,
    client?: Uint8Array,
  ): number {
    const found = this.#findSuffixes(bytes, nameStart, labelStarts, labelCount);
    if (found === 0) {
      this.isForEveryone = true;
      return VerdictKind.allowed;
    }
    this.audience.turnTo(client);
    this.match.bytes = bytes;
    this.match.nameStart = nameStart;
    this.match.exception = undefined;
    let kind = this.#decide(found, nowSeconds);
    this.isForEveryone = !this.audience.wasAsked;
    if (kind >= VerdictKind.blocked && !this.#exceptions.isEmpty) {
      const exception = this.#findException(bytes, nameStart, labelStarts, labelCount, nowSeconds, client);
      if (exception !== undefined) {
        this.match.exception = exception;
        this.match.list = ALLOW_LIST;
        kind = VerdictKind.allowlisted;
      }
      this.isForEveryone &&= !this.#exceptions.wasNamed;
    }
    this.match.entryStart = nameStart + labelStarts[this.match.suffixLabel]!;
    return kind;
  }

  /**
   * Whether a protected name's rule covers the name, so that nothing its answers lead to blocks it. Leaves `match` alone.
   * Cost: as `judge`; asked only where a name that answers lead to is listed.
   */
  isProtected(
    bytes: Uint8Array,
    nameStart: number,
    labelStarts: Uint8Array,
    labelCount: number,
    nowSeconds: number,
  ): boolean {
    const found = this.#findSuffixes(bytes, nameStart, labelStarts, labelCount);
    for (let i = 0; i < found; i++) {
      const words = this.#foundWords[i]!;
      const offset = this.#foundOffsets[i]!;
      const end = offset + 1 + words[offset]! * 2;
      for (let at = offset + 1; at < end; at += 2) {
        const word0 = words[at]!;
        if (ruleKind(word0) !== RuleKind.protect || ruleMode(word0) !== RuleMode.enforce) continue;
        if (covers(word0, this.#foundLabels[i]!) && !ruleExpired(words[at + 1]!, nowSeconds)) return true;
      }
    }
    return false;
  }

  /** Whether any verdict may depend on the client: whether clients must be remembered with those who wait. */
  get dependsOnClients(): boolean {
    return this.audience.dependsOnClients || this.hasExceptions;
  }

  get hasExceptions(): boolean {
    return !this.#exceptions.isEmpty;
  }

  /**
   * The exception that lets the client through to the name and to what its answers lead to. Leaves `match` alone.
   * Cost: as `judge`; asked only where a name that answers lead to is listed.
   */
  exceptionFor(
    bytes: Uint8Array,
    nameStart: number,
    labelStarts: Uint8Array,
    labelCount: number,
    nowSeconds: number,
    client: Uint8Array | undefined,
  ): PublishedException | undefined {
    if (this.#exceptions.isEmpty) return undefined;
    hashSuffixes(bytes, nameStart, labelStarts, labelCount, this.#seed, this.#hashes);
    return this.#findException(bytes, nameStart, labelStarts, labelCount, nowSeconds, client);
  }

  /** For the name whose suffixes' hashes are at hand. */
  #findException(
    bytes: Uint8Array,
    nameStart: number,
    labelStarts: Uint8Array,
    labelCount: number,
    nowSeconds: number,
    client: Uint8Array | undefined,
  ): PublishedException | undefined {
    const hashes = this.#hashes;
    return this.#exceptions.find(bytes, nameStart, labelStarts, labelCount, hashes, nowSeconds, client);
  }

  /** Fills the found* fields, most specific entry first; returns how many. */
  #findSuffixes(bytes: Uint8Array, nameStart: number, labelStarts: Uint8Array, labelCount: number): number {
    const { base, overlay } = this;
    const hashes = this.#hashes;
    hashSuffixes(bytes, nameStart, labelStarts, labelCount, this.#seed, hashes);
    let found = 0;
    for (let label = 0; label < labelCount; label++) {
      const hash = hashes[label]!;
      const start = nameStart + labelStarts[label]!;
      let words: Uint32Array | undefined;
      let offset = -1;
      if (overlay !== undefined) {
        offset = overlay.find(hash, bytes, start);
        if (offset >= 0) words = overlay.rules;
      }
      if (words === undefined) {
        offset = base.find(hash, bytes, start);
        if (offset < 0) continue;
        words = base.rules;
      }
      this.#foundLabels[found] = label;
      this.#foundOffsets[found] = offset;
      this.#foundWords[found] = words;
      found++;
    }
    return found;
  }

  #decide(found: number, nowSeconds: number): number {
    if (this.#findAllow(found, nowSeconds)) return VerdictKind.allowlisted;
    if (this.#findBlock(found, nowSeconds, RuleMode.enforce, this.#liftedEnforcing)) return VerdictKind.blocked;
    if (this.#findBlock(found, nowSeconds, RuleMode.shadow, this.#liftedShadow)) return VerdictKind.shadow;
    return VerdictKind.allowed;
  }

  /** Whether an allow rule covers the name; on the way, notes the lists that have an exception for it. */
  #findAllow(found: number, nowSeconds: number): boolean {
    // Why not fill(): it is a call out of compiled code, a tenth of a microsecond for two words.
    this.#liftedEnforcing[0] = 0;
    this.#liftedEnforcing[1] = 0;
    this.#liftedShadow[0] = 0;
    this.#liftedShadow[1] = 0;
    for (let i = 0; i < found; i++) {
      const words = this.#foundWords[i]!;
      const offset = this.#foundOffsets[i]!;
      const label = this.#foundLabels[i]!;
      const end = offset + 1 + words[offset]! * 2;
      for (let at = offset + 1; at < end; at += 2) {
        const word0 = words[at]!;
        // Rules stand in order of kind: behind these two come protect and block.
        if (ruleKind(word0) >= RuleKind.protect) break;
        if (!covers(word0, label) || ruleExpired(words[at + 1]!, nowSeconds)) continue;
        const mode = this.audience.modeOf(word0);
        if (ruleKind(word0) === RuleKind.exception) this.#lift(ruleListIndex(word0), mode);
        else if (mode === RuleMode.enforce) {
          this.#setMatch(word0, words[at + 1]!, label, ALLOW_LIST);
          return true;
        }
      }
    }
    return false;
  }

  /** An exception lifts rules of its own mode and of weaker ones: one that only watches must not let a block through. */
  #lift(listIndex: number, mode: number): void {
    const word = listIndex >>> 5;
    const bit = 1 << (listIndex & 31);
    if (mode === RuleMode.enforce) this.#liftedEnforcing[word]! |= bit;
    if (mode !== RuleMode.off) this.#liftedShadow[word]! |= bit;
  }

  /** Whether a blocking rule of this mode covers the name: the most specific entry's first, in order of lists. */
  #findBlock(found: number, nowSeconds: number, mode: number, lifted: Uint32Array): boolean {
    for (let i = 0; i < found; i++) {
      const words = this.#foundWords[i]!;
      const offset = this.#foundOffsets[i]!;
      const label = this.#foundLabels[i]!;
      const end = offset + 1 + words[offset]! * 2;
      for (let at = offset + 1; at < end; at += 2) {
        const word0 = words[at]!;
        if (ruleKind(word0) !== RuleKind.block || !covers(word0, label)) continue;
        const listIndex = ruleListIndex(word0);
        const list = this.published.lists[listIndex];
        if (list === undefined || ((lifted[listIndex >>> 5]! >>> (listIndex & 31)) & 1) === 1) continue;
        if (ruleExpired(words[at + 1]!, nowSeconds) || this.audience.modeOf(word0) !== mode) continue;
        this.#setMatch(word0, words[at + 1]!, label, list);
        return true;
      }
    }
    return false;
  }

  #setMatch(word0: number, word1: number, label: number, list: PublishedList): void {
    const match = this.match;
    match.listIndex = ruleListIndex(word0);
    match.list = list;
    match.categoryIndex = ruleCategoryIndex(word0);
    match.actionIndex = ruleActionIndex(word0);
    match.scope = ruleScope(word0);
    match.expiresAtSeconds = word1;
    match.rolloutSlot = ruleRolloutSlot(word0);
    match.suffixLabel = label;
  }
}

/** Whether a rule of the entry at `label` covers the judged name: its own name, or any below with scope subtree. */
function covers(word0: number, label: number): boolean {
  return label === 0 || ruleScope(word0) === RuleScope.subtree;
}
