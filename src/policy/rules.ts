/**
 * What one list says about one name, packed into two Uint32 words; rules for the same name form a set (rule-set.ts).
 *
 * Word 0, from the top: kind (2 bits), list index (8), scope (1), mode (2), action (3), category (4), 4 spare,
 * rollout slot (8). The fields stand in order of precedence, so that comparing words compares rules: allow before
 * exception before protect before block, then the order of the lists in the configuration, then exact before subtree.
 * Word 1: expiry, seconds since 1970, 0 for none.
 */

/** Lists (and, counted apart, allow sources) that one index can hold. */
export const LISTS_MAX = 64;
/** Slots, counted from 1, by which a rule can be held back to a share of the clients. */
export const ROLLOUT_SLOTS_MAX = 255;

/** `protect`: what the name's answers lead to does not block it; a block on the name itself does. Of no list: index 0. */
export const RuleKind = { allow: 0, exception: 1, protect: 2, block: 3 } as const;
export const RuleScope = { exact: 0, subtree: 1 } as const;
export const RuleMode = { enforce: 0, shadow: 1, off: 2 } as const;

export const RULE_MODES = ['enforce', 'shadow', 'off'] as const;

export type RuleKindName = keyof typeof RuleKind;
export type RuleScopeName = keyof typeof RuleScope;
export type RuleModeName = keyof typeof RuleMode;

export interface Rule {
  /** Index in PublishedPolicy.lists; for kind `allow`, in PublishedPolicy.allowSources; for `protect` 0. */
  readonly listIndex: number;
  readonly kind: RuleKindName;
  readonly scope: RuleScopeName;
  /** Position in CATEGORIES. */
  readonly categoryIndex: number;
  /** Position in ACTIONS. */
  readonly actionIndex: number;
  readonly mode: RuleModeName;
  /** Seconds since 1970; 0: never expires. */
  readonly expiresAtSeconds: number;
  /** 0 or absent: holds for every client; else for those that PublishedRollouts says of this slot. */
  readonly rolloutSlot?: number;
}

export type RuleWords = [word0: number, word1: number];

const KIND_SHIFT = 30;
const LIST_SHIFT = 22;
const SCOPE_SHIFT = 21;
const MODE_SHIFT = 19;
const ACTION_SHIFT = 16;
const CATEGORY_SHIFT = 12;
const SLOT_MASK = 0xff;

/** Bits of word 0 that make two rules of one name the same rule: everything but category and spare bits. */
const IDENTITY_MASK = (0xffff_ffff << ACTION_SHIFT) | SLOT_MASK;

const KIND_NAMES = ['allow', 'exception', 'protect', 'block'] as const;
const SCOPE_NAMES = ['exact', 'subtree'] as const;

/**
 * Packs a rule.
 * Errors: RangeError on a field that does not fit: a mistake of the caller, for files never reach here unparsed.
 */
export function encodeRule(rule: Rule): RuleWords {
  const { listIndex, categoryIndex, actionIndex, expiresAtSeconds, rolloutSlot = 0 } = rule;
  requireBelow('listIndex', listIndex, LISTS_MAX);
  requireBelow('categoryIndex', categoryIndex, 16);
  requireBelow('actionIndex', actionIndex, 8);
  requireBelow('expiresAtSeconds', expiresAtSeconds, 0x1_0000_0000);
  requireBelow('rolloutSlot', rolloutSlot, ROLLOUT_SLOTS_MAX + 1);
  const word0 =
    (RuleKind[rule.kind] << KIND_SHIFT) |
    (listIndex << LIST_SHIFT) |
    (RuleScope[rule.scope] << SCOPE_SHIFT) |
    (RuleMode[rule.mode] << MODE_SHIFT) |
    (actionIndex << ACTION_SHIFT) |
    (categoryIndex << CATEGORY_SHIFT) |
    rolloutSlot;
  return [word0 >>> 0, expiresAtSeconds];
}

export function decodeRule(word0: number, word1: number): Rule {
  return {
    listIndex: ruleListIndex(word0),
    kind: KIND_NAMES[ruleKind(word0)] ?? 'block',
    scope: SCOPE_NAMES[ruleScope(word0)] ?? 'exact',
    categoryIndex: ruleCategoryIndex(word0),
    actionIndex: ruleActionIndex(word0),
    mode: RULE_MODES[ruleMode(word0)] ?? 'off',
    expiresAtSeconds: word1,
    rolloutSlot: ruleRolloutSlot(word0),
  };
}

export function ruleKind(word0: number): number {
  return word0 >>> KIND_SHIFT;
}

export function ruleListIndex(word0: number): number {
  return (word0 >>> LIST_SHIFT) & 0xff;
}

export function ruleScope(word0: number): number {
  return (word0 >>> SCOPE_SHIFT) & 1;
}

export function ruleMode(word0: number): number {
  return (word0 >>> MODE_SHIFT) & 3;
}

export function ruleActionIndex(word0: number): number {
  return (word0 >>> ACTION_SHIFT) & 7;
}

export function ruleCategoryIndex(word0: number): number {
  return (word0 >>> CATEGORY_SHIFT) & 0xf;
}

/** 0: holds for every client. */
export function ruleRolloutSlot(word0: number): number {
  return word0 & SLOT_MASK;
}

/** The same rule held back to a slot. `word0` has none; `slot`: 0 to ROLLOUT_SLOTS_MAX. */
export function withRolloutSlot(word0: number, slot: number): number {
  return (word0 | (slot & SLOT_MASK)) >>> 0;
}

/** Whether the rule is over; a rule lives up to its expiry, exclusive. */
export function ruleExpired(word1: number, nowSeconds: number): boolean {
  return word1 !== 0 && word1 <= nowSeconds;
}

/** Whether two rules of one name differ in category or expiry only, so that one of them is enough. */
export function sameRuleIdentity(word0: number, otherWord0: number): boolean {
  return ((word0 ^ otherWord0) & IDENTITY_MASK) === 0;
}

/** Whether a rule comes before one of another identity in the set of their name. */
export function ruleComesBefore(word0: number, otherWord0: number): boolean {
  return (word0 & IDENTITY_MASK) >>> 0 < (otherWord0 & IDENTITY_MASK) >>> 0;
}

function requireBelow(field: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(`rule ${field} must be an integer of 0 to ${limit - 1}, not ${value}`);
  }
}
