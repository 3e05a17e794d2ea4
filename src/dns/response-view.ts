/**
 * Reads and checks an upstream's response whole: structure, every name, the RDATA of the known types, OPT. What it says
 * is enough to judge the answer (targets), to keep it (TTLs and their offsets, negative TTL) and to pass it on
 * (rebuilt, or the message less its OPT record). It reads what
 * plain-response.ts says no to, so it may allocate; it must not look at policy, id or time.
 * RFC 1035 4; RFC 2181 5.4.1 and 8; RFC 2308 2 and 5; RFC 6891 6.1; RFC 8914 2.
 */
import { followChain, type AnswerChain } from './answer-chain.ts';
import { HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, Rcode, RecordType } from './iana.ts';
import { expandName, NAME_BYTES_MAX, nameBytes, namesEqual } from './name.ts';
import { readUint16, readUint32 } from './patch.ts';
import { rebuildResponse } from './rebuild-response.ts';
import { NO_OPT, readRecords, type ResponseRecord, type ResponseRecords } from './response-records.ts';
import { saneTtl } from './ttl.ts';

/** answer: data of the type asked; nodata also stands for a bare alias chain and a referral; failure: any other rcode. */
export type ResponseKind = 'answer' | 'nodata' | 'nxdomain' | 'failure';

export interface ResponseView {
  readonly id: number;
  readonly flags: number;
  /** 12 bits: the header's four and the OPT record's eight. */
  readonly rcode: number;
  readonly kind: ResponseKind;
  /** 0 in the header-only error of a server that did not read the question; the question's fields are empty then. */
  readonly questionCount: number;
  /** Lower case. */
  readonly qname: Uint8Array;
  readonly rawQname: Uint8Array;
  readonly qtype: number;
  readonly qclass: number;
  /** Offset of every TTL, in `rebuilt` where there is one and in the message received otherwise. */
  readonly ttlOffsets: number[];
  /** Lowest TTL of answer and authority section; 0 if both are empty. */
  readonly ttlSecondsMin: number;
  /** The lower of TTL and MINIMUM of the authority section's SOA, whose owner must be at or above the chain's end. */
  readonly negativeTtlSeconds: number | undefined;
  /** Records of the answer section that belong to the question's chain. */
  readonly answerCount: number;
  /** Every name that the answer leads to (see answer-chain.ts), lower case, at most TARGETS_MAX. */
  readonly targets: Uint8Array[];
  /** Records of the answer section out of the chain, which `rebuilt` leaves out. */
  readonly droppedCount: number;
  /** Of the OPT record in the message received; both 0 without one. */
  readonly optStart: number;
  readonly optEnd: number;
  readonly ednsVersion: number;
  readonly udpPayloadBytes: number;
  readonly dnssecOk: boolean;
  /** INFO-CODE of the first extended error. */
  readonly extendedError: number | undefined;
  /** The message without OPT record and records out of the chain, where cutting off the OPT record is not enough. */
  readonly rebuilt: Uint8Array | undefined;
}

interface Question {
  readonly count: number;
  readonly qname: Uint8Array;
  readonly rawQname: Uint8Array;
  readonly qtype: number;
  readonly qclass: number;
  readonly end: number;
}

const QUESTION_FIXED_BYTES = 4;
const OPCODE_BITS = 0x7800;
const NO_NAME = new Uint8Array(0);
const scratchName = new Uint8Array(NAME_BYTES_MAX);

/**
 * Errors: undefined for a message that is malformed in any way, not a response, of another opcode, or with more than one
 * question. Never throws.
 * Cost: some objects a record; bounded by the message's length, POINTERS_MAX a name and TARGETS_MAX.
 */
export function readResponse(message: Uint8Array): ResponseView | undefined {
  if (message.length < HEADER_BYTES || message.length > MESSAGE_BYTES_MAX) return undefined;
  const flags = readUint16(message, 2);
  if ((flags & HeaderFlag.QR) === 0 || (flags & OPCODE_BITS) !== 0) return undefined;
  const question = readQuestion(message);
  if (question === undefined) return undefined;
  const records = readRecords(message, question.end);
  if (records === undefined) return undefined;
  const chain = followChain(message, question.qname, records.answers);
  if (chain === undefined) return undefined;
  return assemble(message, flags, question, records, chain);
}

