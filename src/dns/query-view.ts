/**
 * Reads a query where it lies: header, question, OPT. One QueryView a thread is reused for every message; only readQuery
 * writes it, and what it says holds until the next readQuery. First step of the query path (accept); it never throws,
 * copies or allocates, and it decides nothing beyond "this is not a query one can answer" (fault).
 * RFC 1035 4; RFC 6891 6.1; RFC 7873 5.2 and 5.4; RFC 9619. Options that we do not act upon are not looked into.
 */
import { EdnsOption, HEADER_BYTES, HeaderFlag, Opcode, RecordType } from './iana.ts';
import { expandName, LABEL_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX, skipName } from './name.ts';
import { DNSSEC_OK_FLAG, OPTION_HEADER_BYTES } from './edns.ts';
import { readUint16 } from './patch.ts';

export const QueryFault = {
  none: 0,
  /** Fewer octets than a header: drop. */
  tooShort: 1,
  /** QR is set: drop, or two servers answer each other for ever. */
  isResponse: 2,
  /** QDCOUNT above 1, or 0 without a cookie: FORMERR. */
  questionCount: 3,
  /** FORMERR. */
  malformed: 4,
  /** QDCOUNT 0 with a COOKIE option: a request for a cookie (RFC 7873 5.4). */
  cookieOnly: 5,
} as const;

const QUESTION_FIXED_BYTES = 4;
const RECORD_FIXED_BYTES = 10;
const CLIENT_COOKIE_BYTES = 8;
const FULL_COOKIE_BYTES_MIN = 16;
const FULL_COOKIE_BYTES_MAX = 40;

/** Where the rare owner name that is not the root's is expanded to be checked. */
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/** What readQuery found. Offsets are absolute in `bytes` unless said otherwise. */
export class QueryView {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  id = 0;
  /** The header's flags word as it came (see HeaderFlag). */
  flags = 0;
  opcode = 0;
  questionCount = 0;
  qnameStart = 0;
  /** Octets of the qname with its root label; 0: no question was read, and questionEnd is the header's end. */
  qnameBytes = 0;
  labelCount = 0;
  /** Offset of each label's length octet relative to qnameStart, first label first. */
  readonly labelStarts: Uint8Array = new Uint8Array(LABELS_MAX);
  qtype = 0;
  qclass = 0;
  questionEnd = 0;
  /** An OPT record was read; also with a fault in its options, whose FORMERR "MUST include an OPT" (RFC 6891 7). */
  hasEdns = false;
  ednsVersion = 0;
  /** As the client wrote it (0 is legal there too); 0 without EDNS. See udpResponseBytesMax. */
  udpPayloadBytes = 0;
  dnssecOk = false;
  /** Start of the cookie's octets; 0: none. */
  cookieStart = 0;
  cookieBytes = 0;
  hasKeepalive = false;
  hasNsid = false;
  /** Start of the OPT record's options. */
  optionsStart = 0;
  /** A padding option with its header; 0 octets: none. */
  paddingStart = 0;
  paddingBytes = 0;
  fault: number = QueryFault.none;
}

/** What a query asks, where it lies. */
export type QuestionView = Pick<QueryView, 'bytes' | 'qnameStart' | 'qnameBytes' | 'qtype' | 'dnssecOk'>;

/**
 * Reads the message in bytes[start, end) and returns view.fault. With an opcode other than QUERY the fault is none
 * unless the message is too short or a response: the question and OPT are read as far as they can be, for the NOTIMP.
 * Cost: about one step an octet of the qname; no allocation.
 */
export function readQuery(view: QueryView, bytes: Uint8Array, start: number, end: number): number {
  reset(view, bytes, start, end);
  if (end - start < HEADER_BYTES) return (view.fault = QueryFault.tooShort);
  const flags = readUint16(bytes, start + 2);
  view.id = readUint16(bytes, start);
  view.flags = flags;
  view.opcode = (flags >>> 11) & 0x0f;
  view.questionCount = readUint16(bytes, start + 4);
  view.questionEnd = start + HEADER_BYTES;
  if ((flags & HeaderFlag.QR) !== 0) return (view.fault = QueryFault.isResponse);
  const fault = readSections(view);
  return (view.fault = view.opcode === Opcode.QUERY ? fault : QueryFault.none);
}

