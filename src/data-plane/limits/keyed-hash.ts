/**
 * Places clients and domains in the tables of limits: tabulation hashing with tables drawn at random when the thread
 * starts, so that who sends queries cannot aim at a slot. Why not SipHash: a lookup for each octet costs a tenth of it,
 * and nobody outside sees a hash, only whether a query was limited. Allocates nothing after its making.
 * Source: M. Patrascu, M. Thorup, "The power of simple tabulation hashing" (2012).
 */
import { randomFillSync } from 'node:crypto';

const OCTET_VALUES = 256;
/** Octets of a key: two words. */
const KEY_OCTETS = 8;

export class KeyedHash {
  readonly #tables = new Uint32Array(KEY_OCTETS * OCTET_VALUES);

  /** @param fill writes random octets; of a test's own for a hash that is the same in every run */
  constructor(fill: (bytes: Uint8Array) => void = randomFillSync) {
    fill(new Uint8Array(this.#tables.buffer));
  }

  /** Hash of a key of two words. Units: 32 bits, unsigned or not. Cost: eight lookups in 8 KiB. */
  of(high: number, low: number): number {
    const tables = this.#tables;
    return (
      tables[high >>> 24]! ^
      tables[0x100 | ((high >>> 16) & 0xff)]! ^
      tables[0x200 | ((high >>> 8) & 0xff)]! ^
      tables[0x300 | (high & 0xff)]! ^
      tables[0x400 | (low >>> 24)]! ^
      tables[0x500 | ((low >>> 16) & 0xff)]! ^
      tables[0x600 | ((low >>> 8) & 0xff)]! ^
      tables[0x700 | (low & 0xff)]!
    );
  }
}
