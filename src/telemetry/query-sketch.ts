/**
 * How often each name was asked for in the last day, roughly and without keeping a name or a client: a count-min sketch
 * in shared memory for each resolver thread, which writes it; the guard reads all of them before an entry blocks
 * ("blast radius"). Eight windows of three hours; what is read covers the last 21 to 24 hours.
 *
 * What counts: of the names that are not blocked, a client's first query for a name in a minute, for one in SAMPLE of the triples (client, name, minute).
 * Why chosen by a keyed hash of the triple, and not every 16th query: one client that hammers a name counts as once a minute
 * (1,440 a day and thread), and cannot get a fraud name's block held by making it look popular. Who has many addresses can.
 * The client is what one subscriber has: an IPv4 address, an IPv6 /56. Of it nothing is kept but a bit in a private bitmap
 * that is keyed anew each minute.
 *
 * Error: sampling (a name of n queries: about 4 * sqrt(n)); false repeats above some 50,000 queries a second and thread (a
 * fifth too low at most; shares are not touched); collisions, which only ever count too much. Memory: 4 MiB a
 * thread. Each window hashes anew, so that two names that fall together
 * in one are apart in the next.
 * Source: Cormode and Muthukrishnan 2005 (count-min); Estan and Varghese 2002 (conservative update).
 */
import { getRandomValues } from 'node:crypto';
import { LABELS_MAX, labelStartsOf } from '../dns/name.ts';
import { hashSuffixes } from '../policy/name-hash.ts';

/** One of so many triples of client, name and minute counts. */
export const SAMPLE = 16;
const SAMPLE_SHIFT = 28;
export const WINDOW_SECONDS = 3 * 3600;
export const WINDOWS = 8;
/** Within it a client's queries for one name count once. */
const REPEAT_SECONDS = 60;
/** Suffixes of more labels are counted as whole names only. */
const SUFFIX_LABELS_MAX = 7;
const SUFFIX_LABELS_MIN = 2;

const ROWS = 4;
const ROW_LOG2 = 15;
const ROW_CELLS = 2 ** ROW_LOG2;
const ROW_SHIFT = 32 - ROW_LOG2;
const WINDOW_CELLS = ROWS * ROW_CELLS;
/** Odd multipliers, one a row: multiply-shift hashing. */
const ROW_1 = 0x9e37_79b1;
const ROW_2 = 0x85eb_ca6b;
const ROW_3 = 0xc2b2_ae35;
const ROW_4 = 0x27d4_eb2f;
/** Tells the count of a name itself from that of the name and all below it. */
const EXACT = 0x5bd1_e995;

/** Words: the seed; for each window its number (0: none, or being cleared) and its total; the windows' cells. */
const SEED_AT = 0;
const NUMBERS_AT = 1;
const TOTALS_AT = NUMBERS_AT + WINDOWS;
const CELLS_AT = 32;
const SKETCH_WORDS = CELLS_AT + WINDOWS * WINDOW_CELLS;

const REPEAT_BITS_LOG2 = 20;
const REPEAT_SHIFT = 32 - REPEAT_BITS_LOG2;

export const SKETCH_BYTES = SKETCH_WORDS * Uint32Array.BYTES_PER_ELEMENT;

/** An empty sketch. One for each resolver thread; kept when the thread is replaced. Those of a process share a seed. */
export function createQuerySketch(seed = randomWord()): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(SKETCH_BYTES);
  new Uint32Array(memory)[SEED_AT] = seed;
  return memory;
}

export function seedOf(sketch: SharedArrayBuffer): number {
  return wordsOf(sketch)[SEED_AT]!;
}

/** The one writer of a sketch. `tick` comes first, and then a few times a second. */
export class QuerySketchWriter {
  readonly #words: Uint32Array;
  readonly #seed: number;
  readonly #hashes = new Uint32Array(LABELS_MAX);
  readonly #repeats = new Uint32Array(2 ** (REPEAT_BITS_LOG2 - 5));
  #minute = -1;
  #salt = 0;
  /** Of the window in use. */
  #totalAt = 0;
  #cellsAt = 0;
  #multiplier = 1;

