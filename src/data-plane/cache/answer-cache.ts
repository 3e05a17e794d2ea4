/**
 * The LRU fast path: what upstreams said, bounded by bytes. A hash of name, type, DO and CD finds the entry, the full
 * name decides. Third step of the query path, behind policy: it never knows whether a name is listed.
 * Why a number for a key, and one of 32 bits: a string is an allocation and a second hash, a larger number an object that
 * the Map must look into (9 % of the CPU of a miss). Two names that share a key only displace each other; of 200,000
 * names about five pairs do, other ones on every thread and after every start.
 */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { FOLD } from '../../dns/name.ts';
import type { QuestionView } from '../../dns/query-view.ts';
import type { Answer } from './answer.ts';
import { AnswerBlocks, blocksFor } from './answer-blocks.ts';
import { BLOCK_BYTES } from './block-arena.ts';

/** What an entry takes beside its blocks: its places in lru-cache's Map and lists. Units: bytes, measured: 96 of heap, 16 beside it. */
const PLACE_BYTES = 112;
/** Half of what a Map can hold: what was taken out counts until it builds itself anew, and one that is full throws. */
export const ENTRIES_MAX = 2 ** 23;
/** What the smallest entry takes. Units: bytes. */
export const ENTRY_BYTES_MIN = BLOCK_BYTES + PLACE_BYTES;

const PRIME = 0x01000193;

export class AnswerCache {
  /** By key the first block. */
  readonly #entries: LRUCache<number, number>;
  readonly #blocks = new AnswerBlocks();
  readonly #bytesMax: number;
  readonly #seedA: number;
  readonly #seedB: number;
  #evictions = 0;

  /** @param before whose keys are good for this one too: those of questions under way */
  constructor(bytesMax: number, entriesMax = ENTRIES_MAX, before?: AnswerCache) {
    this.#bytesMax = bytesMax;
    this.#seedA = before === undefined ? randomBytes(4).readInt32LE() : before.#seedA;
    this.#seedB = before === undefined ? randomBytes(4).readInt32LE() : before.#seedB;
    this.#entries = new LRUCache<number, number>({
      max: Math.max(1, Math.min(entriesMax, Math.floor(bytesMax / ENTRY_BYTES_MIN))),
      maxSize: Math.max(1, bytesMax),
      sizeCalculation: (first) => entryBytes(this.#blocks.octetCount(first)),
      dispose: (first, _key, reason) => {
        this.#blocks.free(first);
        if (reason === 'evict') this.#evictions++;
      },
    });
  }

  get entryCount(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** Entries that gave way since the last call: a thread's successor counts on from where its counter stood. */
  takeEvictions(): number {
    const evictions = this.#evictions;
    this.#evictions = 0;
    return evictions;
  }

  /** Seeded, so that nobody can aim for collisions. Cost: one pass over the name. */
  keyOf({ bytes, qnameStart, qnameBytes, qtype, dnssecOk }: QuestionView, isCheckingDisabled: boolean): number {
    let a = this.#seedA ^ qtype;
    let b = this.#seedB ^ (dnssecOk ? 1 : 0) ^ (isCheckingDisabled ? 2 : 0);
    for (let i = qnameStart; i < qnameStart + qnameBytes; i++) {
      const octet = FOLD[bytes[i]!]!;
      a = Math.imul(a ^ octet, PRIME);
      b = Math.imul(b + octet, 0x85ebca6b) ^ (b >>> 15);
    }
    let key = a ^ Math.imul(b, 0x9e3779b1);
    key = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
    key = Math.imul(key ^ (key >>> 13), 0xc2b2ae35);
    return key ^ (key >>> 16);
  }

  /**
   * The entry for exactly this question, fresh or not; the caller looks at its times. Counts as a use. The object is the
   * same for every call, and holds until the cache is next looked into or written to.
   */
  find(key: number, question: QuestionView, isCheckingDisabled: boolean): Answer | undefined {
    const first = this.#entries.get(key);
    return first === undefined ? undefined : this.#blocks.match(first, question, isCheckingDisabled);
  }

  /** Keeps a copy, unless it is larger than the whole cache may be. */
  store(key: number, answer: Answer): void {
    if (entryBytes(answer.octetCount) > this.#bytesMax) this.remove(key);
    else this.#entries.set(key, this.#blocks.add(answer));
  }

  /** Forgets what was known: the upstream has said something newer that may not be kept. */
  remove(key: number): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

function entryBytes(octetCount: number): number {
  return blocksFor(octetCount) * BLOCK_BYTES + PLACE_BYTES;
}
