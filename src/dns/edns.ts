/**
 * Writes EDNS: the OPT record and its options. Reading is query-view.ts's and response-view.ts's. On the query path use
 * writeOptRecord and appendOptionBytes, which allocate nothing, with options made once at the start.
 * RFC 6891 6.1; RFC 7871 6; RFC 8914 2; RFC 7828 3.1; RFC 5001 2.3.
 */
import { EdnsOption, RecordType } from './iana.ts';
import { readUint16, writeUint16 } from './patch.ts';

/** What we offer and ask for: small enough for any path in use without fragments (DNS flag day 2020; RFC 9715). */
export const UDP_PAYLOAD_BYTES_DEFAULT = 1232;
/** "Values lower than 512 MUST be treated as equal to 512" (RFC 6891 6.2.3), and what a client without EDNS takes. */
const UDP_PAYLOAD_BYTES_MIN = 512;
/** Octets of an OPT record without options: root owner, type, payload size, extended rcode, version, flags, RDLENGTH. */
export const OPT_BYTES = 11;
/** Octets of an option before its data: code and length. */
export const OPTION_HEADER_BYTES = 4;
/** Our own limit on EXTRA-TEXT, which keeps a blocked answer far from truncation. */
export const EXTENDED_ERROR_TEXT_BYTES_MAX = 160;
/** The DO bit in the flags of an OPT record (RFC 3225 3). */
export const DNSSEC_OK_FLAG = 0x8000;

/** A Client Subnet option of a whole IPv6 address. */
export const CLIENT_SUBNET_BYTES_MAX = 24;
/** IANA, Address Family Numbers. */
const ADDRESS_FAMILY_IPV4 = 1;
const ADDRESS_FAMILY_IPV6 = 2;
const RDLENGTH_OFFSET = 9;
const KEEPALIVE_UNIT_MS = 100;
const encoder = new TextEncoder();

/**
 * Writes an OPT record of version 0 without options at `offset`; returns its end. ARCOUNT is the caller's. `rcode` is the
 * whole 12-bit one; the OPT record gets its upper eight bits, the header (patch.ts) its lower four. Cost: eleven stores.
 */
export function writeOptRecord(
  bytes: Uint8Array,
  offset: number,
  udpPayloadBytes: number,
  rcode: number,
  dnssecOk: boolean,
): number {
  bytes[offset] = 0;
  writeUint16(bytes, offset + 1, RecordType.OPT);
  writeUint16(bytes, offset + 3, udpPayloadBytes);
  bytes[offset + 5] = rcode >>> 4;
  bytes[offset + 6] = 0;
  writeUint16(bytes, offset + 7, dnssecOk ? DNSSEC_OK_FLAG : 0);
  writeUint16(bytes, offset + RDLENGTH_OFFSET, 0);
  return offset + OPT_BYTES;
}

/**
 * Appends a whole option (code, length, data), such as extendedErrorOption makes, to the OPT record at `optStart`, which
 * must be the last record and end at `end`; corrects its RDLENGTH and returns the new end. Where the buffer has no room the
 * option is left out and `end` comes back.
 */
export function appendOptionBytes(bytes: Uint8Array, optStart: number, end: number, option: Uint8Array): number {
  const newEnd = end + option.length;
  if (newEnd > bytes.length) return end;
  bytes.set(option, end);
  lengthen(bytes, optStart, option.length);
  return newEnd;
}

function lengthen(bytes: Uint8Array, optStart: number, addedBytes: number): void {
  writeUint16(bytes, optStart + RDLENGTH_OFFSET, readUint16(bytes, optStart + RDLENGTH_OFFSET) + addedBytes);
}

/** A whole option: code, length, data. */
export function encodeOption(code: number, data: Uint8Array): Uint8Array {
  const option = new Uint8Array(OPTION_HEADER_BYTES + data.length);
  writeUint16(option, 0, code);
  writeUint16(option, 2, data.length);
  option.set(data, OPTION_HEADER_BYTES);
  return option;
}

/**
 * A whole Extended DNS Error option; `text` is cut to EXTENDED_ERROR_TEXT_BYTES_MAX at a character's end.
 * Source: RFC 8914 2 (UTF-8, its end given by OPTION-LENGTH and not by a NUL).
 */
export function extendedErrorOption(infoCode: number, text = ''): Uint8Array {
  const data = new Uint8Array(2 + EXTENDED_ERROR_TEXT_BYTES_MAX);
  writeUint16(data, 0, infoCode);
  const { written } = encoder.encodeInto(text, data.subarray(2));
  return encodeOption(EdnsOption.EDE, data.subarray(0, 2 + written));
}

/** A whole edns-tcp-keepalive option as a server sends it. Source: RFC 7828 3.1 (units of 100 milliseconds). */
export function keepaliveOption(timeoutMs: number): Uint8Array {
  const data = new Uint8Array(2);
  writeUint16(data, 0, Math.min(0xffff, Math.max(0, Math.floor(timeoutMs / KEEPALIVE_UNIT_MS))));
  return encodeOption(EdnsOption.KEEPALIVE, data);
}

/** A whole NSID option with the text's octets as the identifier. Source: RFC 5001 2.3. */
export function nsidOption(serverId: string): Uint8Array {
  return encodeOption(EdnsOption.NSID, encoder.encode(serverId));
}

/**
 * A whole Client Subnet option of a query.
 * @param address 4 octets of an IPv4 address or 16 of an IPv6 address; what lies behind the prefix is left out
 * Source: RFC 7871 6 ("with the number of octets ... truncated to the number of bits indicated by the SOURCE
 * PREFIX-LENGTH field, padding with 0 bits to pad to the end of the last octet needed").
 */
export function clientSubnetOption(address: Uint8Array, prefixBits: number): Uint8Array {
  const octets = Math.ceil(prefixBits / 8);
  const data = new Uint8Array(4 + octets);
  writeUint16(data, 0, address.length === 4 ? ADDRESS_FAMILY_IPV4 : ADDRESS_FAMILY_IPV6);
  data[2] = prefixBits;
  data.set(address.subarray(0, octets), 4);
  const spareBits = octets * 8 - prefixBits;
  if (spareBits > 0) data[data.length - 1]! &= 0xff << spareBits;
  return encodeOption(EdnsOption.ECS, data);
}

/**
 * How many octets a response over UDP may have: what the client takes, but never more than we send.
 * `clientPayloadBytes` is QueryView.udpPayloadBytes: 0 without EDNS.
 */
export function udpResponseBytesMax(clientPayloadBytes: number, serverPayloadBytes: number): number {
  if (clientPayloadBytes <= UDP_PAYLOAD_BYTES_MIN) return UDP_PAYLOAD_BYTES_MIN;
  return clientPayloadBytes < serverPayloadBytes ? clientPayloadBytes : serverPayloadBytes;
}
