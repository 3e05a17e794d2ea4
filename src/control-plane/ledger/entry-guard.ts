/**
 * The second pair of eyes for entries that are pushed or come by a feed: the guard that pulled lists have, what the
 * list's configuration approves, and how many queries of the last day an entry would have blocked. Reads the guard's files
 * when they are first needed, and again when they have changed; without a file that is configured nothing is added.
 */
import { nameFromText } from '../../dns/name.ts';
import { radiusDetail } from '../list-sync/guard/blast-radius.ts';
import { createGuard } from '../list-sync/guard/create-guard.ts';
import type { Guard } from '../list-sync/guard/guard.ts';
import { loadGuard, type GuardFiles } from '../list-sync/guard-files.ts';
import { FLAG_SHADOW, SCOPES, type EntryFields } from './entry-rows.ts';
import { unavailable } from './ledger-failure.ts';
import type { EntryScope, LedgerListSettings, LedgerRefusal, LedgerSettings } from './ledger.ts';
import type { GuardHit } from './name-work.ts';

/** Queries of the last 24 h for a name, and below it where the scope says so: of all queries. */
export type QueryEstimator = (
  sketches: readonly SharedArrayBuffer[],
  wireName: Uint8Array,
  scope: EntryScope,
  nowSeconds: number,
) => { readonly queries: number; readonly total: number };

type RadiusSettings = Pick<LedgerSettings, 'queryCounts' | 'blastRadius'>;

const NO_NAMES = { protectedNames: [], popularNames: [], sharedHosts: [], approved: [] };

export class EntryGuard {
  readonly #estimate: QueryEstimator;
  #guard: Guard = createGuard(NO_NAMES);
  #loaded = '';
  #loading: Promise<LedgerRefusal | undefined> | undefined;

  constructor(estimate: QueryEstimator) {
    this.#estimate = estimate;
  }

  /** Reads the files if that is to be done. A refusal: there is no guard, so nothing can be added. */
  async prepare(files: GuardFiles | undefined): Promise<LedgerRefusal | undefined> {
    for (;;) {
      const wanted = files === undefined ? '' : JSON.stringify(files);
      if (wanted === this.#loaded || files === undefined) return undefined;
      if (this.#loading === undefined) {
        this.#loading = this.#load(files, wanted);
        const outcome = await this.#loading;
        this.#loading = undefined;
        return outcome;
      }
      await this.#loading;
    }
  }

  async #load(files: GuardFiles, wanted: string): Promise<LedgerRefusal | undefined> {
    const outcome = await loadGuard(files);
    if (outcome.kind === 'unreadable') {
      return unavailable(`Nothing can be added without the guard, and ${outcome.message}. Removals are taken.`);
    }
    this.#guard = outcome.guard;
    this.#loaded = wanted;
    return undefined;
  }

  isSharedHost(name: string): boolean {
    return this.#guard.isSharedHost(name);
  }

  /** Why the entry has to wait for a person; undefined: it need not. `approved`: names that the operator has looked at. */
  look(
    fields: EntryFields,
    approved: ReadonlySet<string>,
    settings: RadiusSettings,
    nowSeconds: number,
  ): GuardHit | undefined {
    // Why: it blocks nothing. Made to enforce later, it comes by here again.
    if ((fields.flags & FLAG_SHADOW) !== 0 || approved.has(fields.name)) return undefined;
    const scope = SCOPES[fields.scope] ?? 'subtree';
    return this.#guard.check(fields.name, scope) ?? this.#blastRadius(fields.name, scope, settings, nowSeconds);
  }

  #blastRadius(
    name: string,
    scope: EntryScope,
    { queryCounts, blastRadius }: RadiusSettings,
    nowSeconds: number,
  ): GuardHit | undefined {
    if (queryCounts.length === 0) return undefined;
    const wireName = nameFromText(name);
    if (wireName === undefined) return undefined;
    const detail = radiusDetail(this.#estimate(queryCounts, wireName, scope, nowSeconds), blastRadius);
    return detail === undefined ? undefined : { guard: 'blastRadius', detail };
  }
}

/** Names in the spelling that entries have. */
export function approvedNames({ approved }: LedgerListSettings): ReadonlySet<string> {
  return new Set(approved.map((name) => name.toLowerCase().replace(/(?<=.)\.$/, '')));
}
