/**
 * One question under way (Exchange) and its transmissions (Attempt). Both are used again and again: a forwarded query
 * allocates neither. upstream-pool.ts moves them; transports fill in where an attempt waits.
 */
import { NO_SLOT, type WheelNode } from './deadline-wheel.ts';
import { QUERY_BYTES_MAX } from './query-message.ts';
import type { UpstreamQuestion, UpstreamReceiver } from './upstream.ts';
import type { UpstreamLink } from './upstream-link.ts';

export class Exchange implements WheelNode<Exchange> {
  dueAtMs = 0;
  slot = NO_SLOT;
  nextInSlot: Exchange | undefined = undefined;
  previousInSlot: Exchange | undefined = undefined;
  /** The query as sent; the id is written anew for each attempt. */
  readonly query = new Uint8Array(QUERY_BYTES_MAX);
  /** Offset behind the question, and of the OPT record. */
  questionEnd = 0;
  /** Undefined once the outcome has been delivered: attempts still out only teach us about their upstreams. */
  receiver: UpstreamReceiver | undefined = undefined;
  question: UpstreamQuestion | undefined = undefined;
  deadlineMs = 0;
  attemptsStarted = 0;
  /** Bit i: upstream i of those configured now has been asked. */
  triedMask = 0;
  /** Bit i: upstream i of those configured now answered with an error that another may not have. */
  badMask = 0;
  badAnswer: Uint8Array | undefined = undefined;
  /** Whether an answer came that makes no sense. */
  isMalformed = false;
  /** Attempts that the network failed. */
  networkFailures = 0;
  refusals = 0;
  /** The attempts that are out. */
  attempts: Attempt | undefined = undefined;

  /** The upstreams of these rows (bits) are configured no more: nothing is known of those in their places. */
  forgetUpstreams(rows: number): void {
    this.triedMask &= ~rows;
    this.badMask &= ~rows;
  }
}

export class Attempt {
  exchange!: Exchange;
  link!: UpstreamLink;
  /** Where it waits; the transport's own. */
  port: AttemptPort | undefined = undefined;
  id = 0;
  sentAtMs = 0;
  withEdns = true;
  overTcp = false;
  /** Whether it was sent again because its TCP connection broke. */
  isResent = false;
  /** Whether its answer, or none, has been counted as an outcome. */
  isCounted = false;
  next: Attempt | undefined = undefined;
}

/** A socket or connection on which attempts wait. */
export interface AttemptPort {
  /** Stops waiting. */
  release(attempt: Attempt): void;
}
