/**
 * A program for self-check.test.ts, which must outlive what it tries: the self-check with each field of the layout in
 * turn a word too far on or back, and sizes too. Left out: more room between iovecs, which are found by their addresses. Prints what it says of each, as JSON.
 */
import { type Libc, loadLibc, type MessageLayout } from '../../src/data-plane/batch/libc.ts';
import { checkBatches } from '../../src/data-plane/batch/self-check.ts';

const WORD_BYTES = 8;

const outcome = loadLibc();
if (outcome.kind !== 'ok') throw new Error(outcome.reason);
const { libc } = outcome;

const wrong = (field: keyof MessageLayout, by: number): Libc => ({
  ...libc,
  layout: { ...libc.layout, [field]: libc.layout[field] + by },
});
const isTried = (field: keyof MessageLayout) => (by: number) =>
  libc.layout[field] + by >= 0 && !(field === 'iovecBytes' && by > 0);
const said = Object.fromEntries(
  (Object.keys(libc.layout) as (keyof MessageLayout)[]).flatMap((field) =>
    [WORD_BYTES, -WORD_BYTES].filter(isTried(field)).map((by) => {
      const support = checkBatches({ kind: 'ok', libc: wrong(field, by) });
      return [`${field} ${by}`, support.kind === 'ok' ? 'ok' : support.reason];
    }),
  ),
);
process.stdout.write(JSON.stringify({ right: checkBatches(outcome).kind, wrong: said }));