function reset(view: QueryView, bytes: Uint8Array, start: number, end: number): void {
  view.bytes = bytes;
  view.start = start;
  view.end = end;
  view.id = 0;
  view.flags = 0;
  view.opcode = 0;
  view.questionCount = 0;
  view.qnameStart = start + HEADER_BYTES;
  view.qnameBytes = 0;
  view.labelCount = 0;
  view.qtype = 0;
  view.qclass = 0;
  view.questionEnd = start;
  view.hasEdns = false;
  view.ednsVersion = 0;
  view.udpPayloadBytes = 0;
  view.dnssecOk = false;
  view.cookieStart = 0;
  view.cookieBytes = 0;
  view.hasKeepalive = false;
  view.hasNsid = false;
  view.optionsStart = 0;
  view.paddingStart = 0;
  view.paddingBytes = 0;
}

function readSections(view: QueryView): number {
  const { bytes, start } = view;
  // "A DNS message with OPCODE = 0 and QDCOUNT > 1 MUST be treated as an incorrectly formatted message" (RFC 9619 4).
  if (view.questionCount > 1) return QueryFault.questionCount;
  if (view.questionCount === 1 && !readQuestion(view)) return QueryFault.malformed;
  const answerCount = readUint16(bytes, start + 6);
  const authorityCount = readUint16(bytes, start + 8);
  if (view.opcode === Opcode.QUERY) {
    // Why: an IXFR query carries the SOA of the client's version in its authority section (RFC 1995 3).
    const authorityCountMax = view.qtype === RecordType.IXFR ? 1 : 0;
    if (answerCount !== 0 || authorityCount > authorityCountMax) return QueryFault.malformed;
  }
  const at = skipRecords(view, view.questionEnd, answerCount + authorityCount);
  if (at < 0 || !readAdditional(view, at, readUint16(bytes, start + 10))) return QueryFault.malformed;
  if (view.questionCount === 1) return QueryFault.none;
  return view.cookieStart !== 0 ? QueryFault.cookieOnly : QueryFault.questionCount;
}

/** Reads the one question; false if it is malformed, with the view as if there were none. */
function readQuestion(view: QueryView): boolean {
  const { bytes, end, qnameStart, labelStarts } = view;
  let at = qnameStart;
  let labelCount = 0;
  for (;;) {
    if (at >= end) return false;
    const labelBytes = bytes[at]!;
    if (labelBytes === 0) break;
    // A pointer too: there is no earlier name for a question's to point to.
    if (labelBytes > LABEL_BYTES_MAX) return false;
    labelStarts[labelCount] = at - qnameStart;
    labelCount += 1;
    at += 1 + labelBytes;
    if (at - qnameStart >= NAME_BYTES_MAX) return false;
  }
  at += 1;
  if (at + QUESTION_FIXED_BYTES > end) return false;
  view.qnameBytes = at - qnameStart;
  view.labelCount = labelCount;
  view.qtype = readUint16(bytes, at);
  view.qclass = readUint16(bytes, at + 2);
  view.questionEnd = at + QUESTION_FIXED_BYTES;
  return true;
}

/** The offset behind `count` records, or -1 if one is malformed. */
function skipRecords(view: QueryView, offset: number, count: number): number {
  let at = offset;
  for (let index = 0; index < count && at >= 0; index += 1) at = skipRecord(view, at);
  return at;
}

function skipRecord(view: QueryView, offset: number): number {
  const { bytes, start, end } = view;
  if (expandName(bytes, start, offset, end, scratchName) < 0) return -1;
  const fixed = skipName(bytes, offset, end);
  if (fixed < 0 || fixed + RECORD_FIXED_BYTES > end) return -1;
  const recordEnd = fixed + RECORD_FIXED_BYTES + readUint16(bytes, fixed + 8);
  return recordEnd <= end ? recordEnd : -1;
}

