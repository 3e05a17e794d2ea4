/**
 * Looks a name up in pulled lists, in the compile thread: a large list is read from the disk. For people's questions; the
 * warning page's are about one small list alone (reference-desk.ts).
 */
import type { CompileRunner } from './compile-client.ts';
import { findEntries, type FoundEntry } from './find-entries.ts';
import type { ListTask } from './list-task.ts';
import type { SegmentData } from './segment-data.ts';
import type { SegmentMemory } from './segment-memory.ts';

export interface ListFinding {
  readonly list: string;
  readonly entry: FoundEntry;
}

/** One list, and only where its segment is no larger. */
export interface FindWithin {
  readonly list: string;
  readonly bytesMax: number;
}

/** Entries on the wire-format name or above it, held ones too; nothing of a list that cannot be read now. */
export async function findInLists(
  tasks: readonly ListTask[],
  compile: CompileRunner,
  segments: SegmentMemory,
  name: Uint8Array,
  within?: FindWithin,
): Promise<readonly ListFinding[]> {
  const found: ListFinding[] = [];
  for (const { config, isOfLedger, newest } of tasks) {
    if (isOfLedger || newest === undefined) continue;
    const { segment, holds } = newest;
    if (within !== undefined && (within.list !== config.name || bytesOf(segment) > within.bytesMax)) continue;
    // Why here: what is small and in memory is looked through sooner than a thread is started.
    if (within !== undefined && segment.kind === 'memory') {
      return findEntries(segment, holds.held, name).map((entry) => ({ list: config.name, entry }));
    }
    segments.hold([segment]);
    const done = await compile.run({ kind: 'find', segment, held: holds.held, name });
    segments.release([segment]);
    const entries = done.kind === 'done' ? (done.result.entries ?? []) : [];
    for (const entry of entries) found.push({ list: config.name, entry });
  }
  return found;
}

function bytesOf(segment: SegmentData): number {
  return segment.kind === 'memory' ? segment.payload.length : segment.payloadBytes;
}
