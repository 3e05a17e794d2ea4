/**
 * The last good copy of a list on disk: a magic word, the lengths, a JSON header, the segment, and a SHA-256 over all of
 * it, so that a copy is either what was written or known to be damaged. Bytes in, bytes out; list-sync reads and writes
 * the files.
 */
import { createHash } from 'node:crypto';
import type { SkipReason } from './format/list-format.ts';
import type { LineSample } from './format/read-report.ts';

const MAGIC = Buffer.from('WEIRSEG1', 'latin1');
const HASH_BYTES = 32;
const HEADER_BYTES_MAX = 4 * 1024 * 1024;

/** What lies beside the entries on disk. */
export interface SegmentHeader {
  readonly list: string;
  readonly version: number;
  readonly format: string;
  /** Of the source that the entries were read from. */
  readonly sourceSha256: string;
  readonly entries: number;
  readonly skippedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  readonly samples: Readonly<Partial<Record<SkipReason, readonly LineSample[]>>>;
  readonly createdAt: string;
  /** For the next conditional request. */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** The bytes of a last good copy. */
export function encodeSegmentFile(header: SegmentHeader, payload: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(12);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeBigUInt64BE(BigInt(payload.length), 4);
  const hash = createHash('sha256').update(MAGIC).update(lengths).update(json).update(payload).digest();
  return Buffer.concat([MAGIC, lengths, json, payload, hash]);
}

export type SegmentFile =
  | { readonly kind: 'ok'; readonly header: SegmentHeader; readonly payload: Uint8Array }
  | { readonly kind: 'damaged'; readonly message: string };

/** A last good copy back from its bytes; damaged if a single bit differs from what was written. */
export function decodeSegmentFile(bytes: Uint8Array): SegmentFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerStart = MAGIC.length + 12;
  if (file.length < headerStart + HASH_BYTES) return damaged('it is too short');
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) return damaged('it is no list segment of this version');
  const headerBytes = file.readUInt32BE(MAGIC.length);
  const payloadBytes = Number(file.readBigUInt64BE(MAGIC.length + 4));
  const payloadStart = headerStart + headerBytes;
  const hashStart = payloadStart + payloadBytes;
  if (headerBytes > HEADER_BYTES_MAX || hashStart + HASH_BYTES !== file.length) return damaged('its length is wrong');
  const hash = createHash('sha256').update(file.subarray(0, hashStart)).digest();
  if (!hash.equals(file.subarray(hashStart))) return damaged('its checksum does not match');
  try {
    const header: unknown = JSON.parse(file.subarray(headerStart, payloadStart).toString('utf8'));
    if (!isHeader(header)) return damaged('its header lacks fields');
    return { kind: 'ok', header, payload: file.subarray(payloadStart, hashStart) };
  } catch {
    return damaged('its header is no JSON');
  }
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

function damaged(message: string): SegmentFile {
  return { kind: 'damaged', message };
}
