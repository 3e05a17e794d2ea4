/** Entries of a segment as objects that last, to compare with what was written. */
import type { ListEntry } from '../../src/control-plane/list-sync/format/list-format.ts';
import { provenanceOf, type SegmentEntry, segmentName } from '../../src/control-plane/list-sync/list-segment.ts';
import { CATEGORIES, type Category } from '../../src/policy/category.ts';

/** The entry as an object that lasts. */
export function segmentEntryToListEntry(entry: SegmentEntry): ListEntry {
  const category = categoryAt(entry.categoryIndex);
  const provenance = provenanceOf(entry);
  return {
    name: segmentName(entry),
    scope: entry.scope,
    kind: entry.kind,
    ...(category === undefined ? {} : { category }),
    ...(entry.expiresAtSeconds === 0 ? {} : { expiresAtSeconds: entry.expiresAtSeconds }),
    ...(provenance === undefined ? {} : { provenance }),
  };
}

function categoryAt(index: number): Category | undefined {
  return index < 0 ? undefined : CATEGORIES[index];
}
