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

/** Policies that are walked at most: each is another than the one before, published while that was walked. */
const WALKS_MAX = 3;

/** The entry's name as text; undefined: no entry in force or in shadow has this id. `policyOf`: the one in force. */
export async function findIncidentInIndex(
  policyOf: () => Policy | undefined,
  parts: IncidentParts,
  nowSeconds: number,
): Promise<string | undefined> {
  for (let walk = 0; walk < WALKS_MAX; walk++) {
    const published = policyOf()?.published;
    if (published === undefined) return undefined;
    const { base, overlay } = published;
    for (const level of overlay === undefined ? [base] : [overlay, base]) {
      for (const wireName of await namesWithHash(level, parts.entryHash)) {
        if (isMeant(policyOf(), wireName, parts, nowSeconds)) return nameToText(wireName, 0).toLowerCase();
      }
    }
    const now = policyOf()?.published;
    if (now?.base === base && now.overlay === overlay) return undefined;
  }
  return undefined;
}

function isMeant(
  policy: Policy | undefined,
  wireName: Uint8Array,
  { listTag: tag }: IncidentParts,
  nowSeconds: number,
) {
  const name = nameToText(wireName, 0).toLowerCase();
  const rules = policy === undefined ? [] : (explain(policy, wireName, 0, nowSeconds)?.rules ?? []);
  return rules.some(({ kind, entry, list }) => kind === 'block' && entry === name && listTag(list) === tag);
}

/**
 * Why copies: between two slices the buffers may be given to another policy, or emptied. What is found is judged anew, by
 * the policy of then.
 */
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