  constructor(sketch: SharedArrayBuffer) {
    this.#words = new Uint32Array(sketch);
    this.#seed = this.#words[SEED_AT]!;
  }

  /** Goes on to the window and the minute that it is. Cost: at a change of window, 512 KiB are cleared. */
  tick(nowSeconds: number): void {
    const minute = Math.floor(nowSeconds / REPEAT_SECONDS);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#salt = randomWord();
    this.#repeats.fill(0);
    this.#useWindow(Math.floor(nowSeconds / WINDOW_SECONDS));
  }

  #useWindow(number: number): void {
    const slot = number % WINDOWS;
    this.#totalAt = TOTALS_AT + slot;
    this.#cellsAt = CELLS_AT + slot * WINDOW_CELLS;
    this.#multiplier = windowMultiplier(this.#seed, number);
    if (this.#words[NUMBERS_AT + slot] === number) return;
    // Why 0 meanwhile: who reads now must not take old cells for new ones (estimateQueries looks before and after).
    Atomics.store(this.#words, NUMBERS_AT + slot, 0);
    this.#words.fill(0, this.#cellsAt, this.#cellsAt + WINDOW_CELLS);
    this.#words[this.#totalAt] = 0;
    Atomics.store(this.#words, NUMBERS_AT + slot, number);
  }

  /**
   * Counts a query for the name at `nameStart`, whose question has been read (so that its type lies behind the name).
   * Units: `client` is 16 octets, IPv4 as ::ffff:a.b.c.d. Cost: a dozen loads and two multiplications; one of 16 also the
   * name's hashes and four cells a suffix. Allocates nothing.
   */
  count(
    bytes: Uint8Array,
    nameStart: number,
    nameBytes: number,
    labelStarts: Uint8Array,
    labelCount: number,
    client: Uint8Array,
  ): void {
    const from = clientWord(client, this.#salt);
    // Upper and lower case alike; other letters may fall together, which does no harm here.
    const name =
      (bytes[nameStart + 1]! | (bytes[nameStart + 2]! << 8) | (bytes[nameStart + 3]! << 16) | 0x20_2020) ^
      (nameBytes << 24);
    const hash = Math.imul(name ^ from ^ (from >>> 15), ROW_2);
    if (Math.imul(hash ^ (hash >>> 13), ROW_3) >>> SAMPLE_SHIFT !== 0) return;
    if (labelCount > 0) this.#countSampled(bytes, nameStart, labelStarts, labelCount, from);
  }

  #countSampled(bytes: Uint8Array, nameStart: number, labelStarts: Uint8Array, labelCount: number, from: number): void {
    const hashes = this.#hashes;
    hashSuffixes(bytes, nameStart, labelStarts, labelCount, this.#seed, hashes);
    const bit = Math.imul(hashes[0]! ^ from, ROW_1) >>> REPEAT_SHIFT;
    const mask = 1 << (bit & 31);
    const repeats = this.#repeats;
    if ((repeats[bit >>> 5]! & mask) !== 0) return;
    repeats[bit >>> 5]! |= mask;
    this.#words[this.#totalAt]!++;
    this.#add(hashes[0]! ^ EXACT);
    for (let label = Math.max(0, labelCount - SUFFIX_LABELS_MAX); label <= labelCount - SUFFIX_LABELS_MIN; label++) {
      this.#add(hashes[label]!);
    }
  }

  /** Conservative update: only the cells that are no higher than the name's count must be. */
  #add(key: number): void {
    const words = this.#words;
    const cellsAt = this.#cellsAt;
    const hash = windowHash(key, this.#multiplier);
    const at1 = cellsAt + (Math.imul(hash, ROW_1) >>> ROW_SHIFT);
    const at2 = cellsAt + ROW_CELLS + (Math.imul(hash, ROW_2) >>> ROW_SHIFT);
    const at3 = cellsAt + 2 * ROW_CELLS + (Math.imul(hash, ROW_3) >>> ROW_SHIFT);
    const at4 = cellsAt + 3 * ROW_CELLS + (Math.imul(hash, ROW_4) >>> ROW_SHIFT);
    const count = Math.min(words[at1]!, words[at2]!, words[at3]!, words[at4]!) + 1;
    if (words[at1]! < count) words[at1] = count;
    if (words[at2]! < count) words[at2] = count;
    if (words[at3]! < count) words[at3] = count;
    if (words[at4]! < count) words[at4] = count;
  }
}

function windowMultiplier(seed: number, number: number): number {
  const mixed = Math.imul(seed ^ (seed >>> 15) ^ Math.imul(number, ROW_4), ROW_2);
  return (mixed ^ (mixed >>> 13)) | 1;
}

function windowHash(key: number, multiplier: number): number {
  const hash = Math.imul(key, multiplier);
  return hash ^ (hash >>> 15);
}

/** The salted word of what one subscriber has: an IPv4 address, an IPv6 /56. */
function clientWord(client: Uint8Array, salt: number): number {
  const isV4 = client[10] === 0xff && client[0] === 0;
  const high = isV4
    ? (client[12]! << 24) | (client[13]! << 16) | (client[14]! << 8) | client[15]!
    : (client[0]! << 24) | (client[1]! << 16) | (client[2]! << 8) | client[3]!;
  const word = Math.imul(high ^ salt, ROW_1);
  return isV4 ? word : Math.imul(word ^ (word >>> 15) ^ ((client[4]! << 16) | (client[5]! << 8) | client[6]!), ROW_1);
}

export interface QueryEstimate {
  /** What an entry for the name with that scope would have blocked. */
  readonly queries: number;
  /** Of all names. */
  readonly total: number;
}

const scratchStarts = new Uint8Array(LABELS_MAX);
const scratchHashes = new Uint32Array(LABELS_MAX);
/** Why: a bulk change asks a million times of the same few sketches. */
const views = new WeakMap<SharedArrayBuffer, Uint32Array>();

/**
 * Queries for a name (wire format) in the last 21 to 24 hours, and below it with scope `subtree`; all threads together.
 * A name of one label counts nothing, for the guard holds it anyway. Cost: a hash and 32 loads for each sketch.
 */
export function estimateQueries(
  sketches: readonly SharedArrayBuffer[],
  wireName: Uint8Array,
  scope: 'exact' | 'subtree',
  nowSeconds: number,
): QueryEstimate {
  const labelCount = labelStartsOf(wireName, 0, scratchStarts);
  const isCounted = labelCount >= SUFFIX_LABELS_MIN;
  const isExact = scope === 'exact' || labelCount > SUFFIX_LABELS_MAX;
  const newest = Math.floor(nowSeconds / WINDOW_SECONDS);
  let queries = 0;
  let total = 0;
  for (const sketch of sketches) {
    const words = wordsOf(sketch);
    if (isCounted) hashSuffixes(wireName, 0, scratchStarts, labelCount, words[SEED_AT]!, scratchHashes);
    const key = isExact ? scratchHashes[0]! ^ EXACT : scratchHashes[0]!;
    for (let slot = 0; slot < WINDOWS; slot++) {
      const number = Atomics.load(words, NUMBERS_AT + slot);
      if (number > newest || number <= newest - WINDOWS) continue;
      const inWindow = words[TOTALS_AT + slot]!;
      const hash = windowHash(key, windowMultiplier(words[SEED_AT]!, number));
      const ofName = isCounted ? countIn(words, CELLS_AT + slot * WINDOW_CELLS, hash) : 0;
      // The writer took the window for a new one meanwhile.
      if (Atomics.load(words, NUMBERS_AT + slot) !== number) continue;
      total += inWindow;
      queries += Math.min(ofName, inWindow);
    }
  }
  return { queries: queries * SAMPLE, total: total * SAMPLE };
}

/** Of all names, in the last 21 to 24 hours. */
export function totalQueries(sketches: readonly SharedArrayBuffer[], nowSeconds: number): number {
  return estimateQueries(sketches, ROOT, 'exact', nowSeconds).total;
}

const ROOT = new Uint8Array(1);

/** One sketch of the sum of those with one seed: what they have counted in the windows that still matter. */
export function mergedSketch(sketches: readonly SharedArrayBuffer[], nowSeconds: number): SharedArrayBuffer {
  const newest = Math.floor(nowSeconds / WINDOW_SECONDS);
  const merged = createQuerySketch(sketches[0] === undefined ? undefined : seedOf(sketches[0]));
  const into = wordsOf(merged);
  for (const sketch of sketches) {
    const words = wordsOf(sketch);
    if (words[SEED_AT] !== into[SEED_AT]) continue;
    for (let slot = 0; slot < WINDOWS; slot++) {
      const number = Atomics.load(words, NUMBERS_AT + slot);
      if (number > newest || number <= newest - WINDOWS) continue;
      into[NUMBERS_AT + slot] = number;
      into[TOTALS_AT + slot]! += words[TOTALS_AT + slot]!;
      const cellsAt = CELLS_AT + slot * WINDOW_CELLS;
      for (let at = cellsAt; at < cellsAt + WINDOW_CELLS; at++) into[at]! += words[at]!;
    }
  }
  return merged;
}

/**
 * Says of most names, quickly, that they have fewer than `queriesMin` queries: one that has so many has a share of them
 * in the first row of one of the windows. For whoever goes through a whole list. Cost: the name's hash and 8 bits.
 */
export class BusyNames {
  readonly #seed: number;
  readonly #windows: { readonly multiplier: number; readonly bits: Uint32Array }[] = [];

  /** Of one sketch, as mergedSketch makes it. */
  constructor(sketch: SharedArrayBuffer, queriesMin: number, nowSeconds: number) {
    const words = wordsOf(sketch);
    this.#seed = words[SEED_AT]!;
    const newest = Math.floor(nowSeconds / WINDOW_SECONDS);
    const cellMin = Math.max(1, Math.ceil(queriesMin / SAMPLE / WINDOWS));
    for (let slot = 0; slot < WINDOWS; slot++) {
      const number = words[NUMBERS_AT + slot]!;
      if (number > newest || number <= newest - WINDOWS) continue;
      const bits = new Uint32Array(ROW_CELLS / 32);
      const cellsAt = CELLS_AT + slot * WINDOW_CELLS;
      for (let cell = 0; cell < ROW_CELLS; cell++) {
        if (words[cellsAt + cell]! >= cellMin) bits[cell >>> 5]! |= 1 << (cell & 31);
      }
      this.#windows.push({ multiplier: windowMultiplier(this.#seed, number), bits });
    }
  }

  /** False: fewer. Allocates nothing. */
  mayHave(bytes: Uint8Array, nameStart: number, scope: 'exact' | 'subtree'): boolean {
    const labelCount = labelStartsOf(bytes, nameStart, scratchStarts);
    if (labelCount < SUFFIX_LABELS_MIN) return false;
    hashSuffixes(bytes, nameStart, scratchStarts, labelCount, this.#seed, scratchHashes);
    const isExact = scope === 'exact' || labelCount > SUFFIX_LABELS_MAX;
    const key = isExact ? scratchHashes[0]! ^ EXACT : scratchHashes[0]!;
    for (const { multiplier, bits } of this.#windows) {
      const cell = Math.imul(windowHash(key, multiplier), ROW_1) >>> ROW_SHIFT;
      if (((bits[cell >>> 5]! >>> (cell & 31)) & 1) === 1) return true;
    }
    return false;
  }
}

function wordsOf(sketch: SharedArrayBuffer): Uint32Array {
  let words = views.get(sketch);
  if (words === undefined) {
    words = new Uint32Array(sketch);
    views.set(sketch, words);
  }
  return words;
}

function countIn(words: Uint32Array, cellsAt: number, hash: number): number {
  return Math.min(
    words[cellsAt + (Math.imul(hash, ROW_1) >>> ROW_SHIFT)]!,
    words[cellsAt + ROW_CELLS + (Math.imul(hash, ROW_2) >>> ROW_SHIFT)]!,
    words[cellsAt + 2 * ROW_CELLS + (Math.imul(hash, ROW_3) >>> ROW_SHIFT)]!,
    words[cellsAt + 3 * ROW_CELLS + (Math.imul(hash, ROW_4) >>> ROW_SHIFT)]!,
  );
}

function randomWord(): number {
  return getRandomValues(new Uint32Array(1))[0]!;
}
