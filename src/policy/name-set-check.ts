/**
 * Whether buffers that come from outside (a file, where a builder's would be) are a name set: every offset in them leads
 * to the beginning of a whole name or rule set, every search ends, every rule names a list that is there. Asked once,
 * before they are published; readers trust what is published.
 */
import { LABEL_BYTES_MAX, NAME_BYTES_MAX } from '../dns/name.ts';
import { EMPTY_HASH, SLOT_WORDS, homeSlot } from './name-set.ts';
import type { NameSetBuffers } from './published.ts';
import { RuleKind, ruleKind, ruleListIndex } from './rules.ts';

export interface RuleBounds {
  readonly lists: number;
  readonly allowSources: number;
}

/** A sentence for people, or undefined for a sound base; `tableBytes` of its table are in use. Cost: one pass over each buffer, 0.5 s for ten million names. */
export function nameSetProblem(buffers: NameSetBuffers, tableBytes: number, bounds: RuleBounds): string | undefined {
  const { table, names, rules, slotCount, entryCount, namesBytes, rulesWords } = buffers;
  const counts = [slotCount, entryCount, namesBytes, rulesWords, buffers.seed];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return 'its sizes are no numbers';
  if (slotCount < 1 || namesBytes < 1 || rulesWords < 1) return 'its sizes are too small';
  if (namesBytes > names.byteLength || rulesWords * 4 > rules.byteLength) return 'its sizes do not fit its parts';
  const slots = tableBytes / (SLOT_WORDS * 4);
  if (tableBytes > table.byteLength || !Number.isInteger(slots) || slots <= slotCount)
    return 'its table has the wrong size';
  const nameStarts = nameStartsOf(new Uint8Array(names, 0, namesBytes));
  if (nameStarts === undefined) return 'its names are malformed';
  const ruleStarts = ruleStartsOf(new Uint32Array(rules, 0, rulesWords), bounds);
  if (ruleStarts === undefined) return 'its rules are malformed';
  return isTableSound(new Uint32Array(table, 0, slots * SLOT_WORDS), buffers, nameStarts, ruleStarts)
    ? undefined
    : 'its table is malformed';
}

/** One bit for each offset: does a whole name begin there? Undefined where something is no name. */
function nameStartsOf(names: Uint8Array): Uint32Array | undefined {
  const starts = new Uint32Array((names.length >>> 5) + 1);
  for (let at = 1; at < names.length;) {
    const start = at;
    for (;;) {
      const labelBytes = names[at];
      if (labelBytes === undefined || labelBytes > LABEL_BYTES_MAX) return undefined;
      at += labelBytes + 1;
      if (labelBytes === 0) break;
    }
    const bytes = at - start;
    if (bytes < 2 || bytes > NAME_BYTES_MAX) return undefined;
    mark(starts, start);
  }
  return starts;
}

/** The same for the rule sets; the empty one, which only an overlay may use, is not marked. */
function ruleStartsOf(words: Uint32Array, { lists, allowSources }: RuleBounds): Uint32Array | undefined {
  if (words[0] !== 0) return undefined;
  const starts = new Uint32Array((words.length >>> 5) + 1);
  for (let at = 1; at < words.length;) {
    const end = at + 1 + words[at]! * 2;
    if (words[at] === 0 || end > words.length) return undefined;
    for (let rule = at + 1; rule < end; rule += 2) {
      const word0 = words[rule]!;
      const kind = ruleKind(word0);
      const sources = kind === RuleKind.allow ? allowSources : kind === RuleKind.protect ? 1 : lists;
      if (ruleListIndex(word0) >= sources) return undefined;
    }
    mark(starts, at);
    at = end;
  }
  return starts;
}

/** In order of hash, no entry before its home or behind an empty slot, an empty slot at the end. */
function isTableSound(
  table: Uint32Array,
  { slotCount, entryCount }: NameSetBuffers,
  nameStarts: Uint32Array,
  ruleStarts: Uint32Array,
): boolean {
  let lastEmpty = -1;
  let lastHash = 0;
  let entries = 0;
  const slots = table.length / SLOT_WORDS;
  for (let slot = 0; slot < slots; slot++) {
    const at = slot * SLOT_WORDS;
    const hash = table[at]!;
    const nameOffset = table[at + 1]!;
    if (nameOffset === 0) {
      if (hash !== EMPTY_HASH) return false;
      lastEmpty = slot;
      continue;
    }
    const home = homeSlot(hash, slotCount);
    if (hash < lastHash || home > slot || home <= lastEmpty) return false;
    if (!isMarked(nameStarts, nameOffset) || !isMarked(ruleStarts, table[at + 2]!)) return false;
    lastHash = hash;
    entries++;
  }
  return lastEmpty === slots - 1 && entries === entryCount;
}

function mark(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! |= 1 << (index & 31);
}

function isMarked(bits: Uint32Array, index: number): boolean {
  return ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
}
