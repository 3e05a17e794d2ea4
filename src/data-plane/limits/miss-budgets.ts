/**
 * How many questions a second go upstream for one domain: asked by resolve.ts before an exchange begins, and only then.
 * A flood of made-up names below a domain misses the cache each time; without a budget it takes the upstreams, and the
 * domain's own servers, down with it. Names below a registry (co.uk) have their domain's budget and share a larger one,
 * for domain-labels.ts guesses. Exempt names are looked for only when a budget is used up. Allocates nothing for a query.
 */
import { randomFillSync } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { FOLD, NAME_BYTES_MAX, nameFromText, namesEqual } from '../../dns/name.ts';
import type { QueryView } from '../../dns/query-view.ts';
import { SIP_KEY_BYTES, SipHash } from '../../dns/sip-hash.ts';
import { BucketTable } from './bucket-table.ts';
import { domainLabels } from './domain-labels.ts';
import type { KeyedHash } from './keyed-hash.ts';

/** Budgets of a domain in that of the registry it seems to be below. */
export const REGISTRY_BUDGETS = 20;
const DOMAIN_LABELS = 2;

export class MissBudgets {
  readonly #hasher: SipHash;
  readonly #domains: BucketTable;
  readonly #registries: BucketTable;
  readonly #name = new Uint8Array(NAME_BYTES_MAX);
  #exempt: readonly Uint8Array[] = [];

  constructor(limits: Config['limits'], hash: KeyedHash) {
    this.#hasher = new SipHash(randomFillSync(new Uint8Array(SIP_KEY_BYTES)));
    this.#domains = new BucketTable(hash);
    this.#registries = new BucketTable(hash);
    this.configure(limits);
  }

  configure({ missesPerDomainPerSecondMax: perSecondMax, missesExempt }: Config['limits']): void {
    this.#domains.configure(perSecondMax, perSecondMax);
    this.#registries.configure(perSecondMax * REGISTRY_BUDGETS, perSecondMax * REGISTRY_BUDGETS);
    this.#exempt = missesExempt.flatMap((name) => nameFromText(name) ?? []);
  }

  /** Takes one question upstream for the query's name. False: the budget of its domain is used up. */
  take(query: QueryView, nowMs: number): boolean {
    const { bytes, qnameStart, labelStarts, labelCount } = query;
    const labels = domainLabels(bytes, qnameStart, labelStarts, labelCount);
    if (!this.#takeOf(this.#domains, query, labels, nowMs)) return this.#isExempt(query);
    if (labels <= DOMAIN_LABELS || this.#takeOf(this.#registries, query, DOMAIN_LABELS, nowMs)) return true;
    return this.#isExempt(query);
  }

  /** Keys of 64 bits that nobody outside can foresee stand for names here. */
  #takeOf(budgets: BucketTable, query: QueryView, labels: number, nowMs: number): boolean {
    const from = labels === 0 ? query.qnameBytes - 1 : query.labelStarts[query.labelCount - labels]!;
    const end = query.qnameBytes - from;
    const start = query.qnameStart + from;
    for (let index = 0; index < end; index++) this.#name[index] = FOLD[query.bytes[start + index]!]!;
    this.#hasher.hash(this.#name, 0, end);
    return budgets.take(this.#hasher.high, this.#hasher.low, nowMs);
  }

  #isExempt({ bytes, qnameStart, labelStarts, labelCount }: QueryView): boolean {
    for (const name of this.#exempt) {
      for (let label = 0; label < labelCount; label++) {
        if (namesEqual(name, 0, bytes, qnameStart + labelStarts[label]!)) return true;
      }
    }
    return false;
  }
}
