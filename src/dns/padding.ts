/**
 * Padding (RFC 7830): taken out of a query that is to be kept, for its octets say nothing and a client may send 65,000
 * of them; put into a response inside TLS, so that its length tells less of what was asked. In place; pure.
 */
import { EdnsOption } from './iana.ts';
import { OPTION_HEADER_BYTES } from './edns.ts';
import { readUint16, writeUint16 } from './patch.ts';
import type { QueryView } from './query-view.ts';

/** "Servers SHOULD pad the corresponding response to a multiple of 468 octets" (RFC 8467 4.1). */
const RESPONSE_BLOCK_BYTES = 468;
const RDLENGTH_OFFSET = 9;

/**
 * Empties every padding option and lets the view follow: an option without data still says that the client wants its
 * response padded. Cost: nothing without padding; else one pass over the options, which moves what stays.
 */
export function emptyPadding(view: QueryView): void {
  if (view.paddingBytes === 0) return;
  const { bytes, optionsStart, cookieStart } = view;
  const optionsEnd = optionsStart + readUint16(bytes, optionsStart - 2);
  let to = optionsStart;
  for (let at = optionsStart; at < optionsEnd;) {
    const end = at + OPTION_HEADER_BYTES + readUint16(bytes, at + 2);
    const isPadding = readUint16(bytes, at) === EdnsOption.PADDING;
    const keptEnd = isPadding ? at + OPTION_HEADER_BYTES : end;
    if (to !== at) bytes.copyWithin(to, at, keptEnd);
    if (isPadding) {
      writeUint16(bytes, to + 2, 0);
      view.paddingStart = to;
      view.paddingBytes = OPTION_HEADER_BYTES;
    } else if (cookieStart === at + OPTION_HEADER_BYTES) view.cookieStart = to + OPTION_HEADER_BYTES;
    to += keptEnd - at;
    at = end;
  }
  if (to === optionsEnd) return;
  bytes.copyWithin(to, optionsEnd, view.end);
  view.end -= optionsEnd - to;
  writeUint16(bytes, optionsStart - 2, to - optionsStart);
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
