/**
 * Memory for entries of different sizes outside of the collector's heap: blocks of one size, chained where an entry needs
 * more than one. A freed block is the next to be given out, so nothing is ever moved and no room is lost but what the
 * last block of a chain leaves over. Grows a segment at a time and never shrinks; whoever uses it keeps it within
 * bounds. Why not objects: 150,000 of them are copied twice by the collector when they are made, and looked at again
 * whenever it goes through all that is old (docs/performance.md).
 */

export const BLOCK_BYTES = 256;
const WORD_BYTES = 4;
export const BLOCK_WORDS = BLOCK_BYTES / WORD_BYTES;
export const BLOCK_DOUBLES = BLOCK_BYTES / 8;
/** A segment has 1 MiB. */
const SEGMENT_BLOCKS_LOG2 = 12;
const SEGMENT_BLOCKS = 1 << SEGMENT_BLOCKS_LOG2;
const SEGMENT_MASK = SEGMENT_BLOCKS - 1;
/** Ends a chain. */
export const NO_BLOCK = -1;

/** Three views of the same octets. The first word of each block is the number of the next one in its chain. */
export interface Segment {
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

export class BlockArena {
  readonly #segments: Segment[] = [];
  #firstFree = NO_BLOCK;
  /** Blocks from here on have never been given out. */
  #unused = 0;

  /** Takes a chain of `count` blocks; returns its first. The octets are whoever's they were. */
  take(count: number): number {
    let first = NO_BLOCK;
    for (let taken = 0; taken < count; taken++) first = this.#takeOne(first);
    return first;
  }

  #takeOne(next: number): number {
    let block = this.#firstFree;
    if (block === NO_BLOCK) {
      block = this.#unused++;
      if (block >>> SEGMENT_BLOCKS_LOG2 === this.#segments.length) this.#segments.push(makeSegment());
    } else this.#firstFree = this.next(block);
    this.segmentOf(block).words[(block & SEGMENT_MASK) * BLOCK_WORDS] = next;
    return block;
  }

  /** Gives a whole chain back. */
  free(first: number): void {
    let last = first;
    for (let next = this.next(last); next !== NO_BLOCK; next = this.next(last)) last = next;
    this.segmentOf(last).words[(last & SEGMENT_MASK) * BLOCK_WORDS] = this.#firstFree;
    this.#firstFree = first;
  }

  next(block: number): number {
    return this.segmentOf(block).words[(block & SEGMENT_MASK) * BLOCK_WORDS]!;
  }

  segmentOf(block: number): Segment {
    return this.#segments[block >>> SEGMENT_BLOCKS_LOG2]!;
  }
}

/** Position of a block in its segment. Units: blocks. */
export function indexInSegment(block: number): number {
  return block & SEGMENT_MASK;
}

function makeSegment(): Segment {
  const memory = new ArrayBuffer(SEGMENT_BLOCKS * BLOCK_BYTES);
  // Why a Buffer: queries lie in Buffers too, and code that meets one kind of array is compiled for it alone (5 % of a miss).
  return { octets: Buffer.from(memory), words: new Int32Array(memory), doubles: new Float64Array(memory) };
}
