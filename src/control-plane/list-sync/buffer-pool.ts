/**
 * A bounded pool of SharedArrayBuffers: what a retired policy or segment used goes back here once nobody reads it any
 * more, and the next build takes it again. Lives in the control thread; the compile thread gets the free buffers lent
 * for one build and has a pool of its own over them.
 *
 * Why: SharedArrayBuffers put no pressure on the collector; twelve 100 MB publishes to two threads left 1.2 GB resident.
 */
import type { SharedBufferPool } from '../../policy/name-set-builder.ts';
import type { PublishedPolicy } from '../../policy/published.ts';

/** Free buffers kept at most: one retired policy has up to six, and two may be on their way. */
export const POOL_BUFFERS_MAX = 16;
/** A free buffer is used where it is at most so many times as large as what is asked for, so that little is wasted. */
const POOL_WASTE_MAX = 1.5;
/** New buffers are so much larger than asked, so that the next, larger list fits; room never touched takes no memory. */
const POOL_HEADROOM = 1.1;
/** Sizes are multiples of this, so that typed arrays of any element fit the whole buffer. */
const POOL_GRAIN_BYTES = 64;
/** Smallest buffer that is made: a small one is worth keeping too, for every push makes three. */
const POOL_BYTES_MIN = 4096;

export class BufferPool implements SharedBufferPool {
  #free: SharedArrayBuffer[];
  readonly #onFree: (buffer: SharedArrayBuffer) => void;

  /** @param onFree told of each buffer that comes back and stays here; its contents are of no use to anyone */
  constructor(free: readonly SharedArrayBuffer[] = [], onFree: (buffer: SharedArrayBuffer) => void = () => undefined) {
    this.#free = [...free];
    this.#onFree = onFree;
  }

  take(bytesAsked: number): SharedArrayBuffer {
    const bytes = Math.max(bytesAsked, POOL_BYTES_MIN);
    let best = -1;
    for (const [index, buffer] of this.#free.entries()) {
      if (buffer.byteLength < bytes || buffer.byteLength > bytes * POOL_WASTE_MAX) continue;
      if (best < 0 || buffer.byteLength < this.#free[best]!.byteLength) best = index;
    }
    const found = this.#free[best];
    if (found !== undefined) {
      this.#free.splice(best, 1);
      return found;
    }
    // Why: what this replaces has been outgrown and would lie here for good.
    this.#free = this.#free.filter(
      (buffer) => buffer.byteLength >= bytes || buffer.byteLength * POOL_WASTE_MAX < bytes,
    );
    return new SharedArrayBuffer(Math.ceil((bytes * POOL_HEADROOM) / POOL_GRAIN_BYTES) * POOL_GRAIN_BYTES);
  }

  /** Everything that is free, for one build; the borrower says afterwards what it used. */
  lendAll(): SharedArrayBuffer[] {
    const lent = this.#free;
    this.#free = [];
    return lent;
  }

  /** The same of the small ones alone. */
  lendUpTo(bytesMax: number): SharedArrayBuffer[] {
    const lent = this.#free.filter(({ byteLength }) => byteLength <= bytesMax);
    this.#free = this.#free.filter(({ byteLength }) => byteLength > bytesMax);
    return lent;
  }

  /** What is free, without taking it. */
  free(): readonly SharedArrayBuffer[] {
    return this.#free;
  }

  /** Takes retired or unused buffers; beyond POOL_BUFFERS_MAX the smallest are let go. */
  giveBack(buffers: readonly SharedArrayBuffer[]): void {
    for (const buffer of buffers) {
      if (buffer.byteLength < POOL_BYTES_MIN || this.#free.includes(buffer)) continue;
      this.#free.push(buffer);
      this.#onFree(buffer);
    }
    this.#free.sort((a, b) => b.byteLength - a.byteLength);
    this.#free.length = Math.min(this.#free.length, POOL_BUFFERS_MAX);
  }
}

/** Every shared buffer of a policy. */
export function buffersOf({ base, overlay }: PublishedPolicy): SharedArrayBuffer[] {
  const levels = overlay === undefined ? [base] : [base, overlay];
  return levels.flatMap(({ table, names, rules }) => [table, names, rules]);
}
