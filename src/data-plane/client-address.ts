/**
 * The access list of client prefixes, asked once a query: no allocation, no strings kept. Addresses are 16 octets (IPv4
 * as ::ffff:a.b.c.d), so that one comparison serves both families.
 */
import { ADDRESS_BYTES, writeAddress } from '../policy/address.ts';

/** Where IPv4 lies in IPv6: ::ffff:0:0/96. */
const MAPPED_BITS = 96;
const MAPPED_BASE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The clients that are served: a list of prefixes, asked once a query. */
export class ClientAccess {
  readonly #bases: Uint8Array[] = [];
  readonly #bits: number[] = [];

  /** Errors: throws on a prefix that configuration loading should have refused. */
  constructor(prefixes: readonly string[]) {
    for (const prefix of prefixes) {
      const slash = prefix.indexOf('/');
      const address = slash < 0 ? prefix : prefix.slice(0, slash);
      const base = new Uint8Array(ADDRESS_BYTES);
      if (!writeAddress(address, base)) throw new Error(`not an address prefix: ${prefix}`);
      const width = address.includes(':') ? 128 : 32;
      const length = slash < 0 ? width : Number(prefix.slice(slash + 1));
      this.#bases.push(base);
      this.#bits.push(length + 128 - width);
    }
  }

  /** Cost: a few comparisons a prefix, no allocation. */
  allows(client: Uint8Array): boolean {
    const isV4 = hasPrefix(client, MAPPED_BASE, MAPPED_BITS);
    for (let i = 0; i < this.#bases.length; i++) {
      // Why: who serves all of IPv6 (::/0) has not thereby opened the resolver to all of IPv4.
      if (isV4 && this.#bits[i]! < MAPPED_BITS) continue;
      if (hasPrefix(client, this.#bases[i]!, this.#bits[i]!)) return true;
    }
    return false;
  }
}

function hasPrefix(address: Uint8Array, base: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== base[i]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const shift = 8 - rest;
  return address[whole]! >> shift === base[whole]! >> shift;
}
