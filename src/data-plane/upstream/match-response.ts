/**
 * Whether a message that came on the right socket with the right id is the response to our query, and what kind of
 * response. It must say no to everything else: this is what an off-path forger has to get past.
 * RFC 5452 9.1: "match the ... question section"; RFC 1035 4.1.1; RFC 6891 6.1.3.
 */
import { HEADER_BYTES, HeaderFlag, Rcode, RecordType } from '../../dns/iana.ts';
import { FOLD, skipName } from '../../dns/name.ts';
import { readUint16 } from '../../dns/patch.ts';

export const ResponseMatch = {
  no: 0,
  yes: 1,
  /** The same question in another letter case, though ours was random. */
  otherCase: 2,
} as const;

const OPCODE_BITS = 0x7800;
const RECORD_FIXED_BYTES = 10;

export function matchResponse(
  query: Uint8Array,
  questionEnd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start < HEADER_BYTES) return ResponseMatch.no;
  const flags = readUint16(bytes, start + 2);
  if (!(flags & HeaderFlag.QR) || flags & OPCODE_BITS) return ResponseMatch.no;
  if (end - start === HEADER_BYTES) return isBareRefusal(bytes, start) ? ResponseMatch.yes : ResponseMatch.no;
  if (readUint16(bytes, start + 4) !== 1 || end - start < questionEnd) return ResponseMatch.no;
  let isExact = true;
  for (let offset = HEADER_BYTES; offset < questionEnd; offset++) {
    const ours = query[offset]!;
    const theirs = bytes[start + offset]!;
    if (ours === theirs) continue;
    // Why the last four octets too: qtype and qclass are numbers and must not be folded.
    if (offset >= questionEnd - 4 || FOLD[ours] !== FOLD[theirs]) return ResponseMatch.no;
    isExact = false;
  }
  return isExact ? ResponseMatch.yes : ResponseMatch.otherCase;
}

/** Servers that know nothing of EDNS may send a header alone: FORMERR or NOTIMP without a question (RFC 6891 7). */
function isBareRefusal(bytes: Uint8Array, start: number): boolean {
  const rcode = bytes[start + 3]! & 0x0f;
  return readUint16(bytes, start + 4) === 0 && (rcode === Rcode.FORMERR || rcode === Rcode.NOTIMP);
}

/** `malformed` is for whoever reads the whole message to find. */
export const ResponseKind = {
  good: 0,
  truncated: 1,
  formerr: 2,
  servfail: 3,
  refused: 4,
  malformed: 5,
  badVersion: 6,
} as const;

/** What to make of a matched response; `questionEnd`: of the query. */
export function responseKind(bytes: Uint8Array, start: number, end: number, questionEnd: number): number {
  if (readUint16(bytes, start + 2) & HeaderFlag.TC) return ResponseKind.truncated;
  const rcode = bytes[start + 3]! & 0x0f;
  switch (rcode) {
    case Rcode.NOERROR:
    case Rcode.NXDOMAIN:
    case Rcode.YXDOMAIN: // A DNAME that makes the name too long (RFC 6672 2.2): as true as NXDOMAIN.
      return kindByWholeRcode((upperRcode(bytes, start, end, questionEnd) << 4) | rcode);
    case Rcode.FORMERR:
    case Rcode.NOTIMP:
      return ResponseKind.formerr;
    case Rcode.SERVFAIL:
      return ResponseKind.servfail;
    default:
      return ResponseKind.refused;
  }
}

function kindByWholeRcode(rcode: number): number {
  if (rcode >>> 4 === 0) return ResponseKind.good;
  return rcode === Rcode.BADVERS ? ResponseKind.badVersion : ResponseKind.refused;
}

/**
 * The eight bits of the rcode that an OPT record carries; 0 where there is none. Why of no message with answers: no error
 * has any, and the header of a good answer is enough then.
 */
function upperRcode(bytes: Uint8Array, start: number, end: number, questionEnd: number): number {
  if (readUint16(bytes, start + 6) !== 0) return 0;
  let at = start + questionEnd;
  for (let left = readUint16(bytes, start + 8) + readUint16(bytes, start + 10); left > 0; left--) {
    const fixed = skipName(bytes, at, end);
    if (fixed < 0 || fixed + RECORD_FIXED_BYTES > end) return 0;
    if (readUint16(bytes, fixed) === RecordType.OPT) return bytes[fixed + 4]!;
    at = fixed + RECORD_FIXED_BYTES + readUint16(bytes, fixed + 8);
  }
  return 0;
}

/**
 * Whether a response says that its sender does not know EDNS, or no version that we do: BADVERS, or FORMERR without any
 * additional record, so certainly without OPT. RFC 6891 6.1.3, 7.
 */
export function refusesEdns(kind: number, bytes: Uint8Array, start: number): boolean {
  return kind === ResponseKind.badVersion || (kind === ResponseKind.formerr && readUint16(bytes, start + 10) === 0);
}
