/**
 * Reads what an upstream said into the form that responses are made of, once an exchange: how long it may be used, and
 * what of its octets is kept. Says also what is answered where no upstream gave an answer.
 * RFC 2181 5.2 (one TTL for an RRset), RFC 2308 (negative answers), RFC 8767 (stale answers), RFC 9520 (failures are
 * remembered too).
 */
import { equalizeTtls } from '../../dns/equal-ttls.ts';
import { ExtendedError } from '../../dns/extended-error.ts';
import { HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, Rcode } from '../../dns/iana.ts';
import { namesEqual } from '../../dns/name.ts';
import { copyOctets, readUint16, readUint32, writeUint16, writeUint32 } from '../../dns/patch.ts';
import { ResponseSummary, readPlainResponse } from '../../dns/plain-response.ts';
import { readResponse, type ResponseView } from '../../dns/response-view.ts';
import { saneTtl } from '../../dns/ttl.ts';
import type { Config } from '../../config/config.ts';
import type { UpstreamQuestion } from '../upstream/upstream.ts';
import type { Answer } from './answer.ts';

/** "Resolvers MUST cache resolution failures for at least 1 second" (RFC 9520 3.2). */
export const FAILURE_TTL_SECONDS = 1;
const QUESTION_FIXED_BYTES = 4;
/** What the header has room for; the OPT record carries the rest. */
const HEADER_RCODE_MAX = 15;

/**
 * Fills `into` with an upstream's answer, bytes[start, end); its octets hold until the next call of a function of this file. False: it
 * cannot be understood, and `into` says nothing. The message's TTLs are clamped in place.
 */
export function readAnswer(
  into: Answer,
  question: UpstreamQuestion,
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Config['cache'],
  nowMs: number,
): boolean {
  let message = bytes;
  let messageStart = start;
  if (!readPlainResponse(response, bytes, start, end, question)) {
    const received = readOther(bytes, start, end, question);
    if (received === undefined) return false;
    message = received;
    messageStart = 0;
  }
  const ttlSeconds = lifetimeOf(limits);
  clampTtls(message, messageStart, limits, ttlSeconds);
  begin(into, question, nowMs, ttlSeconds);
  if (ttlSeconds > 0 && response.kind !== 'failure') into.staleUntilMs += limits.staleSecondsMax * 1000;
  into.bodyBytes = response.bodyEnd - response.bodyStart;
  into.ttlCount = response.ttlCount;
  into.targetCount = response.targetCount;
  into.answerCount = response.answerCount;
  into.authorityCount = response.authorityCount;
  into.additionalCount = response.additionalCount;
  // Why: an rcode above 15 (BADVERS, BADCOOKIE) is between us and the upstream; its four low bits would lie to a client.
  into.rcode = response.rcode > HEADER_RCODE_MAX ? Rcode.SERVFAIL : response.rcode;
  into.authenticated = (response.flags & HeaderFlag.AD) !== 0;
  into.truncated = (response.flags & HeaderFlag.TC) !== 0;
  into.extendedError = response.extendedError;
  pack(into, message, messageStart + response.bodyStart);
  return true;
}

/** What the response being read says. */
const response = new ResponseSummary();

/** Fills `response` with one that is not plain; returns its message, which may be another. */
function readOther(bytes: Uint8Array, start: number, end: number, question: UpstreamQuestion): Uint8Array | undefined {
  const received = bytes.subarray(start, end);
  const view = readResponse(received);
  if (view === undefined || !answersQuestion(view, question)) return undefined;
  // Why not cut off: leaving OPT out is a matter of where the body ends.
  const message = view.rebuilt ?? received;
  const hasOpt = view.rebuilt === undefined && view.optStart > 0;
  // Why: some servers send their errors without the question; then there are no records either.
  const hasQuestion = view.questionCount === 1;
  response.flags = view.flags;
  response.rcode = view.rcode;
  response.kind = view.kind;
  response.answerCount = hasQuestion ? readUint16(message, 6) : 0;
  response.authorityCount = hasQuestion ? readUint16(message, 8) : 0;
  response.additionalCount = hasQuestion ? readUint16(message, 10) - (hasOpt ? 1 : 0) : 0;
  response.bodyEnd = hasOpt ? view.optStart : message.length;
  response.bodyStart = hasQuestion ? HEADER_BYTES + question.qnameBytes + QUESTION_FIXED_BYTES : response.bodyEnd;
  if (hasQuestion) equalizeTtls(message, response.bodyStart, view.ttlOffsets);
  response.ttlOffsets.set(view.ttlOffsets);
  response.ttlCount = view.ttlOffsets.length;
  response.ttlSecondsMin = view.ttlSecondsMin;
  response.negativeTtlSeconds = view.negativeTtlSeconds ?? -1;
  response.targetsBytes = 0;
  for (const target of view.targets) {
    response.targets.set(target, response.targetsBytes);
    response.targetsBytes += target.length;
  }
  response.targetCount = view.targets.length;
  response.extendedError = view.extendedError ?? -1;
  return message;
}

