/**
 * Gives the records of one RRset one TTL, the lowest: upstreams and the authorities behind them send differing ones, and
 * we may not. Works in place on a response that has been read (response-view.ts), before it is kept; knows nothing of
 * caching. RFC 2181 5.2; RFC 4034 3.
 */
import { RecordType } from './iana.ts';
import { expandName, NAME_BYTES_MAX } from './name.ts';
import { readUint16, readUint32, writeUint32 } from './patch.ts';
import { saneTtl } from './ttl.ts';

const TTL_TO_RDLENGTH = 4;
const TTL_TO_RDATA = 6;
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/**
 * "In no case may a server send an RRSet with TTLs not all equal"; a client is to act "as if all TTLs in the RRSet had
 * been set to the value of the lowest TTL". A signature goes with the records that it covers: "The TTL value of an RRSIG
 * RR MUST match the TTL value of the RRset it covers" (RFC 4034 3).
 * @param ttlOffsets of every record behind the question, in order, without a gap
 * Cost: one read a record where all are equal, which is the rule; else two passes with a Map.
 */
export function equalizeTtls(message: Uint8Array, questionEnd: number, ttlOffsets: readonly number[]): void {
  const [first] = ttlOffsets;
  if (first === undefined) return;
  const ttl = readUint32(message, first);
  if (ttlOffsets.every((offset) => readUint32(message, offset) === ttl)) return;
  const lowest = new Map<string, number>();
  const sets = setsOf(message, questionEnd, ttlOffsets);
  for (const [index, offset] of ttlOffsets.entries()) {
    const set = sets[index]!;
    lowest.set(set, Math.min(lowest.get(set) ?? Infinity, saneTtl(readUint32(message, offset))));
  }
  for (const [index, offset] of ttlOffsets.entries()) writeUint32(message, offset, lowest.get(sets[index]!)!);
}

/** For each record its RRset: owner in lower case and type, that which it covers for a signature. */
function setsOf(message: Uint8Array, questionEnd: number, ttlOffsets: readonly number[]): string[] {
  let start = questionEnd;
  return ttlOffsets.map((offset) => {
    const ownerBytes = Math.max(0, expandName(message, 0, start, message.length, scratchName));
    const rdata = offset + TTL_TO_RDATA;
    const type = readUint16(message, offset - 4);
    const rdataBytes = readUint16(message, offset + TTL_TO_RDLENGTH);
    start = rdata + rdataBytes;
    const covered = type === RecordType.RRSIG && rdataBytes >= 2 ? readUint16(message, rdata) : type;
    return `${covered} ${Buffer.from(scratchName.subarray(0, ownerBytes)).toString('latin1')}`;
  });
}
