/**
 * The last good copy of a list on disk: a magic word, the segment, and behind it a JSON header, the lengths, a SHA-256 of
 * the segment and one of all the rest, so that a copy is either what was written or known to be damaged. The segment
 * comes first because it is written while the list is parsed. Bytes in, bytes out; segment-data.ts has the files.
 */
import { createHash } from 'node:crypto';
import type { SkipReason } from './format/list-format.ts';
import type { LineSample } from './format/read-report.ts';
import type { RadiusHold } from './held-entries.ts';

/** What a file begins with; the segment is behind it. */
export const SEGMENT_MAGIC = Buffer.from('WEIRSEG2', 'latin1');
const LENGTHS_BYTES = 12;
const HASH_BYTES = 32;
/** At the very end: lengths and hashes. */
export const SEGMENT_TAIL_BYTES = LENGTHS_BYTES + 2 * HASH_BYTES;
const HEADER_BYTES_MAX = 4 * 1024 * 1024;

/** What lies beside the entries on disk. */
export interface SegmentHeader {
  readonly list: string;
  readonly version: number;
  readonly format: string;
  /** Of the source that the entries were read from. */
  readonly sourceSha256: string;
  readonly entries: number;
  /** Octets of all names. */
  readonly nameBytes?: number;
  /** Entries with a provenance. */
  readonly references?: number;
  readonly skippedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  readonly samples: Readonly<Partial<Record<SkipReason, readonly LineSample[]>>>;
  /** Entries held for how many ask for them; checked when it is used. */
  readonly radiusHeld?: readonly RadiusHold[];
  readonly createdAt: string;
  /** For the next conditional request. */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** What stands behind a segment. */
export function segmentTrailer(header: SegmentHeader, payloadBytes: number, payloadSha256: string): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeBigUInt64BE(BigInt(payloadBytes), 4);
  const rest = Buffer.concat([json, lengths, Buffer.from(payloadSha256, 'hex')]);
  return Buffer.concat([rest, hashOfTrailer(rest)]);
}

/** The bytes of a last good copy. */
export function encodeSegmentFile(header: SegmentHeader, payload: Uint8Array): Uint8Array {
  const sha256 = createHash('sha256').update(payload).digest('hex');
  return Buffer.concat([SEGMENT_MAGIC, payload, segmentTrailer(header, payload.length, sha256)]);
}

export interface SegmentTrailer {
  readonly kind: 'ok';
  readonly header: SegmentHeader;
  readonly payloadBytes: number;
  /** Hexadecimal; the payload has yet to be checked against it. */
  readonly payloadSha256: string;
}

export type Damaged = { readonly kind: 'damaged'; readonly message: string };

/** Octets of the whole trailer, from a file's last SEGMENT_TAIL_BYTES and its length. */
export function trailerBytes(tail: Uint8Array, fileBytes: number): number | Damaged {
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  const headerBytes = end.readUInt32BE(0);
  const payloadBytes = Number(end.readBigUInt64BE(4));
  const bytes = headerBytes + SEGMENT_TAIL_BYTES;
  const isWhole = headerBytes <= HEADER_BYTES_MAX && SEGMENT_MAGIC.length + payloadBytes + bytes === fileBytes;
  return isWhole ? bytes : damaged('its length is wrong');
}

/** The header, from the whole trailer. */
export function decodeTrailer(trailer: Uint8Array): SegmentTrailer | Damaged {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  const hashStart = bytes.length - HASH_BYTES;
  const headerBytes = bytes.length - SEGMENT_TAIL_BYTES;
  if (!hashOfTrailer(bytes.subarray(0, hashStart)).equals(bytes.subarray(hashStart)))
    return damaged('its checksum does not match');
  try {
    const header: unknown = JSON.parse(bytes.subarray(0, headerBytes).toString('utf8'));
    if (!isHeader(header)) return damaged('its header lacks fields');
    const payloadSha256 = bytes.subarray(hashStart - HASH_BYTES, hashStart).toString('hex');
    return { kind: 'ok', header, payloadBytes: Number(bytes.readBigUInt64BE(headerBytes + 4)), payloadSha256 };
  } catch {
    return damaged('its header is no JSON');
  }
}

export type SegmentFile =
  { readonly kind: 'ok'; readonly header: SegmentHeader; readonly payload: Uint8Array } | Damaged;

/** A last good copy back from its bytes; damaged if a single bit differs from what was written. */
export function decodeSegmentFile(bytes: Uint8Array): SegmentFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < SEGMENT_MAGIC.length + SEGMENT_TAIL_BYTES) return damaged('it is too short');
  if (!isSegmentMagic(file)) return damaged('it is no list segment of this version');
  const trailer = trailerBytes(file.subarray(file.length - SEGMENT_TAIL_BYTES), file.length);
  if (typeof trailer !== 'number') return trailer;
  const decoded = decodeTrailer(file.subarray(file.length - trailer));
  if (decoded.kind === 'damaged') return decoded;
  const payload = file.subarray(SEGMENT_MAGIC.length, file.length - trailer);
  const sha256 = createHash('sha256').update(payload).digest('hex');
  if (sha256 !== decoded.payloadSha256) return damaged('its checksum does not match');
  return { kind: 'ok', header: decoded.header, payload };
}

export function isSegmentMagic(file: Uint8Array): boolean {
  return SEGMENT_MAGIC.equals(file.subarray(0, SEGMENT_MAGIC.length));
}

function hashOfTrailer(rest: Uint8Array): Buffer {
  return createHash('sha256').update(SEGMENT_MAGIC).update(rest).digest();
}

function isHeader(value: unknown): value is SegmentHeader {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['list', 'version', 'format', 'sourceSha256', 'entries', 'skippedByReason', 'samples', 'createdAt'].every(
      (key) => key in value,
    )
  );
}

function damaged(message: string): Damaged {
  return { kind: 'damaged', message };
}
