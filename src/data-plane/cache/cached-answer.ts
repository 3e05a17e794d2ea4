/**
 * What an upstream said, in the form that answers are made of: the octets behind the question, where their TTLs are,
 * which names they lead to, and how long they may be used. Made once an exchange, read for every hit. Holds no verdict:
 * only the policy generation at which the names it leads to were last found clean.
 * RFC 2181 5.2 (one TTL for an RRset), RFC 2308 (negative answers), RFC 8767 (stale answers), RFC 9520 (failures are
 * remembered too).
 */
import { equalizeTtls } from '../../dns/equal-ttls.ts';
import { ExtendedError } from '../../dns/extended-error.ts';
import { HEADER_BYTES, HeaderFlag, MESSAGE_BYTES_MAX, Rcode } from '../../dns/iana.ts';
import { namesEqual } from '../../dns/name.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../dns/patch.ts';
import { readResponse, type ResponseView } from '../../dns/response-view.ts';
import { saneTtl } from '../../dns/ttl.ts';
import type { Config } from '../../config/config.ts';
import type { UpstreamQuestion } from '../upstream/upstream.ts';

/** "Resolvers MUST cache resolution failures for at least 1 second" (RFC 9520 3.2). */
export const FAILURE_TTL_SECONDS = 1;
/** Estimate of what an entry costs beside its octets: objects, Map slot, list links. Units: bytes. */
export const ENTRY_OVERHEAD_BYTES = 320;
const QUESTION_FIXED_BYTES = 4;
/** What the header has room for; the OPT record carries the rest. */
const HEADER_RCODE_MAX = 15;

export interface CachedAnswer {
  /**
   * Everything behind the question without OPT (`bodyBytes`), then the qname in lower case (`qnameBytes`), then `ttlCount`
   * offsets of two octets, from the start of a message that carries this question, then `targetCount` names that the
   * answer leads to (CNAME, DNAME, SVCB targets) in lower case. Why a string of characters 0 to 255:
   * it lies on the heap with the object; an array of octets takes 2.6 times the memory and 2.7 times as long to make (514
   * against 198 bytes resident, 724 against 264 ns, for 90 octets; bench/answer-octets.ts).
   */
  readonly octets: string;
  readonly bodyBytes: number;
  readonly qnameBytes: number;
  readonly ttlCount: number;
  readonly targetCount: number;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  readonly answerCount: number;
  readonly authorityCount: number;
  readonly additionalCount: number;
  readonly rcode: number;
  readonly authenticated: boolean;
  readonly truncated: boolean;
  /** Info code of an extended error that the upstream gave; -1: none. */
  readonly extendedError: number;
  readonly storedAtMs: number;
  readonly freshUntilMs: number;
  /** Equal to freshUntilMs where the answer may not be used beyond its TTL. */
  readonly staleUntilMs: number;
  /** Policy generation and wall-clock second at which every target was found clean; judged again when either moves. */
  cleanAtGeneration: number;
  cleanAtSeconds: number;
  hits: number;
  refreshing: boolean;
  /** After a failed refresh: not asked again before. Monotonic milliseconds. */
  retryAtMs: number;
}

/** An upstream's answer; undefined: it cannot be understood. The message's TTLs are clamped in place. */
export function answerFromMessage(
  question: UpstreamQuestion,
  received: Uint8Array,
  limits: Config['cache'],
  nowMs: number,
): CachedAnswer | undefined {
  const view = readResponse(received);
  if (view === undefined || !answersQuestion(view, question)) return undefined;
  // Why not cut off: leaving OPT out is a matter of where the body ends.
  const message = view.rebuilt ?? received;
  const hasOpt = view.rebuilt === undefined && view.optStart > 0;
  const ttlSeconds = lifetimeSeconds(view, limits);
  // Why: some servers send their errors without the question; then there are no records either.
  const hasQuestion = view.questionCount === 1;
  const bodyEnd = hasOpt ? view.optStart : message.length;
  const bodyStart = hasQuestion ? HEADER_BYTES + question.qname.length + QUESTION_FIXED_BYTES : bodyEnd;
  if (hasQuestion) equalizeTtls(message, bodyStart, view.ttlOffsets);
  clampTtls(message, view, limits, ttlSeconds);
  const isUsableStale = ttlSeconds > 0 && view.kind !== 'failure';
  const storedAtMs = Math.floor(nowMs);
  const freshUntilMs = storedAtMs + ttlSeconds * 1000;
  return {
    octets: pack(message, bodyStart, bodyEnd, question, view),
    bodyBytes: bodyEnd - bodyStart,
    qnameBytes: question.qname.length,
    ttlCount: view.ttlOffsets.length,
    targetCount: view.targets.length,
    qtype: question.qtype,
    dnssecOk: question.dnssecOk,
    checkingDisabled: question.checkingDisabled,
    answerCount: hasQuestion ? readUint16(message, 6) : 0,
    authorityCount: hasQuestion ? readUint16(message, 8) : 0,
    additionalCount: hasQuestion ? readUint16(message, 10) - (hasOpt ? 1 : 0) : 0,
    // Why: an rcode above 15 (BADVERS, BADCOOKIE) is between us and the upstream; its four low bits would lie to a client.
    rcode: view.rcode > HEADER_RCODE_MAX ? Rcode.SERVFAIL : view.rcode,
    authenticated: (view.flags & HeaderFlag.AD) !== 0,
    truncated: (view.flags & HeaderFlag.TC) !== 0,
    extendedError: view.extendedError ?? -1,
    storedAtMs,
    freshUntilMs,
    staleUntilMs: isUsableStale ? freshUntilMs + limits.staleSecondsMax * 1000 : freshUntilMs,
    cleanAtGeneration: -1,
    cleanAtSeconds: -1,
    hits: 0,
    refreshing: false,
    retryAtMs: 0,
  };
}

