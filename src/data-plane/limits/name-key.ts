/**
 * A name as two words, letter case aside: what tables of limits are keyed on. Seeded at random, so that a name has another
 * key in each thread and after each start. Why no cryptographic hash: who found two names with one key could use up the
 * budget of one through the other, as anybody can by asking for names below it; where a key is placed is up to
 * keyed-hash.ts. One object a thread is refilled for each query; it allocates nothing.
 */
import { randomFillSync } from 'node:crypto';
import { FOLD } from '../../dns/name.ts';

export class NameKey {
  high = 0;
  low = 0;
  readonly #seeds = randomFillSync(new Int32Array(2));

  /** Reads the octets [start, end) of a name in wire format. Cost: two multiplications an octet. */
  read(bytes: Uint8Array, start: number, end: number): void {
    let high = this.#seeds[0]!;
    let low = this.#seeds[1]!;
    for (let at = start; at < end; at++) {
      const octet = FOLD[bytes[at]!]!;
      high = Math.imul(high ^ octet, 0x9e37_79b1) ^ (high >>> 15);
      low = Math.imul(low + octet, 0x85eb_ca6b) ^ (low >>> 13);
    }
    high = Math.imul(high ^ (high >>> 16), 0x85eb_ca6b);
    low = Math.imul(low ^ (low >>> 16), 0xc2b2_ae35);
    this.high = high ^ (low >>> 13);
    this.low = low ^ (high >>> 16);
  }
}
