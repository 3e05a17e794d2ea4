/**
 * IP addresses written as text, in octets: of clients (sixteen, whatever the family, so that one comparison serves both)
 * and of records (RDATA of A and AAAA). Reads the text once and allocates nothing of its own: the plain listeners ask
 * it for every query. RFC 4291 2.2, 2.5.5.2.
 */

export const ADDRESS_BYTES = 16;
/** Where the octets of an IPv4 address begin. */
const IPV4_AT = 12;

/**
 * Writes an IPv4 or IPv6 literal (a zone id is ignored) into `out`, IPv4 as ::ffff:a.b.c.d.
 * Errors: returns false, with `out` undefined in content, when the text is not an address.
 */
export function writeAddress(text: string, out: Uint8Array): boolean {
  return text.includes(':') ? writeIpv6(text, out) : writeIpv4(text, 0, text.length, out, IPV4_AT) && markMapped(out);
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

/** Four octets for IPv4, sixteen for IPv6; undefined for anything else (a zone id or prefix length included). */
export function addressOctets(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(ADDRESS_BYTES);
  if (text.includes('%') || !writeAddress(text, octets)) return undefined;
  return text.includes(':') ? octets : octets.slice(IPV4_AT);
}

/** A client's address as sixteen octets, IPv4 as ::ffff:a.b.c.d; undefined for no address. */
export function clientOctets(text: string | undefined): Uint8Array | undefined {
  const octets = new Uint8Array(ADDRESS_BYTES);
  return text !== undefined && writeAddress(text, octets) ? octets : undefined;
}