function assemble(
  message: Uint8Array,
  flags: number,
  question: Question,
  records: ResponseRecords,
  chain: AnswerChain,
): ResponseView | undefined {
  const opt = records.opt ?? NO_OPT;
  const answers = records.answers.filter((_, index) => chain.reached[index]);
  const droppedCount = records.answers.length - answers.length;
  const isOptLast = opt.start === 0 || opt.end === message.length;
  let ttlOffsets: number[];
  let rebuilt: Uint8Array | undefined;
  if (droppedCount === 0 && isOptLast) {
    ttlOffsets = [...answers, ...records.authorities, ...records.additionals].map(({ fixed }) => fixed + 4);
  } else {
    const anew = rebuildResponse(message, question.count, question.end, [
      answers,
      records.authorities,
      records.additionals,
    ]);
    if (anew === undefined) return undefined;
    ({ ttlOffsets, message: rebuilt } = anew);
  }
  const rcode = (opt.upperRcode << 4) | (flags & 0x0f);
  return {
    id: readUint16(message, 0),
    flags,
    rcode,
    kind: kindOf(rcode, question.qtype, answers),
    questionCount: question.count,
    qname: question.qname,
    rawQname: question.rawQname,
    qtype: question.qtype,
    qclass: question.qclass,
    ttlOffsets,
    ttlSecondsMin: lowestTtl(message, answers, records.authorities),
    negativeTtlSeconds: negativeTtl(message, chain.finalName, records.authorities),
    answerCount: answers.length,
    targets: chain.targets,
    droppedCount,
    optStart: opt.start,
    optEnd: opt.end,
    ednsVersion: opt.version,
    udpPayloadBytes: opt.udpPayloadBytes,
    dnssecOk: opt.dnssecOk,
    extendedError: opt.extendedError,
    rebuilt,
  };
}

function kindOf(rcode: number, qtype: number, answers: readonly ResponseRecord[]): ResponseKind {
  if (rcode === Rcode.NXDOMAIN) return 'nxdomain';
  if (rcode !== Rcode.NOERROR) return 'failure';
  const hasData = answers.some(({ type }) => type === qtype || qtype === RecordType.ANY);
  return hasData ? 'answer' : 'nodata';
}

function lowestTtl(message: Uint8Array, answers: ResponseRecord[], authorities: ResponseRecord[]): number {
  let lowest = Infinity;
  for (const section of [answers, authorities]) {
    for (const { fixed } of section) lowest = Math.min(lowest, saneTtl(readUint32(message, fixed + 4)));
  }
  return lowest === Infinity ? 0 : lowest;
}

/**
 * "the TTL ... is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA itself"
 * Source: RFC 2308 3.
 */
function negativeTtl(message: Uint8Array, name: Uint8Array, authorities: ResponseRecord[]): number | undefined {
  for (const { type, owner, fixed, end } of authorities) {
    if (type !== RecordType.SOA || !isAtOrBelow(name, owner)) continue;
    return Math.min(saneTtl(readUint32(message, fixed + 4)), saneTtl(readUint32(message, end - 4)));
  }
  return undefined;
}

function isAtOrBelow(name: Uint8Array, ancestor: Uint8Array): boolean {
  for (let at = 0; at < name.length; at += 1 + name[at]!) {
    if (namesEqual(name, at, ancestor, 0)) return true;
  }
  return false;
}

function readQuestion(message: Uint8Array): Question | undefined {
  const count = readUint16(message, 4);
  if (count === 0) {
    return { count, qname: NO_NAME, rawQname: NO_NAME, qtype: 0, qclass: 0, end: HEADER_BYTES };
  }
  const rawBytes = nameBytes(message, HEADER_BYTES);
  const nameEnd = HEADER_BYTES + rawBytes;
  if (count !== 1 || rawBytes < 0 || nameEnd + QUESTION_FIXED_BYTES > message.length) return undefined;
  expandName(message, 0, HEADER_BYTES, nameEnd, scratchName);
  return {
    count,
    qname: scratchName.slice(0, rawBytes),
    rawQname: message.slice(HEADER_BYTES, nameEnd),
    qtype: readUint16(message, nameEnd),
    qclass: readUint16(message, nameEnd + 2),
    end: nameEnd + QUESTION_FIXED_BYTES,
  };
}
