/** The memory and the files of segments: shared while they are in use, given back when no job reads them any more. */
import { rm } from 'node:fs/promises';
import type { BufferPool } from './buffer-pool.ts';
import type { SegmentData } from './segment-data.ts';

/** Why: what several jobs read in another thread is shared with it, not copied for each. */
export function sharedSegment(segment: SegmentData, pool: BufferPool): SegmentData {
  if (segment.kind === 'disk') return segment;
  const { length } = segment.payload;
  const payload = new Uint8Array(pool.take(length), 0, length);
  payload.set(segment.payload);
  return { kind: 'memory', payload };
}

/** The last good copy stays. */
export async function retireSegment(segment: SegmentData, pool: BufferPool): Promise<void> {
  if (segment.kind === 'disk') {
    if (segment.path !== segment.copyPath) await removeSpilled(segment.path);
  } else if (segment.payload.buffer instanceof SharedArrayBuffer) pool.giveBack([segment.payload.buffer]);
}

/** Errors: none; what stays behind goes with the next start. */
export async function removeSpilled(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}
