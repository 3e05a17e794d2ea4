/**
 * Counts the TTLs of a stored response down where they lie, at the offsets that response-view.ts recorded. Called for
 * every answer from the cache; allocates nothing. RFC 1035 3.2.1; RFC 2181 8; RFC 8767 4 (the floor of a stale answer).
 */
import { readUint16, readUint32, writeUint32 } from './patch.ts';

/** "a TTL value is an unsigned number, with a minimum value of 0, and a maximum value of 2147483647" (RFC 2181 8). */
const TTL_SECONDS_MAX = 0x7fff_ffff;

/**
 * "Implementations should treat TTL values received with the most significant bit set as if the entire value received
 * was zero."  Source: RFC 2181 8.
 */
export function saneTtl(ttlSeconds: number): number {
  return ttlSeconds > TTL_SECONDS_MAX ? 0 : ttlSeconds;
}

/**
 * Lowers each TTL by `elapsedSeconds` (whole seconds), never below `floorSeconds`.
 * @param offsets `count` offsets relative to `messageStart`, two octets each, from `offsetsStart` on
 * Cost: one read and one write a record.
 */
export function patchTtls(
  bytes: Uint8Array,
  messageStart: number,
  offsets: Uint8Array,
  offsetsStart: number,
  count: number,
  elapsedSeconds: number,
  floorSeconds: number,
): void {
  for (let index = 0; index < count; index += 1) {
    const at = messageStart + readUint16(offsets, offsetsStart + index * 2);
    const remaining = saneTtl(readUint32(bytes, at)) - elapsedSeconds;
    writeUint32(bytes, at, remaining > floorSeconds ? remaining : floorSeconds);
  }
}
