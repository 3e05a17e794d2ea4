/**
 * Which entry an incident id stands for, of whatever list: the published index is walked for names with the id's hash,
 * and the rules there for its list. The version in the id may be an older one; the list's tag and the entry's hash decide.
 * Cost: a hash of every name in the index; for people's questions, in slices, so that this thread goes on meanwhile.
 */
import { setImmediate } from 'node:timers/promises';
import { nameToText } from '../../dns/name.ts';
import { explain } from '../../policy/explain.ts';
import { listTag } from '../../policy/incident.ts';
import { entryHash32 } from '../../policy/name-hash.ts';
import { SLOT_WORDS, usedSlots, wordsOf } from '../../policy/name-set.ts';
import type { Policy } from '../../policy/policy.ts';
import type { NameSetBuffers } from '../../policy/published.ts';
import type { IncidentParts } from '../../policy/read-incident.ts';

/** Slots looked at without a break. */
const SLICE_SLOTS = 50_000;
/** Names with the same hash; a few are chance, more cannot be. */
const CANDIDATES_MAX = 16;

/** The entry's name as text; undefined: no entry in force or in shadow has this id. */
export async function findIncidentInIndex(
  policy: Policy,
  parts: IncidentParts,
  nowSeconds: number,
): Promise<string | undefined> {
  const { base, overlay } = policy.published;
  for (const level of overlay === undefined ? [base] : [overlay, base]) {
    for (const wireName of await namesWithHash(level, parts.entryHash)) {
      const name = nameToText(wireName, 0).toLowerCase();
      const rules = explain(policy, wireName, 0, nowSeconds)?.rules ?? [];
      const isMeant = rules.some(
        ({ kind, entry, list }) => kind === 'block' && entry === name && listTag(list) === parts.listTag,
      );
      if (isMeant) return name;
    }
  }
  return undefined;
}

/** Why copies: between two slices the buffers may be given to another policy. What is found is judged anew. */
async function namesWithHash(level: NameSetBuffers, hash: number): Promise<Uint8Array[]> {
  const words = wordsOf(level.table);
  const names = new Uint8Array(level.names, 0, level.namesBytes);
  const end = usedSlots(level) * SLOT_WORDS;
  const found: Uint8Array[] = [];
  for (let at = 0; at < end && found.length < CANDIDATES_MAX; at += SLOT_WORDS) {
    if (at % (SLICE_SLOTS * SLOT_WORDS) === 0 && at > 0) await setImmediate();
    const nameOffset = words[at + 1]!;
    if (nameOffset === 0 || entryHash32(names, nameOffset) !== hash) continue;
    found.push(Uint8Array.from(names.subarray(nameOffset, nameOffset + 255)));
  }
  return found;
}
