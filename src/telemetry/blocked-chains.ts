/**
 * Names that were blocked because of what they lead to (a CNAME, DNAME or SVCB target on a list), so that the warning
 * page can explain them: a table in shared memory, one for each resolver thread, which writes it; the page thread reads.
 * Bounded: a name has one place, by its hash, and the newer one takes it. What is found is a hint only: the page asks
 * the policy in force whether the listed name is still blocked.
 *
 * An entry: sequence (Uint32, odd while it is written), time (Uint32, seconds since 1970), octets of both names, the
 * name asked for, the listed name. RFC 1035 3.1.
 */
import { FOLD, NAME_BYTES_MAX, namesEqual } from '../dns/name.ts';
import { entryHash32 } from '../policy/name-hash.ts';

/** Names that one thread remembers at most. */
export const CHAINS_MAX = 2048;
const ENTRY_BYTES = 520;
const ENTRY_WORDS = ENTRY_BYTES / 4;
const ASKED_AT = 8;
const LISTED_AT = ASKED_AT + NAME_BYTES_MAX;
/** A writer is never inside for longer than it takes to copy two names. */
const READ_ATTEMPTS_MAX = 8;

export function createChainTable(): SharedArrayBuffer {
  return new SharedArrayBuffer(CHAINS_MAX * ENTRY_BYTES);
}

/**
 * Remembers that the name at `askedStart` leads to the listed one at `listedStart`; the octets are folded to lower case.
 * Cost: a hash and two copies, for blocks by a chain alone; allocates nothing.
 */
export class ChainTableWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(table: SharedArrayBuffer) {
    this.#bytes = new Uint8Array(table);
    this.#words = new Uint32Array(table);
  }

  write(
    asked: Uint8Array,
    askedStart: number,
    askedBytes: number,
    listed: Uint8Array,
    listedStart: number,
    listedBytes: number,
    nowSeconds: number,
  ): void {
    if (askedBytes > NAME_BYTES_MAX || listedBytes > NAME_BYTES_MAX || listedBytes < 0) return;
    const slot = entryHash32(asked, askedStart) % CHAINS_MAX;
    const word = slot * ENTRY_WORDS;
    const at = slot * ENTRY_BYTES;
    Atomics.store(this.#words, word, (this.#words[word]! | 1) >>> 0);
    this.#words[word + 1] = nowSeconds;
    for (let i = 0; i < askedBytes; i++) this.#bytes[at + ASKED_AT + i] = FOLD[asked[askedStart + i]!]!;
    for (let i = 0; i < listedBytes; i++) this.#bytes[at + LISTED_AT + i] = FOLD[listed[listedStart + i]!]!;
    Atomics.store(this.#words, word, (this.#words[word]! + 1) >>> 0);
  }
}

export class ChainTableReader {
  readonly #tables: readonly { readonly bytes: Uint8Array; readonly words: Uint32Array }[];

  constructor(tables: readonly SharedArrayBuffer[]) {
    this.#tables = tables.map((table) => ({ bytes: new Uint8Array(table), words: new Uint32Array(table) }));
  }

  /** The listed name behind an asked one (wire format, lower case), from whichever thread saw it last. */
  find(asked: Uint8Array, sinceSeconds: number): Uint8Array | undefined {
    const slot = entryHash32(asked, 0) % CHAINS_MAX;
    let newest = sinceSeconds;
    let found: Uint8Array | undefined;
    for (const { bytes, words } of this.#tables) {
      const entry = readEntry(bytes, words, slot);
      if (entry === undefined || entry.atSeconds < newest) continue;
      if (!namesEqual(entry.octets, 0, asked, 0)) continue;
      newest = entry.atSeconds;
      found = entry.octets.subarray(NAME_BYTES_MAX);
    }
    return found;
  }
}

function readEntry(bytes: Uint8Array, words: Uint32Array, slot: number) {
  const word = slot * ENTRY_WORDS;
  const at = slot * ENTRY_BYTES;
  for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt++) {
    const before = Atomics.load(words, word);
    if (before === 0) return undefined;
    if ((before & 1) === 1) continue;
    const atSeconds = words[word + 1]!;
    const octets = bytes.slice(at + ASKED_AT, at + ASKED_AT + 2 * NAME_BYTES_MAX);
    if (Atomics.load(words, word) === before) return { atSeconds, octets };
  }
  return undefined;
}
