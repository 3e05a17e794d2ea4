/**
 * The outcomes an exchange can have: failures made once, and answers in a message of their own.
 */
import { HEADER_BYTES } from '../../dns/iana.ts';
import { copyOctets } from '../../dns/patch.ts';
import { UpstreamOutcomeRow } from '../../telemetry/counter-labels.ts';
import type { Exchange } from './exchange.ts';
import { ResponseKind, responseKind } from './match-response.ts';
import type { UpstreamOutcome, UpstreamQuestion } from './upstream.ts';

export const ANSWER_READ: UpstreamOutcome = { kind: 'read' };
const FAILED_TIMEOUT: UpstreamOutcome = { kind: 'failed', reason: 'timeout' };
export const FAILED_NETWORK: UpstreamOutcome = { kind: 'failed', reason: 'network' };
const FAILED_MALFORMED: UpstreamOutcome = { kind: 'failed', reason: 'malformed' };
const FAILED_REFUSED: UpstreamOutcome = { kind: 'failed', reason: 'refused' };
export const FAILED_OVERLOAD: UpstreamOutcome = { kind: 'failed', reason: 'overload' };
export const FAILED_CLOSED: UpstreamOutcome = { kind: 'failed', reason: 'closed' };

/** UpstreamOutcomeRow of each ResponseKind. */
export const OUTCOME_BY_KIND: readonly number[] = [
  UpstreamOutcomeRow.answered,
  UpstreamOutcomeRow.truncated,
  UpstreamOutcomeRow.formerr,
  UpstreamOutcomeRow.servfail,
  UpstreamOutcomeRow.refused,
  UpstreamOutcomeRow.malformed,
  UpstreamOutcomeRow.formerr,
];

/**
 * The response as a message that its receiver owns, the question's letters as they were asked, not as they were sent.
 * `isOwned`: the bytes need no copy.
 */
export function ownMessage(
  question: UpstreamQuestion,
  bytes: Uint8Array,
  start: number,
  end: number,
  isOwned: boolean,
): Uint8Array {
  let message = bytes;
  if (!isOwned || start !== 0 || end !== bytes.length) {
    // Why not bytes.slice: a Buffer's shares its memory.
    message = new Uint8Array(end - start);
    message.set(bytes.subarray(start, end));
  }
  if (message.length > HEADER_BYTES) copyOctets(question.qname, 0, question.qnameBytes, message, HEADER_BYTES);
  return message;
}

/**
 * What kind of response a matched one is. Where its receiver still waits for a good one, its question has the letters
 * that were asked, and its receiver has made sense of it.
 */
export function readKind(exchange: Exchange, bytes: Uint8Array, start: number, end: number, nowMs: number): number {
  const kind = responseKind(bytes, start, end, exchange.questionEnd);
  const { receiver } = exchange;
  if (kind !== ResponseKind.good || receiver === undefined) return kind;
  const { qname, qnameBytes } = exchange.question!;
  copyOctets(qname, 0, qnameBytes, bytes, start + HEADER_BYTES);
  return receiver.onAnswer(bytes, start, end, nowMs) ? kind : ResponseKind.malformed;
}

/** Whether an upstream has answered with an error that could be passed on. */
export function hasError(exchange: Exchange): boolean {
  return exchange.badAnswer !== undefined || exchange.isMalformed;
}

/** What an exchange has to show for itself when it is given up: the last error answer, or why there was none. */
export function lastOutcome(exchange: Exchange): UpstreamOutcome {
  if (exchange.badAnswer !== undefined) return { kind: 'answer', message: exchange.badAnswer };
  if (exchange.isMalformed) return FAILED_MALFORMED;
  if (exchange.attempts !== undefined || exchange.networkFailures === 0) return FAILED_TIMEOUT;
  return exchange.refusals > 0 ? FAILED_REFUSED : FAILED_NETWORK;
}
