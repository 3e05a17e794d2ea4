/**
 * Reads the header that a balancer puts in front of a query, or of a connection, to say whose it is. Used by the
 * listeners, only for peers that are configured as balancers: from anybody else the same octets are a malformed message.
 * Allocates nothing.
 * Source: HAProxy's "The PROXY protocol", version 2 (section 2.2).
 */
import { readUint16 } from '../../dns/patch.ts';
import { ADDRESS_BYTES } from '../../policy/address.ts';

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
/** Signature, version and command, family and protocol, length. */
const FIXED_BYTES = 16;
/** With what a balancer adds behind the addresses; more is none of a balancer in its right mind. */
export const PROXY_HEADER_BYTES_MAX = 2_048;
const VERSION = 2;
const COMMAND_LOCAL = 0;
const COMMAND_PROXY = 1;
const FAMILY_UNSPECIFIED = 0;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;
/** Two addresses and two ports. */
const IPV4_BYTES = 12;
const IPV6_BYTES = 36;
const IPV4_OFFSET = 12;

/** What `readProxyHeader` returns beside the header's length. */
export const HEADER_INCOMPLETE = 0;
export const HEADER_MALFORMED = -1;

/** What the last header said. */
export class ProxyHeader {
  /** The balancer speaks for itself (a health check), or does not know for whom: the address of the peer stands. */
  isLocal = false;
  /** 16 octets, IPv4 as ::ffff:a.b.c.d. */
  readonly client = new Uint8Array(ADDRESS_BYTES);
}

/** Reads the header at `start`; returns its length, HEADER_INCOMPLETE or HEADER_MALFORMED. What follows the addresses is skipped. */
export function readProxyHeader(header: ProxyHeader, bytes: Uint8Array, start: number, end: number): number {
  for (let index = 0; index < SIGNATURE.length; index++) {
    if (start + index >= end) return HEADER_INCOMPLETE;
    if (bytes[start + index] !== SIGNATURE[index]) return HEADER_MALFORMED;
  }
  if (end - start < FIXED_BYTES) return HEADER_INCOMPLETE;
  const versionAndCommand = bytes[start + 12]!;
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >>> 4 !== VERSION || command > COMMAND_PROXY) return HEADER_MALFORMED;
  const length = FIXED_BYTES + readUint16(bytes, start + 14);
  if (length > PROXY_HEADER_BYTES_MAX) return HEADER_MALFORMED;
  if (end - start < length) return HEADER_INCOMPLETE;
  const family = bytes[start + 13]! >>> 4;
  header.isLocal = command === COMMAND_LOCAL || family === FAMILY_UNSPECIFIED;
  if (header.isLocal) return length;
  return readClient(header.client, family, bytes, start + FIXED_BYTES, length - FIXED_BYTES)
    ? length
    : HEADER_MALFORMED;
}

function readClient(client: Uint8Array, family: number, bytes: Uint8Array, at: number, length: number): boolean {
  if (family === FAMILY_IPV4 && length >= IPV4_BYTES) {
    client.fill(0, 0, IPV4_OFFSET - 2);
    client.fill(0xff, IPV4_OFFSET - 2, IPV4_OFFSET);
    for (let index = 0; index < 4; index++) client[IPV4_OFFSET + index] = bytes[at + index]!;
    return true;
  }
  if (family !== FAMILY_IPV6 || length < IPV6_BYTES) return false;
  for (let index = 0; index < ADDRESS_BYTES; index++) client[index] = bytes[at + index]!;
  return true;
}
