/**
 * Questions under way by the cache's key of them: lists in a table of fixed size, linked through the exchanges
 * themselves. Two questions of one key stand beside each other. Why not a Map: one entry is put in and taken out again
 * for each question, which has a Map build itself anew every few hundred (4 % of a forwarded query).
 */
import { FOLD } from '../dns/name.ts';
import type { QuestionView } from '../dns/query-view.ts';
import type { Exchange } from './exchanges.ts';

const BUCKETS = 16_384;
const BUCKET_MASK = BUCKETS - 1;

export class ExchangeTable {
  readonly #heads: (Exchange | undefined)[] = Array.from({ length: BUCKETS }, () => undefined);

  add(exchange: Exchange): void {
    const bucket = exchange.key & BUCKET_MASK;
    exchange.next = this.#heads[bucket];
    this.#heads[bucket] = exchange;
  }

  /** Takes out one that is in. */
  remove(exchange: Exchange): void {
    const bucket = exchange.key & BUCKET_MASK;
    let at = this.#heads[bucket];
    if (at === exchange) this.#heads[bucket] = exchange.next;
    else {
      while (at !== undefined && at.next !== exchange) at = at.next;
      if (at !== undefined) at.next = exchange.next;
    }
    exchange.next = undefined;
  }

  /** The exchange for exactly this question. */
  find(key: number, query: QuestionView, isCheckingDisabled: boolean): Exchange | undefined {
    for (let at = this.#heads[key & BUCKET_MASK]; at !== undefined; at = at.next) {
      if (at.key !== key || at.qtype !== query.qtype || at.qnameBytes !== query.qnameBytes) continue;
      if (at.dnssecOk !== query.dnssecOk || at.checkingDisabled !== isCheckingDisabled) continue;
      if (isName(at, query.bytes, query.qnameStart)) return at;
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<Exchange> {
    for (const head of this.#heads) for (let at = head; at !== undefined; at = at.next) yield at;
  }
}

function isName({ qname, qnameBytes }: Exchange, bytes: Uint8Array, nameStart: number): boolean {
  for (let i = 0; i < qnameBytes; i++) if (qname[i] !== FOLD[bytes[nameStart + i]!]) return false;
  return true;
}