/** Reads the additional section, which must end where the message ends; false if it is malformed. */
function readAdditional(view: QueryView, offset: number, count: number): boolean {
  const { bytes, end } = view;
  let at = offset;
  for (let index = 0; index < count; index += 1) {
    const isRootOwner = at + 1 + RECORD_FIXED_BYTES <= end && bytes[at] === 0;
    const fixed = isRootOwner ? at + 1 : skipName(bytes, at, end);
    if (fixed < 0 || fixed + RECORD_FIXED_BYTES > end) return false;
    if (readUint16(bytes, fixed) === RecordType.OPT) {
      // "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1) MUST be returned" and "NAME ...
      // MUST be 0 (root domain)" (RFC 6891 6.1.1, 6.1.2).
      if (!isRootOwner || view.hasEdns) return false;
      at = readOpt(view, fixed);
    } else {
      at = skipRecord(view, at);
    }
    if (at < 0) return false;
  }
  return at === end;
}

/** Reads the OPT record whose type is at `fixed`; returns its end, or -1 if it is malformed. */
function readOpt(view: QueryView, fixed: number): number {
  const { bytes, end } = view;
  view.hasEdns = true;
  view.udpPayloadBytes = readUint16(bytes, fixed + 2);
  view.ednsVersion = bytes[fixed + 5]!;
  view.dnssecOk = (readUint16(bytes, fixed + 6) & DNSSEC_OK_FLAG) !== 0;
  let at = fixed + RECORD_FIXED_BYTES;
  const optEnd = at + readUint16(bytes, fixed + 8);
  view.optionsStart = at;
  if (optEnd > end) return -1;
  // Why: another version may lay its options out otherwise; BADVERS is the answer whatever they are.
  if (view.ednsVersion !== 0) return optEnd;
  while (at < optEnd) {
    const data = at + OPTION_HEADER_BYTES;
    if (data > optEnd) return -1;
    const dataBytes = readUint16(bytes, at + 2);
    if (data + dataBytes > optEnd) return -1;
    if (!noteOption(view, readUint16(bytes, at), data, dataBytes)) return -1;
    at = data + dataBytes;
  }
  return optEnd;
}

function noteOption(view: QueryView, code: number, data: number, dataBytes: number): boolean {
  switch (code) {
    case EdnsOption.COOKIE:
      // Of several cookies the first counts, and only it (RFC 7873 5).
      if (view.cookieStart !== 0) return true;
      if (!isCookieLength(dataBytes)) return false;
      view.cookieStart = data;
      view.cookieBytes = dataBytes;
      return true;
    case EdnsOption.KEEPALIVE:
      view.hasKeepalive = true;
      return true;
    case EdnsOption.NSID:
      view.hasNsid = true;
      return true;
    case EdnsOption.PADDING:
      view.paddingStart = data - OPTION_HEADER_BYTES;
      view.paddingBytes = dataBytes + OPTION_HEADER_BYTES;
      return true;
    default:
      // "Any OPTION-CODE values not understood by a responder or requestor MUST be ignored" (RFC 6891 6.1.2).
      return true;
  }
}

/**
 * "If the COOKIE option is too short to contain a Client Cookie, then FORMERR is generated. If the COOKIE option is
 * longer than that required to hold a COOKIE option with just a Client Cookie (8 bytes) but is shorter than the minimum
 * COOKIE option with both a Client Cookie and a Server Cookie (16 bytes), then FORMERR is generated. If the COOKIE option
 * is longer than the maximum valid COOKIE option (40 bytes), then FORMERR is generated."  Source: RFC 7873 5.2.2.
 */
function isCookieLength(dataBytes: number): boolean {
  return (
    dataBytes === CLIENT_COOKIE_BYTES || (dataBytes >= FULL_COOKIE_BYTES_MIN && dataBytes <= FULL_COOKIE_BYTES_MAX)
  );
}
