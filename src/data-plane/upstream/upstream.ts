/**
 * What the query path asks of the upstream side: one question in, one outcome out. Choice of upstream, retries, health
 * and deadlines are behind it (upstream-pool.ts); sharing one exchange among identical questions is in front of it.
 */

/** A question to send on, copied out of the client's message. */
export interface UpstreamQuestion {
  /** Wire-format qname with its root label, letters as the first client wrote them. */
  readonly qname: Uint8Array;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export type UpstreamOutcome =
  | {
      readonly kind: 'answer';
      /**
       * The whole response; its id and question have been checked against ours. Valid until `done` returns, and the
       * receiver may write into it.
       */
      readonly message: Uint8Array;
    }
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'network' | 'refused' | 'malformed' | 'overload' | 'closed';
    };

/** Reads an answer before it is the outcome. False: it makes no sense, so it is an error, and another upstream is asked. */
export type Understand = (message: Uint8Array) => boolean;

export interface UpstreamExchanger {
  /** Calls `done` exactly once, at the latest at the total deadline; never synchronously. */
  exchange(question: UpstreamQuestion, done: (outcome: UpstreamOutcome) => void, understand?: Understand): void;
  /** Fails what is outstanding and closes every socket. */
  close(): void;
}
