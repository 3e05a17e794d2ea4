/**
 * What an upstream said, in the form that responses are made of: the octets behind the question, where their TTLs are,
 * which names they lead to, and how long they may be used. Holds no verdict: only the policy generation at which the
 * names it leads to were last found clean. One object is used again and again: the cache lays each entry it finds into
 * its own, and read-answer.ts fills one for each message, so that neither a hit nor a miss makes one.
 * Why a copy for what waits (`copy`): the octets of an entry are somebody else's once it has given way.
 */
import { copyOctets } from '../../dns/patch.ts';

const NO_OCTETS = new Uint8Array(0);

/** Where an answer that lies in the cache takes notes of its use. */
export interface AnswerHome {
  noteClean(answer: Answer): void;
  noteUse(answer: Answer): void;
}

export class Answer {
  /**
   * `octetCount` of them from `octetsStart` on: the qname in lower case (`qnameBytes`), everything behind the question
   * without OPT (`bodyBytes`), `ttlCount` offsets of two octets from the start of a message that carries this question,
   * `targetCount` names that the answer leads to (CNAME, DNAME, SVCB targets) in lower case.
   */
  octets: Uint8Array = NO_OCTETS;
  octetsStart = 0;
  octetCount = 0;
  qnameBytes = 0;
  bodyBytes = 0;
  ttlCount = 0;
  targetCount = 0;
  qtype = 0;
  dnssecOk = false;
  checkingDisabled = false;
  answerCount = 0;
  authorityCount = 0;
  additionalCount = 0;
  rcode = 0;
  authenticated = false;
  truncated = false;
  /** Info code of an extended error that the upstream gave; -1: none. */
  extendedError = -1;
  /** Monotonic milliseconds. */
  storedAtMs = 0;
  freshUntilMs = 0;
  /** Equal to freshUntilMs where the answer may not be used beyond its TTL. */
  staleUntilMs = 0;
  /** Policy generation and wall-clock second at which every target was found clean; judged again when either moves. */
  cleanAtGeneration = -1;
  cleanAtSeconds = 0;
  hits = 0;
  /** After a failed refresh: not asked again before. Monotonic milliseconds. */
  retryAtMs = 0;
  /** Undefined: not in the cache. */
  home: AnswerHome | undefined = undefined;
  /** The home's own. */
  place = 0;

  get bodyStart(): number {
    return this.octetsStart + this.qnameBytes;
  }

  get ttlOffsetsStart(): number {
    return this.octetsStart + this.qnameBytes + this.bodyBytes;
  }

  get targetsStart(): number {
    return this.ttlOffsetsStart + this.ttlCount * 2;
  }

  /** Every name that it leads to was found clean. */
  noteClean(generation: number, seconds: number): void {
    this.cleanAtGeneration = generation;
    this.cleanAtSeconds = seconds;
    this.home?.noteClean(this);
  }

  noteHit(): void {
    this.hits++;
    this.home?.noteUse(this);
  }

  /** A refresh has failed; the next is not to be tried before `retryAtMs`. */
  noteFailedRefresh(retryAtMs: number): void {
    this.retryAtMs = retryAtMs;
    this.home?.noteUse(this);
  }

  /** One with octets of its own, that may be kept. */
  copy(): Answer {
    const copy = Object.assign(new Answer(), this);
    // Why not slice: a Buffer's shares its memory.
    copy.octets = Buffer.allocUnsafeSlow(this.octetCount);
    copyOctets(this.octets, this.octetsStart, this.octetCount, copy.octets, 0);
    copy.octetsStart = 0;
    copy.home = undefined;
    return copy;
  }
}
