/** Counts what a guard holds of a list, by guard, with the first few of each: for people and reports, not for policy. */
import type { ListEntry } from '../format/list-format.ts';
import type { Guard, GuardCode } from './guard.ts';

const SAMPLES_A_GUARD_MAX = 10;

export interface HoldSample {
  readonly name: string;
  readonly scope: 'exact' | 'subtree';
  readonly lineNumber: number;
  readonly detail: string;
}

export interface HoldsSummary {
  readonly total: number;
  readonly byGuard: Readonly<Partial<Record<GuardCode, number>>>;
  readonly samples: Readonly<Partial<Record<GuardCode, readonly HoldSample[]>>>;
}

export class HoldsReport {
  readonly #guard: Guard;
  readonly #byGuard: Partial<Record<GuardCode, number>> = {};
  readonly #samples: Partial<Record<GuardCode, HoldSample[]>> = {};
  #total = 0;

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Is the entry held? */
  look(entry: ListEntry, lineNumber: number): boolean {
    if (entry.kind === 'exception') return false;
    const hold = this.#guard.check(entry.name, entry.scope);
    if (hold === undefined) return false;
    this.#total++;
    this.#byGuard[hold.guard] = (this.#byGuard[hold.guard] ?? 0) + 1;
    const samples = (this.#samples[hold.guard] ??= []);
    if (samples.length < SAMPLES_A_GUARD_MAX) {
      samples.push({ name: entry.name, scope: entry.scope, lineNumber, detail: hold.detail });
    }
    return true;
  }

  summary(): HoldsSummary {
    return { total: this.#total, byGuard: this.#byGuard, samples: this.#samples };
  }
}
