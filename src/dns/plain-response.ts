/**
 * Reads the responses that nearly all are, without making an object: an alias chain in order and A or AAAA records at its
 * end, or none and a SOA record, and at most an OPT record behind. It says no to everything else, well-formed or not, and
 * response-view.ts reads that; what it accepts, both read alike (test/fuzz/plain-response.test.ts). Why two: the other
 * makes some twenty objects a response, which cost a forwarded query a sixth of its time.
 * RFC 1035 4; RFC 2308 2 and 5; RFC 6891 6.1; RFC 8914 2.
 */
import { TARGETS_MAX } from './answer-chain.ts';
import { OPTION_HEADER_BYTES, OPT_BYTES } from './edns.ts';
import { EdnsOption, HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, Rcode, RecordClass, RecordType } from './iana.ts';
import { expandName, FOLD, NAME_BYTES_MAX, namesEqual, skipName } from './name.ts';
import { copyOctets, readUint16, readUint32 } from './patch.ts';
import type { ResponseKind } from './response-view.ts';
import { saneTtl } from './ttl.ts';

const OPCODE_BITS = 0x7800;
const RCODE_BITS = 0x000f;
const QUESTION_FIXED_BYTES = 4;
const RECORD_FIXED_BYTES = 10;
const RECORD_BYTES_MIN = 1 + RECORD_FIXED_BYTES;
const SOA_NUMBERS_BYTES = 20;
const A_BYTES = 4;
const AAAA_BYTES = 16;
const POINTER_BYTES = 2;
/** Answer records of a response that is plain. */
const ANSWERS_MAX = 64;
/** Names that its chain has. */
const ALIASES_MAX = 8;
/** Of a message: as many as fit. */
const TTLS_MAX = Math.ceil(MESSAGE_BYTES_MAX / RECORD_BYTES_MIN);

const scratchName = new Uint8Array(NAME_BYTES_MAX);

/** What a response says, for whoever keeps it. One object is filled again and again. */
export class ResponseSummary {
  flags = 0;
  /** 12 bits. */
  rcode = 0;
  kind: ResponseKind = 'nodata';
  answerCount = 0;
  authorityCount = 0;
  /** Without OPT. */
  additionalCount = 0;
  /** Where the records begin and, OPT left out, end. Units: offsets from the message's first octet. */
  bodyStart = 0;
  bodyEnd = 0;
  /** `ttlCount` of them, from the message's first octet. */
  readonly ttlOffsets = new Uint16Array(TTLS_MAX);
  ttlCount = 0;
  /** Lowest of answer and authority section; 0 if both are empty. */
  ttlSecondsMin = 0;
  /** The lower of TTL and MINIMUM of a SOA record at or above the chain's end; -1: there is none. */
  negativeTtlSeconds = -1;
  /** `targetCount` names that the answer leads to, in lower case, one behind the other in `targetsBytes` octets. */
  readonly targets = Buffer.alloc(TARGETS_MAX * NAME_BYTES_MAX);
  targetsBytes = 0;
  targetCount = 0;
  /** INFO-CODE of the first extended error; -1: none. */
  extendedError = -1;
}

/** The question that a response must have. */
export interface AskedQuestion {
  /** Lower case; the first `qnameBytes` octets. */
  readonly qname: Uint8Array;
  readonly qnameBytes: number;
  readonly qtype: number;
}

/**
 * Fills `into` with the response in bytes[start, end). False: it is not plain, and `into` says nothing.
 * Cost: one step an octet of its names; allocates nothing.
 */
export function readPlainResponse(
  into: ResponseSummary,
  bytes: Uint8Array,
  start: number,
  end: number,
  question: AskedQuestion,
): boolean {
  const questionEnd = start + HEADER_BYTES + question.qnameBytes + QUESTION_FIXED_BYTES;
  if (end < questionEnd || !readHeader(into, bytes, start) || !isQuestion(bytes, start, question)) return false;
  into.bodyStart = questionEnd - start;
  into.ttlCount = 0;
  into.ttlSecondsMin = Infinity;
  into.targetsBytes = 0;
  into.targetCount = 0;
  into.negativeTtlSeconds = -1;
  let at = readAnswers(into, bytes, start, questionEnd, end, question);
  if (at > 0 && into.authorityCount === 1) at = readSoa(into, bytes, start, at, end, question);
  if (at < 0) return false;
  if (into.ttlCount === 0) into.ttlSecondsMin = 0;
  into.bodyEnd = at - start;
  return readOpt(into, bytes, at, end);
}

