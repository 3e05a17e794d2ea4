/**
 * Holds list entries that would take away more than they were meant to: whoever listed them, a person looks again
 * before they block. One file a guard beside this one; create-guard.ts makes one check of them, which each entry meets while
 * a list is read. Words and types only: who shows holds need not load the Public Suffix List. A name in `approved` has been looked at. Exceptions and allow lists need no guard: they only ever unblock.
 */

/** Why one entry is held, whatever is in force. */
export const GUARD_CODES = [
  'root',
  'tld',
  'publicSuffix',
  'protected',
  'popular',
  'popularBelow',
  'sharedHost',
  'listSource',
] as const;
export type GuardCode = (typeof GUARD_CODES)[number];

/** A closed set: the label `guard` of weir_list_guard_holds. */
export const HOLD_CODES = [
  ...GUARD_CODES,
  /** Many ask for it (blast-radius.ts). */
  'blastRadius',
  /** A person has upheld an appeal against it. */
  'appeal',
  /** A whole update that removes, or adds, too much (update-guard.ts). */
  'shrink',
  'growth',
] as const;
export type HoldCode = (typeof HOLD_CODES)[number];

export interface GuardHold {
  readonly guard: GuardCode;
  /** A sentence for people. */
  readonly detail: string;
}

export interface GuardOptions {
  /** Held themselves, with everything below them, and with what would block them from above. */
  readonly protectedNames: Iterable<string>;
  /** Most popular first. Held themselves and with what would block them from above. */
  readonly popularNames: Iterable<string>;
  /** Names that unrelated people share (the operator's `sharedHosts`): held themselves and from above. */
  readonly sharedHosts: Iterable<string>;
  readonly approved: Iterable<string>;
  /** Hosts that lists are fetched from: blocking one would cut the lists off. */
  readonly listSourceHosts?: Iterable<string>;
}

export interface Guard {
  /** Why an entry must wait for a second pair of eyes; undefined if it need not. Cost: no allocation unless it is held. */
  check(name: string, scope: 'exact' | 'subtree'): GuardHold | undefined;
  /** Do unrelated people share this name, so that a URL with a path on it accuses one page of theirs? */
  isSharedHost(name: string): boolean;
}
