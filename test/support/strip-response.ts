/** What the cache keeps of a response, as a message of its own for tests to read again. */
import { readUint16, writeUint16 } from '../../src/dns/patch.ts';
import type { ResponseView } from '../../src/dns/response-view.ts';

/** The message without its OPT record and without the records out of the chain; a copy. TTLs are at view.ttlOffsets. */
export function stripResponse(message: Uint8Array, view: ResponseView): Uint8Array {
  if (view.rebuilt !== undefined) return view.rebuilt.slice();
  const stripped = message.slice(0, view.optStart === 0 ? message.length : view.optStart);
  if (view.optStart !== 0) writeUint16(stripped, 10, readUint16(stripped, 10) - 1);
  return stripped;
}