function readHeader(into: ResponseSummary, bytes: Uint8Array, start: number): boolean {
  const flags = readUint16(bytes, start + 2);
  if ((flags & (HeaderFlag.QR | OPCODE_BITS | HeaderFlag.TC)) !== HeaderFlag.QR) return false;
  const rcode = flags & RCODE_BITS;
  if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN) return false;
  into.flags = flags;
  into.rcode = rcode;
  into.answerCount = readUint16(bytes, start + 6);
  into.authorityCount = readUint16(bytes, start + 8);
  into.additionalCount = readUint16(bytes, start + 10);
  if (into.answerCount > ANSWERS_MAX || into.authorityCount > 1 || into.additionalCount > 1) return false;
  return readUint16(bytes, start + 4) === 1;
}

function isQuestion(bytes: Uint8Array, start: number, { qname, qnameBytes, qtype }: AskedQuestion): boolean {
  const nameStart = start + HEADER_BYTES;
  for (let i = 0; i < qnameBytes; i++) if (FOLD[bytes[nameStart + i]!] !== qname[i]) return false;
  const nameEnd = nameStart + qnameBytes;
  return readUint16(bytes, nameEnd) === qtype && readUint16(bytes, nameEnd + 2) === RecordClass.IN;
}

/** Follows the aliases as far as they go, then the data. Returns the offset behind, or -1. */
function readAnswers(
  into: ResponseSummary,
  bytes: Uint8Array,
  start: number,
  answersStart: number,
  end: number,
  question: AskedQuestion,
): number {
  const dataBytes = question.qtype === RecordType.A ? A_BYTES : question.qtype === RecordType.AAAA ? AAAA_BYTES : -1;
  // Where the name that the next record must be of lies: the question's, then each alias's.
  let nameAt = start + HEADER_BYTES;
  let at = answersStart;
  let dataTtlSeconds = -1;
  for (let index = 0; index < into.answerCount; index++) {
    const fixed = ownerEnd(into, bytes, start, at, end, nameAt, question);
    if (fixed < 0) return -1;
    const type = readUint16(bytes, fixed);
    const ttlSeconds = readUint32(bytes, fixed + 4);
    const rdata = fixed + RECORD_FIXED_BYTES;
    const rdataEnd = rdata + readUint16(bytes, fixed + 8);
    if (rdataEnd > end || saneTtl(ttlSeconds) !== ttlSeconds) return -1;
    if (type === question.qtype && rdataEnd - rdata === dataBytes) {
      // RRsets of several TTLs are made one by whoever reads them all.
      if (dataTtlSeconds >= 0 && ttlSeconds !== dataTtlSeconds) return -1;
      dataTtlSeconds = ttlSeconds;
    } else {
      if (type !== RecordType.CNAME || question.qtype === RecordType.CNAME || dataTtlSeconds >= 0) return -1;
      if (!readAlias(into, bytes, start, rdata, rdataEnd, question)) return -1;
      nameAt = rdata;
    }
    noteTtl(into, fixed + 4 - start, ttlSeconds);
    at = rdataEnd;
  }
  if (question.qtype === RecordType.ANY) return -1;
  into.kind = into.rcode === Rcode.NXDOMAIN ? 'nxdomain' : dataTtlSeconds >= 0 ? 'answer' : 'nodata';
  return at;
}

/** The offset behind the owner name at `at`, of a record of class IN whose owner is the chain's name; or -1. */
function ownerEnd(
  into: ResponseSummary,
  bytes: Uint8Array,
  start: number,
  at: number,
  end: number,
  nameAt: number,
  question: AskedQuestion,
): number {
  if (at + RECORD_BYTES_MIN > end) return -1;
  let fixed = at + POINTER_BYTES;
  // Why it fits: behind a question and ALIASES_MAX records of the longest names there are not yet 2^14 octets.
  if (readUint16(bytes, at) !== (0xc000 | (nameAt - start))) {
    fixed = skipName(bytes, at, end);
    if (fixed < 0 || expandName(bytes, start, at, end, scratchName) < 0) return -1;
    if (!isFinalName(into, question, scratchName)) return -1;
  }
  if (fixed + RECORD_FIXED_BYTES > end) return -1;
  return readUint16(bytes, fixed + 2) === RecordClass.IN ? fixed : -1;
}

/** Whether the chain's last name is this one. */
function isFinalName(into: ResponseSummary, question: AskedQuestion, name: Uint8Array): boolean {
  const last = finalNameStart(into);
  return last < 0 ? namesEqual(question.qname, 0, name, 0) : namesEqual(into.targets, last, name, 0);
}

/** Where in `targets` the last name begins; -1: the chain has no alias. */
function finalNameStart(into: ResponseSummary): number {
  let last = -1;
  for (let at = 0; at < into.targetsBytes; at = nextName(into.targets, at)) last = at;
  return last;
}

