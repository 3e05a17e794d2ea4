/**
 * Looks up in a list's segment what the published index leaves out: an entry's provenance, and entries that the guard
 * holds. A walk over the whole segment: for people's questions, not for queries.
 */
import { LABELS_MAX, labelStartsOf } from '../../dns/name.ts';
import type { EntryProvenance } from './format/list-format.ts';
import { provenanceOf, segmentName, type SegmentEntry } from './list-segment.ts';
import { readSegmentData, type SegmentData } from './segment-data.ts';

export interface FoundEntry {
  readonly name: string;
  readonly scope: 'exact' | 'subtree';
  readonly kind: 'block' | 'exception';
  readonly categoryIndex: number;
  readonly expiresAtSeconds: number;
  readonly provenance: EntryProvenance | undefined;
  /** The guard keeps it out of force. */
  readonly isHeld: boolean;
}

/**
 * Entries of a segment on the wire-format name (lower case) or above it, in the order of the segment.
 * @param held places of held entries, ascending
 * Errors: SegmentLost.
 */
export function findEntries(segment: SegmentData, held: Uint32Array, name: Uint8Array): FoundEntry[] {
  const starts = new Uint8Array(LABELS_MAX);
  const labelCount = labelStartsOf(name, 0, starts);
  /** Start of the suffix that has so many octets, plus 1; 0: no suffix has. */
  const startByBytes = new Uint8Array(name.length + 1);
  for (let label = 0; label < labelCount; label += 1) startByBytes[name.length - starts[label]!] = starts[label]! + 1;
  startByBytes[1] = name.length;
  const found: FoundEntry[] = [];
  let place = 0;
  let nextHeld = 0;
  readSegmentData(segment, (entry) => {
    const isHeld = place === held[nextHeld];
    if (isHeld) nextHeld += 1;
    place += 1;
    const start = startByBytes[entry.nameBytes] ?? 0;
    if (start === 0 || !isSuffix(entry, name, start - 1)) return;
    found.push(foundEntry(entry, isHeld));
  });
  return found;
}

export function foundEntry(entry: SegmentEntry, isHeld: boolean): FoundEntry {
  const { scope, kind, categoryIndex, expiresAtSeconds } = entry;
  const provenance = provenanceOf(entry);
  return { name: segmentName(entry), scope, kind, categoryIndex, expiresAtSeconds, provenance, isHeld };
}

function isSuffix(entry: SegmentEntry, name: Uint8Array, start: number): boolean {
  for (let at = 0; at < entry.nameBytes; at += 1) {
    if (entry.bytes[entry.nameOffset + at] !== name[start + at]) return false;
  }
  return true;
}
