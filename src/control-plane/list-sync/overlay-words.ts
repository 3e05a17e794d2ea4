/** Names and rule sets of an index level as plain values: what the two ways to make an overlay have in common. */
import { hashName } from '../../policy/name-hash.ts';
import type { NameSetBuilder } from '../../policy/name-set-builder.ts';
import type { NameSet } from '../../policy/name-set.ts';
import { RuleKind, ruleKind, ruleListIndex } from '../../policy/rules.ts';

/** The rule set at `offset`: two words a rule. */
export function wordsAt(set: NameSet, offset: number): number[] {
  return Array.from(set.rules.subarray(offset + 1, offset + 1 + set.rules[offset]! * 2));
}

/** Undefined where the set does not have the name. */
export function wordsOfName(set: NameSet, name: Uint8Array): number[] | undefined {
  const hash = hashName(name, 0, set.buffers.seed);
  const offset = hash === undefined ? -1 : set.find(hash, name, 0);
  return offset < 0 ? undefined : wordsAt(set, offset);
}

export function nameAt(names: Uint8Array, offset: number): Uint8Array {
  let end = offset;
  while (names[end] !== 0) end += names[end]! + 1;
  return names.slice(offset, end + 1);
}

/** Of all names on the wire. */
export function octetsOf(entries: Iterable<{ readonly name: Uint8Array }>): number {
  let octets = 0;
  for (const { name } of entries) octets += name.length;
  return octets;
}

/** The wire name, one character an octet. */
export function keyOf(name: Uint8Array): string {
  return String.fromCharCode(...name);
}

/** Without the rules of some lists; allow rules count their sources apart, protect rules have none. */
export function wordsWithoutLists(words: readonly number[], isGone: (listIndex: number) => boolean): number[] {
  const kept: number[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const word0 = words[at]!;
    const kind = ruleKind(word0);
    const isOfList = kind === RuleKind.exception || kind === RuleKind.block;
    if (!isOfList || !isGone(ruleListIndex(word0))) kept.push(word0, words[at + 1]!);
  }
  return kept;
}

/** Gives a name to an overlay, but one of which the base says the same. */
export function addToOverlay(builder: NameSetBuilder, base: NameSet, name: Uint8Array, words: readonly number[]): void {
  const before = wordsOfName(base, name);
  if (before !== undefined && words.length === 0) builder.addRemoval(name, 0);
  if (before !== undefined && isSame(words, before)) return;
  for (let at = 0; at < words.length; at += 2) builder.add(name, 0, words[at]!, words[at + 1]!);
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}