function nextName(names: Uint8Array, start: number): number {
  let at = start;
  while (names[at] !== 0) at += 1 + names[at]!;
  return at + 1;
}

/** Adds the name in [rdata, rdataEnd) to the chain; false: malformed, the chain has it already, or is too long. */
function readAlias(
  into: ResponseSummary,
  bytes: Uint8Array,
  start: number,
  rdata: number,
  rdataEnd: number,
  question: AskedQuestion,
): boolean {
  if (into.targetCount === ALIASES_MAX || skipName(bytes, rdata, rdataEnd) !== rdataEnd) return false;
  const targetBytes = expandName(bytes, start, rdata, rdataEnd, scratchName);
  if (targetBytes < 0 || namesEqual(question.qname, 0, scratchName, 0)) return false;
  for (let at = 0; at < into.targetsBytes; at = nextName(into.targets, at)) {
    if (namesEqual(into.targets, at, scratchName, 0)) return false;
  }
  copyOctets(scratchName, 0, targetBytes, into.targets, into.targetsBytes);
  into.targetsBytes += targetBytes;
  into.targetCount++;
  return true;
}

function noteTtl(into: ResponseSummary, offset: number, ttlSeconds: number): void {
  into.ttlOffsets[into.ttlCount++] = offset;
  into.ttlSecondsMin = Math.min(into.ttlSecondsMin, ttlSeconds);
}

/** The one record of the authority section. Returns the offset behind, or -1. */
function readSoa(
  into: ResponseSummary,
  bytes: Uint8Array,
  start: number,
  at: number,
  end: number,
  question: AskedQuestion,
): number {
  const fixed = skipName(bytes, at, end);
  if (fixed < 0 || fixed + RECORD_FIXED_BYTES > end) return -1;
  if (readUint16(bytes, fixed) !== RecordType.SOA || readUint16(bytes, fixed + 2) !== RecordClass.IN) return -1;
  const rdata = fixed + RECORD_FIXED_BYTES;
  const rdataEnd = rdata + readUint16(bytes, fixed + 8);
  if (rdataEnd > end) return -1;
  const mailbox = wholeNameEnd(bytes, start, rdata, rdataEnd);
  const numbers = mailbox < 0 ? -1 : wholeNameEnd(bytes, start, mailbox, rdataEnd);
  if (numbers < 0 || numbers + SOA_NUMBERS_BYTES !== rdataEnd) return -1;
  if (expandName(bytes, start, at, end, scratchName) < 0) return -1;
  const ttlSeconds = readUint32(bytes, fixed + 4);
  if (saneTtl(ttlSeconds) !== ttlSeconds) return -1;
  if (isFinalNameAtOrBelow(into, question, scratchName)) {
    into.negativeTtlSeconds = Math.min(ttlSeconds, saneTtl(readUint32(bytes, rdataEnd - 4)));
  }
  noteTtl(into, fixed + 4 - start, ttlSeconds);
  return rdataEnd;
}

function isFinalNameAtOrBelow(into: ResponseSummary, { qname }: AskedQuestion, ancestor: Uint8Array): boolean {
  const last = finalNameStart(into);
  const name = last < 0 ? qname : into.targets;
  let at = Math.max(last, 0);
  for (;;) {
    if (namesEqual(name, at, ancestor, 0)) return true;
    if (name[at] === 0) return false;
    at += 1 + name[at]!;
  }
}

/** The offset behind a name that must be whole, or -1. */
function wholeNameEnd(bytes: Uint8Array, start: number, at: number, end: number): number {
  return expandName(bytes, start, at, end, scratchName) < 0 ? -1 : skipName(bytes, at, end);
}

/** What is left must be one OPT record, or nothing. */
function readOpt(into: ResponseSummary, bytes: Uint8Array, at: number, end: number): boolean {
  into.extendedError = -1;
  if (into.additionalCount === 0) return at === end;
  into.additionalCount = 0;
  if (at + OPT_BYTES > end || bytes[at] !== 0 || readUint16(bytes, at + 1) !== RecordType.OPT) return false;
  // The upper octet of the rcode.
  if (bytes[at + 5] !== 0 || at + OPT_BYTES + readUint16(bytes, at + 9) !== end) return false;
  let option = at + OPT_BYTES;
  while (option < end) {
    const data = option + OPTION_HEADER_BYTES;
    if (data > end) return false;
    const dataBytes = readUint16(bytes, option + 2);
    const isFirstError = into.extendedError < 0 && readUint16(bytes, option) === EdnsOption.EDE && dataBytes >= 2;
    if (isFirstError && data + 2 <= end) into.extendedError = readUint16(bytes, data);
    option = data + dataBytes;
  }
  return option === end;
}
