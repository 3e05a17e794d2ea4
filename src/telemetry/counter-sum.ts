/**
 * The sum over all threads' counters, made anew at each scrape. A thread that died keeps its block: its successor counts
 * on in it (main clears the gauges first), so no counter ever goes backwards.
 */
import { COUNTER_CELLS, Counter, UPSTREAM_SLOTS } from './counters.ts';

export class CounterSum {
  readonly #blocks: Float64Array[] = [];
  readonly #total = new Float64Array(COUNTER_CELLS);
  /** What cells held when they began to stand for something else. */
  readonly #before = new Float64Array(COUNTER_CELLS);
  #generation = 0;

  /** Takes a thread's block into the sum. */
  attach(block: SharedArrayBuffer): void {
    this.#blocks.push(new Float64Array(block));
  }

  /** Reads every block. Cost: a few thousand additions for each thread. */
  refresh(): void {
    const total = this.#total.fill(0);
    this.#generation = Number.POSITIVE_INFINITY;
    for (const cells of this.#blocks) {
      for (let cell = 0; cell < COUNTER_CELLS; cell++) total[cell]! += cells[cell] ?? 0;
      const generation = cells[Counter.policyGeneration] ?? 0;
      if (generation > 0 && generation < this.#generation) this.#generation = generation;
    }
    if (this.#generation === Number.POSITIVE_INFINITY) this.#generation = 0;
  }

  /** Value of one cell as of the last refresh. */
  at(cell: number): number {
    return (this.#total[cell] ?? 0) - (this.#before[cell] ?? 0);
  }

  /** The smallest value above 0 that a thread has in a gauge's cell; 0 where none has one. */
  smallestAt(cell: number): number {
    const values = this.#blocks.map((cells) => cells[cell] ?? 0).filter((value) => value > 0);
    return values.length === 0 ? 0 : Math.min(...values);
  }

  /** Counts `length` cells from 0 again: from now on they stand for another upstream. */
  restart(firstCell: number, length: number): void {
    this.refresh();
    this.#before.set(this.#total.subarray(firstCell, firstCell + length), firstCell);
  }

  /** Lowest policy generation among the threads that answer; 0 before the first. */
  get policyGeneration(): number {
    return this.#generation;
  }
}

/** Sets a thread's gauges to 0; call it when the thread has died, before its successor starts. */
export function clearGauges(block: SharedArrayBuffer): void {
  new Float64Array(block).fill(0, Counter.firstGauge, Counter.upstreamDown + UPSTREAM_SLOTS);
}
