/**
 * What single steps of the query path cost, which docs/performance.md gives figures of: counting in shared memory and in
 * memory of the thread's own, a look at the clock, a copy of octets. The lowest of many short runs: what else the machine
 * does only adds. `taskset -c 0 node bench/step-costs.ts`
 */
import { monotonicMs } from '../src/clock.ts';
import { copyOctets } from '../src/dns/patch.ts';
import { COUNTER_CELLS, createCounters } from '../src/telemetry/counters.ts';

const RUNS = 40;
const STEPS = 200_000;
const NANOSECONDS_A_MILLISECOND = 1e6;
const COPY_OCTETS = [16, 32, 33, 70, 150, 250];

/** The lowest time of a step. Units: nanoseconds. */
function lowestNs(run: (steps: number) => void): number {
  let lowest = Infinity;
  for (let count = 0; count < RUNS; count++) {
    const begin = monotonicMs();
    run(STEPS);
    lowest = Math.min(lowest, monotonicMs() - begin);
  }
  return (lowest * NANOSECONDS_A_MILLISECOND) / STEPS;
}

/** Three cells of a hundred each step, which no compiler can know beforehand. */
function countThree(cells: Float64Array, steps: number): void {
  let word = 1;
  for (let step = 0; step < steps; step++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) | 0;
    cells[word >>> 28]!++;
    cells[20 + ((word >>> 24) & 15)]!++;
    cells[40 + ((word >>> 20) & 15)]!++;
  }
}

function copyOneByOne(from: Uint8Array, start: number, count: number, to: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}

function copyNs(copy: typeof copyOctets, count: number): number {
  const from = Buffer.alloc(4_096, 7);
  const to = Buffer.alloc(4_096);
  return lowestNs((steps) => {
    for (let step = 0; step < steps; step++) copy(from, (step * 37) & 1_023, count, to, step & 7);
  });
}

function say(what: string, ns: number): void {
  process.stdout.write(`${what.padEnd(50)} ${ns.toFixed(1).padStart(7)} ns\n`);
}

const shared = new Float64Array(createCounters());
const own = new Float64Array(COUNTER_CELLS);
say(
  'three counts in shared memory',
  lowestNs((steps) => countThree(shared, steps)),
);
say(
  'three counts in memory of the own',
  lowestNs((steps) => countThree(own, steps)),
);
let sum = 0;
say(
  'a look at the clock',
  lowestNs((steps) => {
    for (let step = 0; step < steps; step++) sum += monotonicMs();
  }),
);
for (const count of COPY_OCTETS) {
  say(`a copy of ${count} octets`, copyNs(copyOctets, count));
  say(`the same one by one`, copyNs(copyOneByOne, count));
}
if (sum === 0) process.exitCode = 1;
