/**
 * The live blast radius: how many queries of the last day would an entry have blocked? One that would block what many ask
 * for waits for a person, whoever listed it. Numbers from the resolver threads' sketch (telemetry/query-sketch.ts), which
 * counts what is not blocked: an entry in force adds nothing to its own count. For pulled lists and for the ledger.
 */
import { BusyNames, estimateQueries, mergedSketch, totalQueries } from '../../../telemetry/query-sketch.ts';
import type { QueryEstimate } from '../../../telemetry/query-sketch.ts';

export interface RadiusLimits {
  /** Entries that at least this share of the queries ask for are held. */
  readonly sharePercent: number;
  /** And at least so many queries in 24 h. */
  readonly queriesMin: number;
}

export interface RadiusInput extends RadiusLimits {
  /** Shared memory of the resolver threads; none: nothing is held. */
  readonly sketches: readonly SharedArrayBuffer[];
}

/** The sentence for people where it is too much for an entry, or for a rollout's entries together; undefined: it is not. */
export function radiusDetail({ queries, total }: QueryEstimate, limits: RadiusLimits): string | undefined {
  if (queries < limits.queriesMin || queries * 100 < total * limits.sharePercent) return undefined;
  return `it would have blocked about ${Math.round(queries)} of ${Math.round(total)} queries in the last 24 h`;
}

/** Asked of every entry of a list. */
export class BlastRadius {
  readonly #limits: RadiusLimits;
  readonly #sketches: readonly SharedArrayBuffer[];
  readonly #nowSeconds: number;
  readonly #busy: BusyNames | undefined;

  /** Cost: the sum of the sketches, 4 MiB. */
  constructor({ sketches, ...limits }: RadiusInput, nowSeconds: number) {
    this.#limits = limits;
    this.#nowSeconds = nowSeconds;
    const total = totalQueries(sketches, nowSeconds);
    const queriesMin = Math.max(limits.queriesMin, (total * limits.sharePercent) / 100);
    this.#sketches = [mergedSketch(sketches, nowSeconds)];
    this.#busy = total < limits.queriesMin ? undefined : new BusyNames(this.#sketches[0]!, queriesMin, nowSeconds);
  }

  /** No entry can be held: too little was asked at all. */
  get isQuiet(): boolean {
    return this.#busy === undefined;
  }

  /** Whether one of its scopes may be held; false: none is. */
  mayHold(bytes: Uint8Array, nameOffset: number): boolean {
    const busy = this.#busy;
    if (busy === undefined) return false;
    return busy.mayHave(bytes, nameOffset, 'subtree') || busy.mayHave(bytes, nameOffset, 'exact');
  }

  /** Cost: the name's hash, for nearly every name. */
  look(bytes: Uint8Array, nameOffset: number, nameBytes: number, scope: 'exact' | 'subtree'): string | undefined {
    if (this.#busy?.mayHave(bytes, nameOffset, scope) !== true) return undefined;
    const wireName = bytes.subarray(nameOffset, nameOffset + nameBytes);
    return radiusDetail(estimateQueries(this.#sketches, wireName, scope, this.#nowSeconds), this.#limits);
  }
}
