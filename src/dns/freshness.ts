/**
 * How long an HTTP cache may keep a response that lies in a buffer: the smallest TTL of its answers, or what its SOA
 * record allows where there are none. Pure; for DoH only. RFC 8484 5.1, RFC 2308 5.
 */
import { HEADER_BYTES, Rcode, RecordType } from './iana.ts';
import { skipName } from './name.ts';
import { readUint16, readUint32 } from './patch.ts';
import { saneTtl } from './ttl.ts';

const QUESTION_FIXED_BYTES = 4;
const RECORD_FIXED_BYTES = 10;
const MINIMUM_BYTES = 4;

/**
 * Units: seconds. 0 for a response that is an error, or says nothing of how long it holds. The message is our own, hence
 * well-formed. Cost: one step a record.
 */
export function freshnessSeconds(bytes: Uint8Array, start: number, end: number): number {
  const rcode = bytes[start + 3]! & 0x0f;
  if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN) return 0;
  const answers = readUint16(bytes, start + 6);
  const authorities = readUint16(bytes, start + 8);
  let at = start + HEADER_BYTES;
  for (let left = readUint16(bytes, start + 4); left > 0; left--) {
    const nameEnd = skipName(bytes, at, end);
    if (nameEnd < 0) return 0;
    at = nameEnd + QUESTION_FIXED_BYTES;
  }
  let smallest = -1;
  for (let record = 0; record < answers + authorities; record++) {
    const fixed = skipName(bytes, at, end);
    if (fixed < 0 || fixed + RECORD_FIXED_BYTES > end) return 0;
    const ttlSeconds = saneTtl(readUint32(bytes, fixed + 4));
    at = fixed + RECORD_FIXED_BYTES + readUint16(bytes, fixed + 8);
    if (record < answers) {
      if (smallest < 0 || ttlSeconds < smallest) smallest = ttlSeconds;
      continue;
    }
    // "the value of the TTL ... is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA
    // itself" (RFC 2308 3). In a negative answer the end of a chain holds no longer than its CNAME records.
    if (readUint16(bytes, fixed) !== RecordType.SOA) continue;
    const negative = Math.min(ttlSeconds, readUint32(bytes, at - MINIMUM_BYTES));
    if (smallest < 0 || negative < smallest) smallest = negative;
  }
  return smallest < 0 ? 0 : smallest;
}
