/**
 * The access list of client prefixes, asked once a query: no allocation, no strings kept. Addresses are 16 octets (IPv4
 * as ::ffff:a.b.c.d), so that one comparison serves both families.
 */
import { isIpv4Mapped, MAPPED_BITS, readClientPrefix, sharesBits } from '../policy/client-prefix.ts';

/** The clients that are served: a list of prefixes, asked once a query. */
export class ClientAccess {
  readonly #bases: Uint8Array[] = [];
  readonly #bits: number[] = [];

  /** Errors: throws on a prefix that configuration loading should have refused. */
  constructor(prefixes: readonly string[]) {
    for (const text of prefixes) {
      const prefix = readClientPrefix(text);
      if (prefix === undefined) throw new Error(`not an address prefix: ${text}`);
      this.#bases.push(prefix.base);
      this.#bits.push(prefix.bits);
    }
  }

  /** Cost: a few comparisons a prefix, no allocation. */
  allows(client: Uint8Array): boolean {
    const isV4 = isIpv4Mapped(client);
    for (let i = 0; i < this.#bases.length; i++) {
      // Why: who serves all of IPv6 (::/0) has not thereby opened the resolver to all of IPv4.
      if (isV4 && this.#bits[i]! < MAPPED_BITS) continue;
      if (sharesBits(client, this.#bases[i]!, this.#bits[i]!)) return true;
    }
    return false;
  }
}
