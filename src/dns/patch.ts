/**
 * Small writes into a message where it lies: numbers, header fields, section counts. The query path makes
 * every answer of its own this way, in the buffer the query came in. Nothing here checks bounds or
 * allocates: the caller has checked that the header is there. RFC 1035 4.1.1.
 */
import { HeaderFlag } from './iana.ts';

const OPCODE_BITS = 0x7800;
const RCODE_BITS = 0x000f;

/** Octets above which the runtime's own copy is quicker than a loop, for all that calling it costs (40 ns, 30 octets). */
const COPY_LOOP_MAX = 32;
// Why not `set`: it copies no part of an array without a view, which is an object.
const { copy } = Buffer.prototype;

/** Copies `count` octets. Cost: one step an octet, and one call for more than a few; nothing is allocated. */
export function copyOctets(from: Uint8Array, start: number, count: number, to: Uint8Array, at: number): void {
  if (count > COPY_LOOP_MAX) copy.call(from, to, at, start, start + count);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Unsigned. Cost: two halves, so that the value stays exact above 2^31. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset) * 0x1_0000 + readUint16(bytes, offset + 2);
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

export function setId(bytes: Uint8Array, start: number, id: number): void {
  writeUint16(bytes, start, id);
}

/** Writes the whole flags word: QR, opcode, AA, TC, RD, RA, AD, CD and the low four bits of the rcode. */
export function setFlags(bytes: Uint8Array, start: number, flags: number): void {
  writeUint16(bytes, start + 2, flags);
}

/**
 * The flags word of our own answer to a query: QR and RA set, opcode, RD and CD copied, AA, TC, AD and Z clear.
 * `rcode` may be a 12-bit one: its upper bits belong into the OPT record.
 * Source: RFC 1035 4.1.1; RFC 4035 3.2.2 (CD is copied).
 */
export function responseFlags(queryFlags: number, rcode: number): number {
  return (
    HeaderFlag.QR | HeaderFlag.RA | (queryFlags & (OPCODE_BITS | HeaderFlag.RD | HeaderFlag.CD)) | (rcode & RCODE_BITS)
  );
}

/** Writes QDCOUNT, ANCOUNT, NSCOUNT and ARCOUNT. */
export function setCounts(
  bytes: Uint8Array,
  start: number,
  questions: number,
  answers: number,
  authorities: number,
  additionals: number,
): void {
  writeUint16(bytes, start + 4, questions);
  writeUint16(bytes, start + 6, answers);
  writeUint16(bytes, start + 8, authorities);
  writeUint16(bytes, start + 10, additionals);
}
