/**
 * How many questions a second go upstream for one domain: asked by resolve.ts before an exchange begins, and only then.
 * A flood of made-up names below a domain misses the cache each time; without a budget it takes the upstreams, and the
 * domain's own servers, down with it. Of a domain's budget one client gets a part, so that nobody alone can use it up
 * for all. Names below a registry (co.uk) have their domain's budget and share a larger one, for domain-labels.ts guesses. Exempt names are looked for only when a budget is used up. Allocates nothing for a query.
 */
import { randomFillSync } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { LABELS_MAX, nameFromText, namesEqual } from '../../dns/name.ts';
import type { QueryView } from '../../dns/query-view.ts';
import { hashSuffixes } from '../../policy/name-hash.ts';
import { BucketTable } from './bucket-table.ts';
import type { ClientKey } from './client-key.ts';
import { domainLabels } from './domain-labels.ts';
import type { KeyedHash } from './keyed-hash.ts';

/** Budgets of a domain in that of the registry it seems to be below. */
export const REGISTRY_BUDGETS = 20;
const DOMAIN_LABELS = 2;

export class MissBudgets {
  readonly #seeds = randomFillSync(new Uint32Array(2));
  /** Keys of the query's name and of each of its suffixes. */
  readonly #highs = new Uint32Array(LABELS_MAX);
  readonly #lows = new Uint32Array(LABELS_MAX);
  /** Of one client for one domain. */
  readonly #parts: BucketTable;
  readonly #domains: BucketTable;
  readonly #registries: BucketTable;
  #exempt: readonly Uint8Array[] = [];

  constructor(limits: Config['limits'], hash: KeyedHash) {
    this.#parts = new BucketTable(hash);
    this.#domains = new BucketTable(hash);
    this.#registries = new BucketTable(hash);
    this.configure(limits);
  }

  configure(limits: Config['limits']): void {
    const { missesPerDomainPerSecondMax: perSecondMax, missesPerDomainClientPerSecondMax: partMax } = limits;
    this.#parts.configure(partMax, partMax);
    this.#domains.configure(perSecondMax, perSecondMax);
    this.#registries.configure(perSecondMax * REGISTRY_BUDGETS, perSecondMax * REGISTRY_BUDGETS);
    this.#exempt = limits.missesExempt.flatMap((name) => nameFromText(name) ?? []);
  }

  /** Takes one question upstream for the query's name. False: the budget of its domain, or the client's part, is used up. */
  take(query: QueryView, client: ClientKey, nowMs: number): boolean {
    const { bytes, qnameStart, labelStarts, labelCount } = query;
    const labels = domainLabels(bytes, qnameStart, labelStarts, labelCount);
    return this.#takeAll(query, labels, client, nowMs) || this.#isExempt(query);
  }

  #takeAll(query: QueryView, labels: number, client: ClientKey, nowMs: number): boolean {
    this.#hash(query);
    // Names of one label share a budget, whatever it is called.
    const at = query.labelCount - labels;
    const high = labels === 0 ? 0 : this.#highs[at]!;
    const low = labels === 0 ? 0 : this.#lows[at]!;
    // Why first: what a client has no part in any more is not taken from others.
    if (!this.#parts.take(high ^ client.high, low ^ client.low, nowMs)) return false;
    if (!this.#domains.take(high, low, nowMs)) return false;
    if (labels <= DOMAIN_LABELS) return true;
    const registryAt = query.labelCount - DOMAIN_LABELS;
    return this.#registries.take(this.#highs[registryAt]!, this.#lows[registryAt]!, nowMs);
  }

  /**
   * Keys of 64 bits that nobody outside can foresee stand for names here. Why no cryptographic hash: who found two names with
   * one key could use up the budget of one through the other, as anybody can by asking for names below it.
   */
  #hash({ bytes, qnameStart, labelStarts, labelCount }: QueryView): void {
    hashSuffixes(bytes, qnameStart, labelStarts, labelCount, this.#seeds[0]!, this.#highs);
    hashSuffixes(bytes, qnameStart, labelStarts, labelCount, this.#seeds[1]!, this.#lows);
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
