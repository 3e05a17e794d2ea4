/**
 * How many questions a second go upstream for one domain: asked by resolve.ts before an exchange begins, and only then.
 * A flood of made-up names below a domain misses the cache each time; without a budget it takes the upstreams, and the
 * domain's own servers, down with it. Of a domain's budget one client gets a part, so that nobody alone can use it up
 * for all. Names below a registry (co.uk) have their domain's budget and share a larger one, for domain-labels.ts guesses. Exempt names are looked for only when a budget is used up. Allocates nothing for a query.
 */
import type { Config } from '../../config/config.ts';
import { nameFromText, namesEqual } from '../../dns/name.ts';
import type { QueryView } from '../../dns/query-view.ts';
import { BucketTable } from './bucket-table.ts';
import type { ClientKey } from './client-key.ts';
import { domainLabels } from './domain-labels.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { NameKey } from './name-key.ts';

/** Budgets of a domain in that of the registry it seems to be below. */
export const REGISTRY_BUDGETS = 20;
const DOMAIN_LABELS = 2;

export class MissBudgets {
  readonly #name = new NameKey();
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
    const name = this.#name;
    this.#read(query, labels);
    // Why first: what a client has no part in any more is not taken from others.
    if (!this.#parts.take(name.high ^ client.high, name.low ^ client.low, nowMs)) return false;
    if (!this.#domains.take(name.high, name.low, nowMs)) return false;
    if (labels <= DOMAIN_LABELS) return true;
    this.#read(query, DOMAIN_LABELS);
    return this.#registries.take(name.high, name.low, nowMs);
  }

  /** Sets the key to that of the query's last `labels` labels. */
  #read({ bytes, qnameStart, qnameBytes, labelStarts, labelCount }: QueryView, labels: number): void {
    const from = labels === 0 ? qnameBytes - 1 : labelStarts[labelCount - labels]!;
    this.#name.read(bytes, qnameStart + from, qnameStart + qnameBytes);
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
