/**
 * What the query path asks of the upstream side: one question in, one outcome out. Choice of upstream, retries, health
 * and deadlines are behind it (upstream-pool.ts); sharing one exchange among identical questions is in front of it.
 */

/** A question to send on. Its fields stay as they are until the outcome has been delivered. */
export interface UpstreamQuestion {
  /** Wire-format qname with its root label, in lower case: the first `qnameBytes` octets. */
  readonly qname: Uint8Array;
  readonly qnameBytes: number;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export type UpstreamOutcome =
  /** The answer that `onAnswer` has just read. */
  | { readonly kind: 'read' }
  /** An error that nobody has read yet. */
  | {
      readonly kind: 'answer';
      /**
       * The whole response; its id and question have been checked against ours. Valid until `onOutcome` returns, and the
       * receiver may write into it.
       */
      readonly message: Uint8Array;
    }
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'network' | 'refused' | 'malformed' | 'overload' | 'closed';
    };

/** Who asked. */
export interface UpstreamReceiver {
  /**
   * Reads the good answer in bytes[start, end) before it is the outcome; the octets are the receiver's until it returns.
   * True: the outcome follows at once. False: it makes no sense, so it is an error, and another upstream is asked.
   */
  onAnswer(bytes: Uint8Array, start: number, end: number, nowMs: number): boolean;
  /** Called exactly once, at the latest at the total deadline. */
  onOutcome(outcome: UpstreamOutcome, nowMs: number): void;
}

export interface UpstreamExchanger {
  /** Never calls the receiver before it returns. `nowMs`: monotonic. */
  exchange(question: UpstreamQuestion, receiver: UpstreamReceiver, nowMs: number): void;
  /** Fails what is outstanding and closes every socket. */
  close(): void;
}