/** Fills `into` with what is said when no upstream gave an answer: SERVFAIL, remembered for a moment. */
export function readFailure(into: Answer, question: UpstreamQuestion, extendedError: number, nowMs: number): void {
  begin(into, question, nowMs, FAILURE_TTL_SECONDS);
  into.rcode = Rcode.SERVFAIL;
  into.extendedError = extendedError;
}

/** An answer to `question` without records, good for so long. */
function begin(into: Answer, question: UpstreamQuestion, nowMs: number, ttlSeconds: number): void {
  const { qname, qnameBytes } = question;
  copyOctets(qname, 0, qnameBytes, scratch, 0);
  into.octets = scratch;
  into.octetsStart = 0;
  into.octetCount = qnameBytes;
  into.qnameBytes = qnameBytes;
  into.bodyBytes = 0;
  into.ttlCount = 0;
  into.targetCount = 0;
  into.qtype = question.qtype;
  into.dnssecOk = question.dnssecOk;
  into.checkingDisabled = question.checkingDisabled;
  into.answerCount = 0;
  into.authorityCount = 0;
  into.additionalCount = 0;
  into.authenticated = false;
  into.truncated = false;
  into.storedAtMs = Math.floor(nowMs);
  into.freshUntilMs = into.storedAtMs + ttlSeconds * 1000;
  into.staleUntilMs = into.freshUntilMs;
  into.cleanAtGeneration = -1;
  into.hits = 0;
  into.retryAtMs = 0;
}

/** Why here too, though the upstream side has matched it: every offset below counts on the question's length. */
function answersQuestion(view: ResponseView, { qname, qtype }: UpstreamQuestion): boolean {
  return view.questionCount === 0 || (view.qtype === qtype && namesEqual(view.qname, 0, qname, 0));
}

/** Where answers are put together; larger than any. */
const scratch = Buffer.alloc(2 * MESSAGE_BYTES_MAX);

/** Lays out what follows the qname. */
function pack(into: Answer, message: Uint8Array, bodyAt: number): void {
  let end = into.qnameBytes;
  copyOctets(message, bodyAt, into.bodyBytes, scratch, end);
  end += into.bodyBytes;
  for (let index = 0; index < response.ttlCount; index++) {
    writeUint16(scratch, end, response.ttlOffsets[index]!);
    end += 2;
  }
  copyOctets(response.targets, 0, response.targetsBytes, scratch, end);
  into.octetCount = end + response.targetsBytes;
}

/** A failure that an older good answer may stand in for; a broken DNSSEC chain is none (RFC 8767 6 leaves it to us). */
export function isReplaceableFailure(answer: Answer): boolean {
  const { rcode } = answer;
  if (rcode === Rcode.NOERROR || rcode === Rcode.NXDOMAIN || rcode === Rcode.YXDOMAIN) return false;
  return answer.extendedError < ExtendedError.dnssecBogus || answer.extendedError > ExtendedError.nsecMissing;
}

/**
 * Why a negative answer's TTLs are cut to its lifetime: a cache behind us would start anew from a SOA whose TTL outlives
 * it (RFC 2308 3: "the TTL of this record is set from the minimum of the MINIMUM field ... and the TTL of the SOA").
 */
function clampTtls(message: Uint8Array, start: number, limits: Config['cache'], lifetimeSeconds: number): void {
  const isNegative = response.kind !== 'answer' && response.negativeTtlSeconds >= 0;
  const ttlSecondsMax = isNegative ? Math.min(limits.ttlSecondsMax, lifetimeSeconds) : limits.ttlSecondsMax;
  for (let index = 0; index < response.ttlCount; index++) {
    const at = start + response.ttlOffsets[index]!;
    const ttlSeconds = saneTtl(readUint32(message, at));
    writeUint32(message, at, Math.min(ttlSecondsMax, Math.max(limits.ttlSecondsMin, ttlSeconds)));
  }
}

function lifetimeOf(limits: Config['cache']): number {
  if ((response.flags & HeaderFlag.TC) !== 0) return 0;
  if (response.kind === 'failure') return FAILURE_TTL_SECONDS;
  const ttlSeconds = Math.min(limits.ttlSecondsMax, Math.max(limits.ttlSecondsMin, response.ttlSecondsMin));
  if (response.kind === 'answer') return ttlSeconds;
  // "negative responses without SOA records SHOULD NOT be cached" (RFC 2308 5).
  if (response.negativeTtlSeconds < 0) return 0;
  return Math.min(ttlSeconds, response.negativeTtlSeconds, limits.negativeTtlSecondsMax);
}
