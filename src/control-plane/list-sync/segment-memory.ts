/**
 * The memory and the files of segments: shared while they are in use, given back when nobody reads them any more: no
 * task, no job, and no base whose snapshot may still be written.
 */
import { rm } from 'node:fs/promises';
import { BufferPool } from './buffer-pool.ts';
import { References } from './references.ts';
import type { SegmentData } from './segment-data.ts';

export class SegmentMemory {
  readonly #pool = new BufferPool();
  readonly #users = new References<SegmentData>((segment) => this.#free(segment));

  /** The segment in shared memory, or on the disk, held for the caller. */
  adopt(segment: SegmentData): SegmentData {
    const adopted = segment.kind === 'disk' ? segment : this.#shared(segment.payload);
    this.#users.hold([adopted]);
    return adopted;
  }

  /** Of what somebody holds already. */
  hold(segments: readonly SegmentData[]): void {
    this.#users.hold(segments);
  }

  release(segments: readonly SegmentData[]): void {
    this.#users.release(segments);
  }

  /** Why: what several jobs read in another thread is shared with it, not copied for each. */
  #shared(bytes: Uint8Array): SegmentData {
    const payload = new Uint8Array(this.#pool.take(bytes.length), 0, bytes.length);
    payload.set(bytes);
    return { kind: 'memory', payload };
  }

  /** The last good copy stays. */
  #free(segment: SegmentData): void {
    if (segment.kind === 'disk') {
      if (segment.path !== segment.copyPath) void removeSpilled(segment.path);
    } else if (segment.payload.buffer instanceof SharedArrayBuffer) this.#pool.giveBack([segment.payload.buffer]);
  }
}

/** Of a segment that nobody wants. Errors: none; what stays behind goes with the next start. */
export async function removeSpilled(segment: SegmentData | string): Promise<undefined> {
  const path = typeof segment === 'string' ? segment : segment.kind === 'disk' ? segment.path : undefined;
  if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
}