/** Why here too, though the upstream side has matched it: every offset below counts on the question's length. */
function answersQuestion(view: ResponseView, { qname, qtype }: UpstreamQuestion): boolean {
  return view.questionCount === 0 || (view.qtype === qtype && namesEqual(view.qname, 0, qname, 0));
}

/** Where entries are put together; larger than any. */
const scratch = Buffer.allocUnsafeSlow(2 * MESSAGE_BYTES_MAX);

function pack(
  message: Uint8Array,
  bodyStart: number,
  bodyEnd: number,
  question: UpstreamQuestion,
  view: ResponseView,
): string {
  let end = bodyEnd - bodyStart;
  for (let i = 0; i < end; i++) scratch[i] = message[bodyStart + i]!;
  scratch.set(question.qname, end);
  end += question.qname.length;
  for (const offset of view.ttlOffsets) {
    writeUint16(scratch, end, offset);
    end += 2;
  }
  for (const target of view.targets) {
    scratch.set(target, end);
    end += target.length;
  }
  return scratch.toString('latin1', 0, end);
}

/** What is said when no upstream gave an answer: SERVFAIL, remembered for a moment. */
export function failureAnswer(question: UpstreamQuestion, extendedError: number, nowMs: number): CachedAnswer {
  const storedAtMs = Math.floor(nowMs);
  const freshUntilMs = storedAtMs + FAILURE_TTL_SECONDS * 1000;
  return {
    octets: Buffer.from(question.qname).toString('latin1'),
    bodyBytes: 0,
    qnameBytes: question.qname.length,
    ttlCount: 0,
    targetCount: 0,
    qtype: question.qtype,
    dnssecOk: question.dnssecOk,
    checkingDisabled: question.checkingDisabled,
    answerCount: 0,
    authorityCount: 0,
    additionalCount: 0,
    rcode: Rcode.SERVFAIL,
    authenticated: false,
    truncated: false,
    extendedError,
    storedAtMs,
    freshUntilMs,
    staleUntilMs: freshUntilMs,
    cleanAtGeneration: -1,
    cleanAtSeconds: -1,
    hits: 0,
    refreshing: false,
    retryAtMs: 0,
  };
}

/** A failure that an older good answer may stand in for; a broken DNSSEC chain is none (RFC 8767 6 leaves it to us). */
export function isReplaceableFailure(answer: CachedAnswer): boolean {
  if (answer.rcode === Rcode.NOERROR || answer.rcode === Rcode.NXDOMAIN) return false;
  return answer.extendedError < ExtendedError.dnssecBogus || answer.extendedError > ExtendedError.nsecMissing;
}

/**
 * Why a negative answer's TTLs are cut to its lifetime: a cache behind us would start anew from a SOA whose TTL outlives
 * it (RFC 2308 3: "the TTL of this record is set from the minimum of the MINIMUM field ... and the TTL of the SOA").
 */
function clampTtls(message: Uint8Array, view: ResponseView, limits: Config['cache'], lifetime: number): void {
  const isNegative = view.kind !== 'answer' && view.negativeTtlSeconds !== undefined;
  const ttlSecondsMax = isNegative ? Math.min(limits.ttlSecondsMax, lifetime) : limits.ttlSecondsMax;
  for (const offset of view.ttlOffsets) {
    const ttlSeconds = saneTtl(readUint32(message, offset));
    writeUint32(message, offset, Math.min(ttlSecondsMax, Math.max(limits.ttlSecondsMin, ttlSeconds)));
  }
}

function lifetimeSeconds(view: ResponseView, limits: Config['cache']): number {
  if ((view.flags & HeaderFlag.TC) !== 0) return 0;
  if (view.kind === 'failure') return FAILURE_TTL_SECONDS;
  const ttlSeconds = Math.min(limits.ttlSecondsMax, Math.max(limits.ttlSecondsMin, view.ttlSecondsMin));
  if (view.kind === 'answer') return ttlSeconds;
  // "negative responses without SOA records SHOULD NOT be cached" (RFC 2308 5).
  if (view.negativeTtlSeconds === undefined) return 0;
  return Math.min(ttlSeconds, view.negativeTtlSeconds, limits.negativeTtlSecondsMax);
}

/** Writes the names that the answer leads to into `out`, one behind the other. */
export function writeTargets(answer: CachedAnswer, out: Buffer): void {
  out.write(answer.octets.slice(answer.bodyBytes + answer.qnameBytes + answer.ttlCount * 2), 'latin1');
}
