/**
 * Follows an audit chain record by record and finds the first place where it is broken. The same for the ledger and for an
 * export of it. What a chain cannot say of itself, anchors do: a record's hash, noted elsewhere, shows a chain that was
 * cut short or written anew as a whole.
 */
import { GENESIS_HASH, recordHash, type HashedFields } from './audit-record.ts';

/** A record's place and hash; of the newest record: the head of the chain. */
export interface Anchor {
  readonly seq: number;
  /** 64 hexadecimal digits, lower case. */
  readonly hash: string;
}

const CHAIN_BREAKS = ['altered', 'missing', 'outOfOrder', 'notLinked', 'notAsNoted', 'cutShort'] as const;
export type ChainBreak = (typeof CHAIN_BREAKS)[number];

export interface BrokenChain {
  readonly kind: 'broken';
  readonly break: ChainBreak;
  /** Where: the record that is not as it was, or is not there. */
  readonly seq: number;
  /** A sentence for people. */
  readonly message: string;
}

export interface WholeChain {
  readonly kind: 'whole';
  readonly records: number;
  /** The first one checked; 1 unless it is the later part of a chain. 0: there is none. */
  readonly firstSeq: number;
  /** Undefined: there is no record. */
  readonly head: Anchor | undefined;
}

export type ChainReport = WholeChain | BrokenChain;

export class ChainCheck {
  readonly #anchors: Map<number, string>;
  #records = 0;
  #firstSeq = 0;
  #last: Anchor | undefined;

  /** `isPart`: the first record may be any of a chain, and is believed what it says of the one before it. */
  constructor(anchors: readonly Anchor[], isPart = false) {
    this.#anchors = new Map(anchors.map(({ seq, hash }) => [seq, hash]));
    this.#last = isPart ? undefined : { seq: 0, hash: GENESIS_HASH };
  }

  /** Undefined: the chain holds so far. */
  next(record: HashedFields, storedHash: string): BrokenChain | undefined {
    const seq = Number(record.seq);
    const before = this.#last;
    if (before !== undefined) {
      const expected = before.seq + 1;
      if (seq > expected) {
        const gap = seq - 1 === expected ? `record ${expected} is` : `records ${expected} to ${seq - 1} are`;
        return broken('missing', expected, `${gap} missing`);
      }
      if (seq < expected) return broken('outOfOrder', seq, `record ${seq} stands behind record ${before.seq}`);
    }
    if (recordHash(record) !== storedHash) return alteredRecord(seq);
    if (before !== undefined && record.previousHash !== before.hash) {
      const text =
        before.seq === 0
          ? `record ${seq} is not the first of this chain: others stood before it`
          : `record ${seq} does not follow from record ${before.seq} as it is now: that one, or what is before it, was replaced`;
      return broken('notLinked', seq, text);
    }
    const noted = this.#anchors.get(seq);
    if (noted !== undefined && noted !== storedHash) {
      const text = `record ${seq} has another hash than the one noted: this record or one before it was written anew`;
      return broken('notAsNoted', seq, text);
    }
    this.#anchors.delete(seq);
    this.#records += 1;
    if (this.#firstSeq === 0) this.#firstSeq = seq;
    this.#last = { seq, hash: storedHash };
    return undefined;
  }

  /** When there are no more records. */
  end(): ChainReport {
    const missed = Math.max(0, ...this.#anchors.keys());
    const head = this.#records === 0 ? undefined : this.#last;
    if (missed > (head?.seq ?? 0)) {
      const text = `the chain ends with record ${head?.seq ?? 0}, and record ${missed} was noted: it was cut short`;
      return broken('cutShort', (head?.seq ?? 0) + 1, text);
    }
    if (this.#anchors.size > 0) {
      const text = `record ${missed} was noted and is not among these: they begin with record ${this.#firstSeq}`;
      return broken('notAsNoted', missed, text);
    }
    return { kind: 'whole', records: this.#records, firstSeq: this.#firstSeq, head };
  }
}

export function alteredRecord(seq: number): BrokenChain {
  return broken('altered', seq, `record ${seq} was altered`);
}

function broken(what: ChainBreak, seq: number, message: string): BrokenChain {
  return { kind: 'broken', break: what, seq, message };
}
