/**
 * Padding (RFC 7830): taken out of a query that is to be kept, for its octets say nothing and a client may send 65,000
 * of them; put into a response inside TLS, so that its length tells less of what was asked. In place; pure.
 */
import { EdnsOption } from './iana.ts';
import { OPTION_HEADER_BYTES } from './edns.ts';
import { readUint16, writeUint16 } from './patch.ts';
import type { QueryView } from './query-view.ts';

/** "Servers SHOULD pad the corresponding response to a multiple of 468 octets" (RFC 8467 4.1). */
export const RESPONSE_BLOCK_BYTES = 468;
const RDLENGTH_OFFSET = 9;

/**
 * Empties the padding option that the view knows of and lets the view follow: an option without data still says that the
 * client wants its response padded. Cost: moves what is behind.
 */
export function emptyPadding(view: QueryView): void {
  const { bytes, optionsStart, paddingStart } = view;
  const dataBytes = view.paddingBytes - OPTION_HEADER_BYTES;
  if (dataBytes <= 0) return;
  writeUint16(bytes, optionsStart - 2, readUint16(bytes, optionsStart - 2) - dataBytes);
  writeUint16(bytes, paddingStart + 2, 0);
  const data = paddingStart + OPTION_HEADER_BYTES;
  bytes.copyWithin(data, data + dataBytes, view.end);
  view.end -= dataBytes;
  if (view.cookieStart > paddingStart) view.cookieStart -= dataBytes;
  view.paddingBytes = OPTION_HEADER_BYTES;
}

/**
 * Pads the message in bytes[start, end) to the next multiple of RESPONSE_BLOCK_BYTES by an option at the end of the OPT
 * record at `optStart`, which must be its last; returns the new end. `endMax` is never passed: the largest responses are
 * padded less, or not at all where not even an empty option fits.
 */
export function padResponse(bytes: Uint8Array, start: number, optStart: number, end: number, endMax: number): number {
  const unpadded = end - start + OPTION_HEADER_BYTES;
  const padded = Math.ceil(unpadded / RESPONSE_BLOCK_BYTES) * RESPONSE_BLOCK_BYTES;
  const newEnd = Math.min(start + padded, endMax);
  const dataBytes = newEnd - end - OPTION_HEADER_BYTES;
  if (dataBytes < 0) return end;
  writeUint16(bytes, end, EdnsOption.PADDING);
  writeUint16(bytes, end + 2, dataBytes);
  // "The PADDING octets SHOULD be set to 0x00" (RFC 7830 3).
  bytes.fill(0, end + OPTION_HEADER_BYTES, newEnd);
  const lengthAt = optStart + RDLENGTH_OFFSET;
  writeUint16(bytes, lengthAt, readUint16(bytes, lengthAt) + newEnd - end);
  return newEnd;
}
