/**
 * The hashes of a name and of each of its suffixes, in one pass from its end, upper and lower case alike (RFC 4343). A
 * hash only finds candidates in a name set; the full name decides.
 *
 * The step is FxHash's (rotate, xor, multiply), seeded, over label octets from the last to the first and then the length
 * octet, so that every suffix's hash is a prefix of the pass; a finaliser gives each avalanche, for the set uses the top
 * bits.
 */
import { FOLD, LABELS_MAX, labelStartsOf } from '../dns/name.ts';

const MULTIPLIER = 0x9e37_79b1;
const BASIS = 0x2545_f491;

const scratchStarts = new Uint8Array(LABELS_MAX);
const scratchHashes = new Uint32Array(LABELS_MAX);

/**
 * Sets `out[i]` to the hash of the suffix that begins at label i.
 * @param labelStarts offsets of the labels' length octets, relative to `nameStart`, as labelStartsOf fills them
 * Cost: one multiplication an octet; allocates nothing.
 */
export function hashSuffixes(
  bytes: Uint8Array,
  nameStart: number,
  labelStarts: Uint8Array,
  labelCount: number,
  seed: number,
  out: Uint32Array,
): void {
  let state = seed ^ BASIS;
  for (let label = labelCount - 1; label >= 0; label--) {
    const start = nameStart + labelStarts[label]!;
    for (let at = start + bytes[start]!; at > start; at--) {
      state = Math.imul(((state << 5) | (state >>> 27)) ^ FOLD[bytes[at]!]!, MULTIPLIER);
    }
    state = Math.imul(((state << 5) | (state >>> 27)) ^ bytes[start]!, MULTIPLIER);
    out[label] = finalise(state);
  }
}

/** The hash that hashSuffixes gives the whole name; undefined for a malformed name and for the root. */
export function hashName(bytes: Uint8Array, nameStart: number, seed: number): number | undefined {
  const labelCount = labelStartsOf(bytes, nameStart, scratchStarts);
  if (labelCount <= 0) return undefined;
  hashSuffixes(bytes, nameStart, scratchStarts, labelCount, seed, scratchHashes);
  return scratchHashes[0]!;
}

/** The unseeded hash of an entry's name, the same in every process: the part of an incident id that says which entry. */
export function entryHash32(bytes: Uint8Array, nameStart: number): number {
  return hashName(bytes, nameStart, 0) ?? 0;
}

/** The finaliser of MurmurHash3 (public domain): every bit of the input turns every bit of the output half the time. */
function finalise(state: number): number {
  let mixed = state;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
