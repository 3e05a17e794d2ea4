/**
 * Takes the padding (RFC 7830) out of a query that is to be kept: its octets say nothing, and a client may send 65,000
 * of them. In place; pure.
 */
import { readUint16, writeUint16 } from './patch.ts';
import type { QueryView } from './query-view.ts';

/** Removes the padding that the view knows of from the message, and lets the view follow. Cost: moves what is behind. */
export function dropPadding(view: QueryView): void {
  const { bytes, optionsStart, paddingStart, paddingBytes } = view;
  if (paddingBytes === 0) return;
  writeUint16(bytes, optionsStart - 2, readUint16(bytes, optionsStart - 2) - paddingBytes);
  bytes.copyWithin(paddingStart, paddingStart + paddingBytes, view.end);
  view.end -= paddingBytes;
  if (view.cookieStart > paddingStart) view.cookieStart -= paddingBytes;
  view.paddingStart = 0;
  view.paddingBytes = 0;
}
