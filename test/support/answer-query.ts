/**
 * For tests of answers written over the query in place: lays a query into a larger buffer, as a listener's slot would
 * hold it, reads it, and decodes what came out.
 */
import { decodeMessage, encodeQuery } from '../../src/dns/codec.ts';
import type { DecodedMessage, QueryFields } from '../../src/dns/codec.ts';
import { QueryView, readQuery } from '../../src/dns/query-view.ts';

/** Where the query begins in its buffer: not 0, so that offsets must be kept apart from pointers. */
const QUERY_START = 7;
const SLOT_BYTES = 2048;
const FILLER = 0xee;

export interface LaidQuery {
  readonly view: QueryView;
  readonly message: Uint8Array;
}

/** Errors: throws on a query that cannot be made or read. */
export function layQuery(fields: Partial<QueryFields> & { readonly name: string }): LaidQuery {
  const message = encodeQuery({ id: 0x1234, type: 1, ...fields });
  if (message === undefined) throw new Error(`not a name: ${fields.name}`);
  const slot = new Uint8Array(SLOT_BYTES).fill(FILLER);
  slot.set(message, QUERY_START);
  const view = new QueryView();
  if (readQuery(view, slot, QUERY_START, QUERY_START + message.length) !== 0) throw new Error('the query has a fault');
  return { view, message };
}

/** The response that now lies in the query's slot. */
export function responseIn(view: QueryView, bytes: number): Uint8Array {
  return view.bytes.slice(view.start, view.start + bytes);
}

/** Errors: throws where no independent reader would make sense of the response. */
export function decodeAnswer(view: QueryView, bytes: number): DecodedMessage {
  const decoded = decodeMessage(responseIn(view, bytes));
  if (decoded === undefined) throw new Error('the response cannot be decoded');
  return decoded;
}

/** Whether nothing was written outside the query and the room that the response had. */
export function slotIsCleanOutside(view: QueryView, bytes: number, bytesMax: number): boolean {
  const before = view.bytes.subarray(0, view.start);
  const behind = view.bytes.subarray(view.start + Math.max(bytes, bytesMax, view.end - view.start));
  return [...before, ...behind].every((octet) => octet === FILLER);
}
