/**
 * A fixed pool of SharedArrayBuffers for the published index: what a retired policy used goes back here once every
 * thread has acknowledged the newer one, and the next compile takes it again. Lives in the control thread; the compile
 * thread gets buffers lent for one build.
 *
 * Why: SharedArrayBuffers put no pressure on the collector; twelve 100 MB publishes to two threads left 1.2 GB resident.
 */

/** Free buffers kept at most: one retired policy has up to six, and a build grows through a few sizes. */
export const POOL_BUFFERS_MAX = 16;

export class BufferPool {
  #free: SharedArrayBuffer[] = [];

  /** Everything that is free, for one build; give back what it did not use. */
  lendAll(): SharedArrayBuffer[] {
    const lent = this.#free;
    this.#free = [];
    return lent;
  }

  /** Takes retired or unused buffers; the smallest are let go beyond POOL_BUFFERS_MAX. */
  giveBack(buffers: readonly SharedArrayBuffer[]): void {
    for (const buffer of buffers) if (!this.#free.includes(buffer)) this.#free.push(buffer);
    this.#free.sort((a, b) => b.byteLength - a.byteLength);
    this.#free.length = Math.min(this.#free.length, POOL_BUFFERS_MAX);
  }

  get bytesFree(): number {
    return this.#free.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }
}

/** The buffers of `offered` that `kept` does not name. */
export function buffersExcept(
  offered: readonly SharedArrayBuffer[],
  kept: readonly SharedArrayBuffer[],
): SharedArrayBuffer[] {
  const keep = new Set(kept);
  return offered.filter((buffer) => !keep.has(buffer));
}
