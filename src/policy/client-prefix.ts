/**
 * Prefixes of client addresses, IPv4 and IPv6 in one form: sixteen octets (IPv4 as ::ffff:a.b.c.d) and a number of bits.
 * Who writes an IPv6 prefix that holds ::ffff:0:0/96 does not mean all of IPv4 by it: `covers` keeps the families apart.
 */
import { ADDRESS_BYTES, writeAddress } from './address.ts';

/** Where IPv4 lies in IPv6: ::ffff:0:0/96. */
export const MAPPED_BITS = 96;
const ADDRESS_BITS = ADDRESS_BYTES * 8;

export interface ClientPrefix {
  /** ADDRESS_BYTES octets; those behind `bits` are as they were written. */
  readonly base: Uint8Array;
  /** 0 to 128; an IPv4 prefix has 96 more than were written. */
  readonly bits: number;
}

/** Reads `address` or `address/length`; undefined: it is neither. */
export function readClientPrefix(text: string): ClientPrefix | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const base = new Uint8Array(ADDRESS_BYTES);
  if (address.includes('%') || !writeAddress(address, base)) return undefined;
  const width = address.includes(':') ? ADDRESS_BITS : 32;
  const length = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length) || Number(length) > width) return undefined;
  return { base, bits: Number(length) + ADDRESS_BITS - width };
}

/** Cost: a comparison an octet, no allocation. */
export function isIpv4Mapped(address: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}

/** Whether the address is in the prefix, of its own family. Cost: a comparison an octet, no allocation. */
export function prefixCovers({ base, bits }: ClientPrefix, address: Uint8Array): boolean {
  return (bits >= MAPPED_BITS || !isIpv4Mapped(address)) && sharesBits(address, base, bits);
}

export function sharesBits(address: Uint8Array, base: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== base[i]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const shift = 8 - rest;
  return address[whole]! >> shift === base[whole]! >> shift;
}
