/**
 * The incident id: twelve characters of Crockford's base32 in three groups that a subscriber can read out on the phone.
 * 12 bits say which list, 16 which version of it (its low bits), 32 which entry; all derived, so that every process and
 * every client gets the same id for the same block. Carries no client data. The EDE, the warning page, `weir check` and
 * the event log all show it.
 */
import { entryHash32 } from './name-hash.ts';

/** Crockford's base32: without I, L, O and U. */
export const INCIDENT_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ALPHABET_CODES = new TextEncoder().encode(INCIDENT_ALPHABET);
const HYPHEN = 0x2d;
/** Octets of an id as text: XXXX-XXXX-XXXX. */
export const INCIDENT_BYTES = 14;
/** An id with nothing filled in yet, for templates. */
export const INCIDENT_PLACEHOLDER = '0000-0000-0000';

const encoder = new TextEncoder();

/** The 12 bits that stand for a list's name. */
export function listTag(listName: string): number {
  let state = 0x811c_9dc5;
  for (const octet of encoder.encode(listName)) state = Math.imul(state ^ octet, 0x0100_0193);
  return (state ^ (state >>> 12) ^ (state >>> 24)) & 0xfff;
}

/** The id of a block by the entry whose wire-format name begins at `entryStart`, in any letter case. */
export function incidentId(listName: string, version: number, entry: Uint8Array, entryStart = 0): string {
  const id = new Uint8Array(INCIDENT_BYTES);
  writeIncident(id, 0, listTag(listName), version, entryHash32(entry, entryStart));
  return String.fromCharCode(...id);
}

/**
 * Writes the 14 ASCII octets of an id at `offset`.
 * Cost: hot path; allocates nothing.
 */
export function writeIncident(
  bytes: Uint8Array,
  offset: number,
  tag: number,
  version: number,
  entryHash: number,
): void {
  // 60 bits in three groups of 20: tag and the top of the version; the rest of it and the top of the hash; the rest.
  writeGroup(bytes, offset, (tag << 8) | ((version >>> 8) & 0xff));
  bytes[offset + 4] = HYPHEN;
  writeGroup(bytes, offset + 5, ((version & 0xff) << 12) | (entryHash >>> 20));
  bytes[offset + 9] = HYPHEN;
  writeGroup(bytes, offset + 10, entryHash & 0xf_ffff);
}

function writeGroup(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = ALPHABET_CODES[(value >>> 15) & 31]!;
  bytes[offset + 1] = ALPHABET_CODES[(value >>> 10) & 31]!;
  bytes[offset + 2] = ALPHABET_CODES[(value >>> 5) & 31]!;
  bytes[offset + 3] = ALPHABET_CODES[value & 31]!;
}
