/**
 * Writes the query that goes to an upstream: RD set, CD and DO as the client asked, our payload size, never a client's
 * subnet, but the operator's own where one is configured (RFC 7871). One OPT record at the end, so that leaving EDNS out is a shorter length and another count.
 * RFC 1035 4.1; RFC 6891 6.2.3; RFC 6840 5.7 (AD in a query asks for AD in the response); draft-vixie-dnsext-dns0x20;
 * RFC 7830 and 8467 (padding, where nobody on the way can read the query).
 */
import {
  appendOptionBytes,
  CLIENT_SUBNET_BYTES_MAX,
  OPT_BYTES,
  OPTION_HEADER_BYTES,
  writeOptRecord,
} from '../../dns/edns.ts';
import { EdnsOption, HEADER_BYTES, HeaderFlag, RecordClass } from '../../dns/iana.ts';
import { NAME_BYTES_MAX } from '../../dns/name.ts';
import { copyOctets, readUint16, setCounts, setFlags, setId, writeUint16 } from '../../dns/patch.ts';
import type { RandomWords } from './random-words.ts';
import type { UpstreamQuestion } from './upstream.ts';

/** Octets of qtype and qclass. */
const QUESTION_TAIL_BYTES = 4;
export const QUERY_BYTES_MAX =
  HEADER_BYTES + NAME_BYTES_MAX + QUESTION_TAIL_BYTES + OPT_BYTES + CLIENT_SUBNET_BYTES_MAX;

const ARCOUNT_LOW_OCTET = 11;
/** In an OPT record. */
const RDLENGTH_OFFSET = OPT_BYTES - 2;
const LETTER_CASE_BIT = 0x20;

/** What every query upstream says in its OPT record. */
export interface QueryEdns {
  readonly udpPayloadBytes: number;
  /** A whole option; undefined: none. */
  readonly clientSubnet?: Uint8Array | undefined;
}

/**
 * Writes everything but the id into `query` and returns the offset behind the question, where the OPT record begins.
 * Why AD is set: the cache keeps one answer for all, and finish clears AD for clients that asked for neither AD nor DO.
 */
export function writeQuery(query: Uint8Array, question: UpstreamQuestion, edns: QueryEdns): number {
  const checkingDisabled = question.checkingDisabled ? HeaderFlag.CD : 0;
  setFlags(query, 0, HeaderFlag.RD | HeaderFlag.AD | checkingDisabled);
  setCounts(query, 0, 1, 0, 0, 1);
  copyOctets(question.qname, 0, question.qnameBytes, query, HEADER_BYTES);
  const qnameEnd = HEADER_BYTES + question.qnameBytes;
  writeUint16(query, qnameEnd, question.qtype);
  writeUint16(query, qnameEnd + 2, RecordClass.IN);
  const questionEnd = qnameEnd + QUESTION_TAIL_BYTES;
  const end = writeOptRecord(query, questionEnd, edns.udpPayloadBytes, 0, question.dnssecOk);
  if (edns.clientSubnet !== undefined) appendOptionBytes(query, questionEnd, end, edns.clientSubnet);
  return questionEnd;
}

/** Gives every letter of the question's name a random case. */
export function randomizeCase(query: Uint8Array, questionEnd: number, random: RandomWords): void {
  const qnameEnd = questionEnd - QUESTION_TAIL_BYTES;
  let bits = 0;
  let bitsLeft = 0;
  let labelEnd = HEADER_BYTES;
  for (let offset = HEADER_BYTES; offset < qnameEnd; offset++) {
    if (offset === labelEnd) {
      labelEnd = offset + 1 + query[offset]!;
      continue;
    }
    const lower = query[offset]! | LETTER_CASE_BIT;
    if (lower < 0x61 || lower > 0x7a) continue;
    if (bitsLeft === 0) {
      bits = random.next();
      bitsLeft = 32;
    }
    query[offset] = bits & 1 ? lower : lower & ~LETTER_CASE_BIT;
    bits >>>= 1;
    bitsLeft--;
  }
}

/** Makes the query ready for one transmission; returns its length. */
export function prepareQuery(query: Uint8Array, questionEnd: number, id: number, withEdns: boolean): number {
  setId(query, 0, id);
  query[ARCOUNT_LOW_OCTET] = withEdns ? 1 : 0;
  return withEdns ? questionEnd + OPT_BYTES + readUint16(query, questionEnd + RDLENGTH_OFFSET) : questionEnd;
}

/**
 * Length of a query with a padding option that rounds it up to a multiple of `blockBytes`.
 * Source: RFC 8467 4.1 ("Clients SHOULD pad queries to the closest multiple of 128 octets").
 */
export function paddedLength(length: number, blockBytes: number): number {
  return Math.ceil((length + OPTION_HEADER_BYTES) / blockBytes) * blockBytes;
}

/** Makes the zeros behind the OPT record at `optStart`, from its `end` to the end of `message`, a padding option of it, behind its others. */
export function writePadding(message: Uint8Array, optStart: number, end: number): void {
  writeUint16(message, end, EdnsOption.PADDING);
  writeUint16(message, end + 2, message.length - end - OPTION_HEADER_BYTES);
  writeUint16(message, optStart + RDLENGTH_OFFSET, message.length - optStart - OPT_BYTES);
}
