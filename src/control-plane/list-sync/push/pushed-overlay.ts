/**
 * The fastest path of a change: the overlay in force with the new state of the names that a push changed, without a look
 * at the rest of the base. Runs in the control thread, so that no other job of the compile thread is waited for. Pure but
 * for memory.
 */
import { CATEGORIES } from '../../../policy/category.ts';
import { nameFromText } from '../../../dns/name.ts';
import { NameSetBuilder, type SharedBufferPool } from '../../../policy/name-set-builder.ts';
import { NameSet } from '../../../policy/name-set.ts';
import type { NameSetBuffers } from '../../../policy/published.ts';
import type { NameState } from '../../ledger/ledger.ts';
import type { RuleWordTable } from '../compiler.ts';
import { addToOverlay, keyOf, nameAt, octetsOf, wordsAt, wordsOfName, wordsWithoutLists } from '../overlay-words.ts';

/** What one list says of one name now. */
export interface PushedName {
  readonly listIndex: number;
  readonly words: RuleWordTable;
  readonly state: NameState;
}

interface Entry {
  readonly name: Uint8Array;
  words: number[];
}

/**
 * The overlay after these changes; undefined where nothing differs from the base.
 * Cost: about 1 us a name of the overlay, and of the changes.
 */
export function overlayWithPushed(
  base: NameSetBuffers,
  overlay: NameSetBuffers | undefined,
  pushed: Iterable<PushedName>,
  buffers: SharedBufferPool,
): NameSetBuffers | undefined {
  const baseSet = new NameSet(base);
  const entries = new Map<string, Entry>();
  if (overlay !== undefined) {
    const set = new NameSet(overlay);
    set.forEach((nameOffset, rulesOffset) => {
      const name = nameAt(set.names, nameOffset);
      entries.set(keyOf(name), { name, words: wordsAt(set, rulesOffset) });
    });
  }
  for (const { listIndex, words, state } of pushed) {
    const name = nameFromText(state.name);
    if (name === undefined || name.length <= 1) continue;
    const key = keyOf(name);
    const before = entries.get(key)?.words ?? wordsOfName(baseSet, name) ?? [];
    const now = wordsWithoutLists(before, (index) => index === listIndex);
    for (const entry of state.entries) now.push(wordOf(words, entry), entry.expiresAtSeconds);
    entries.set(key, { name, words: now });
  }
  const namesBytesExpected = octetsOf(entries.values());
  const sizes = { entriesExpected: entries.size, namesBytesExpected };
  const builder = new NameSetBuilder({ ...sizes, seed: base.seed, buffers });
  for (const { name, words } of entries.values()) addToOverlay(builder, baseSet, name, words);
  const built = builder.build();
  if (built.entryCount > 0) return built;
  buffers.giveBack?.([built.table, built.names, built.rules]);
  return undefined;
}

function wordOf(words: RuleWordTable, entry: NameState['entries'][number]): number {
  const { scope, category, mode, rolloutSlot } = entry;
  const categoryIndex = category === undefined ? -1 : CATEGORIES.indexOf(category);
  return words.of({ scope, kind: 'block', categoryIndex, isShadow: mode === 'shadow', rolloutSlot });
}
