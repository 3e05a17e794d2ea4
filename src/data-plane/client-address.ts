/**
 * Client addresses as 16 octets (IPv4 as ::ffff:a.b.c.d), so that one comparison serves both families, and the access
 * list of client prefixes. On the query path of every query: no allocation, no strings kept.
 */

export const ADDRESS_BYTES = 16;

/**
 * Writes an IPv4 or IPv6 literal (a zone id is ignored) into `out`.
 * Errors: returns false, with `out` undefined in content, when the text is not an address.
 */
export function writeAddress(text: string, out: Uint8Array): boolean {
  return text.includes(':') ? writeIpv6(text, out) : writeIpv4(text, 0, text.length, out, 12) && markMapped(out);
}

function markMapped(out: Uint8Array): true {
  out.fill(0, 0, 10);
  out[10] = 0xff;
  out[11] = 0xff;
  return true;
}

function writeIpv4(text: string, from: number, to: number, out: Uint8Array, at: number): boolean {
  let value = 0;
  let digits = 0;
  let octets = 0;
  for (let i = from; i <= to; i++) {
    const code = i < to ? text.charCodeAt(i) : 0x2e;
    if (code >= 0x30 && code <= 0x39) {
      // Why: to some programs a leading zero means octal.
      if (digits > 0 && value === 0) return false;
      value = value * 10 + (code - 0x30);
      if (++digits > 3 || value > 255) return false;
    } else if (code === 0x2e && digits > 0 && octets < 4) {
      out[at + octets++] = value;
      value = 0;
      digits = 0;
    } else return false;
  }
  return octets === 4;
}

function writeIpv6(text: string, out: Uint8Array): boolean {
  const zone = text.indexOf('%');
  const end = zone < 0 ? text.length : zone;
  out.fill(0, 0, ADDRESS_BYTES);
  let at = 0;
  let gapAt = -1;
  let i = 0;
  if (text.startsWith('::')) {
    gapAt = 0;
    i = 2;
  }
  while (i < end) {
    let value = 0;
    let digits = 0;
    const groupStart = i;
    for (; i < end; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      value = value * 16 + digit;
      if (++digits > 4) return false;
    }
    if (i < end && text[i] === '.') {
      if (at > 12 || !writeIpv4(text, groupStart, end, out, at)) return false;
      at += 4;
      break;
    }
    if (digits === 0 || at > 14) return false;
    out[at++] = value >> 8;
    out[at++] = value & 0xff;
    if (i === end) break;
    if (text[i] !== ':') return false;
    i++;
    if (i < end && text[i] === ':') {
      if (gapAt >= 0) return false;
      gapAt = at;
      i++;
    } else if (i === end) return false;
  }
  if (gapAt < 0) return at === ADDRESS_BYTES;
  if (at === ADDRESS_BYTES) return false;
  out.copyWithin(ADDRESS_BYTES - (at - gapAt), gapAt, at);
  out.fill(0, gapAt, ADDRESS_BYTES - (at - gapAt));
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

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
