/**
 * Writes a response anew from some of its records, without its OPT record and with every name in full: pointers into
 * what is left out, or moved by it, would lead elsewhere. Needed only for the rare response that carries records out of
 * the question's chain or records behind its OPT; others are cut (response-view.ts). RFC 1035 4.1.4; RFC 6891 6.1.1.
 */
import { HEADER_BYTES, MESSAGE_BYTES_MAX } from './iana.ts';
import { expandNameAsSent, NAME_BYTES_MAX } from './name.ts';
import { setCounts, writeUint16 } from './patch.ts';
import { rdataLayout, rdataPartEnd } from './rdata-layout.ts';
import type { ResponseRecord } from './response-records.ts';

export interface RebuiltResponse {
  readonly message: Uint8Array;
  /** Offsets of the TTLs in `message`. */
  readonly ttlOffsets: number[];
}

const FIXED_BYTES = 10;
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/**
 * Errors: undefined if the result would be larger than a message can be.
 * Cost: one allocation of the largest message; off the hot path.
 */
export function rebuildResponse(
  message: Uint8Array,
  questionCount: number,
  questionEnd: number,
  sections: readonly [ResponseRecord[], ResponseRecord[], ResponseRecord[]],
): RebuiltResponse | undefined {
  const out = new Uint8Array(MESSAGE_BYTES_MAX);
  out.set(message.subarray(0, questionEnd));
  setCounts(out, 0, questionCount, sections[0].length, sections[1].length, sections[2].length);
  const ttlOffsets: number[] = [];
  let at = Math.max(questionEnd, HEADER_BYTES);
  for (const record of sections.flat()) {
    const fixed = copyName(message, record.start, message.length, out, at);
    if (fixed < 0 || fixed + FIXED_BYTES > out.length) return undefined;
    out.set(message.subarray(record.fixed, record.rdataStart), fixed);
    ttlOffsets.push(fixed + 4);
    at = copyRdata(message, record, out, fixed + FIXED_BYTES);
    if (at < 0) return undefined;
    writeUint16(out, fixed + 8, at - fixed - FIXED_BYTES);
  }
  return { message: out.slice(0, at), ttlOffsets };
}

function copyRdata(message: Uint8Array, record: ResponseRecord, out: Uint8Array, outStart: number): number {
  let at = record.rdataStart;
  let outAt = outStart;
  for (const part of rdataLayout(record.type)) {
    const partEnd = rdataPartEnd(message, part, at, record.end);
    if (partEnd < 0) return -1;
    if (part === 'name') {
      outAt = copyName(message, at, record.end, out, outAt);
      if (outAt < 0) return -1;
    } else {
      if (outAt + partEnd - at > out.length) return -1;
      out.set(message.subarray(at, partEnd), outAt);
      outAt += partEnd - at;
    }
    at = partEnd;
  }
  return outAt;
}

function copyName(message: Uint8Array, offset: number, end: number, out: Uint8Array, outAt: number): number {
  const nameBytes = expandNameAsSent(message, 0, offset, end, scratchName);
  if (nameBytes < 0 || outAt + nameBytes > out.length) return -1;
  out.set(scratchName.subarray(0, nameBytes), outAt);
  return outAt + nameBytes;
}
