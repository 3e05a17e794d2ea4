import { expect, test } from 'vitest';
import type { CaseContext } from '../../../bench/cases/case.ts';
import { totalsOf } from '../../../bench/cases/kind-run.ts';

const report = (sent: number, lost: number, rcodes: Record<string, number>) => ({
  sent,
  completed: sent - lost,
  lost,
  interrupted: 0,
  seconds: 1,
  queriesPerSecond: sent,
  latencyMeanUs: 1,
  rcodes,
});

function totals(wrong: readonly string[], ...reports: readonly ReturnType<typeof report>[]) {
  const problems: string[] = [];
  const context = { problem: (text: string) => problems.push(text) } as unknown as CaseContext;
  const [measured, ...others] = reports;
  const measurements = [{ cpuUs: 1, sampled: 1, wrong, report: measured! }];
  return { problems, totals: totalsOf(context, 'here', measurements, others) };
}

test('nothing is said of runs in which every query was answered well', () => {
  const good = totals([], report(10, 0, { NOERROR: 10 }), report(5, 0, { NOERROR: 5 }));
  expect(good.problems).toEqual([]);
  expect(good.totals).toEqual({ sent: 15, completed: 15, lost: 0, wrong: 0, rcodes: { NOERROR: 15 } });
});

test('what is lost, wrong or not NOERROR is said, of runs that were not measured too', () => {
  const bad = totals(
    ['a.example: no answer'],
    report(10, 0, { NOERROR: 10 }),
    report(8, 2, { NOERROR: 5, SERVFAIL: 1 }),
  );
  expect(bad.problems).toEqual([
    'here: 2 queries lost',
    'here: 1 answers were not NOERROR',
    'here: 1 wrong answers, e.g. a.example: no answer',
  ]);
  expect(bad.totals).toMatchObject({
    sent: 18,
    completed: 16,
    lost: 2,
    wrong: 1,
    rcodes: { NOERROR: 15, SERVFAIL: 1 },
  });
});
