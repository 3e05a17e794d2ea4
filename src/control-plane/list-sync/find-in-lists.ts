/**
 * Looks a name up in pulled lists, in the compile thread: a large list is read from the disk, whole. For people's questions;
 * those of the warning page go to listed-references.ts.
 */
import type { CompileRunner } from './compile-client.ts';
import type { FoundEntry } from './find-entries.ts';
import type { ListTask } from './list-task.ts';
import type { SegmentMemory } from './segment-memory.ts';

export interface ListFinding {
  readonly list: string;
  readonly entry: FoundEntry;
}

/** Entries on the wire-format name or above it, held ones too; nothing of a list that cannot be read now. */
export async function findInLists(
  tasks: readonly ListTask[],
  compile: CompileRunner,
  segments: SegmentMemory,
  name: Uint8Array,
): Promise<readonly ListFinding[]> {
  const found: ListFinding[] = [];
  for (const { config, isOfLedger, newest } of tasks) {
    if (isOfLedger || newest === undefined) continue;
    const { segment, holds } = newest;
    segments.hold([segment]);
    const done = await compile.run({ kind: 'find', segment, held: holds.held, name });
    segments.release([segment]);
    const entries = done.kind === 'done' ? (done.result.entries ?? []) : [];
    for (const entry of entries) found.push({ list: config.name, entry });
  }
  return found;
}
