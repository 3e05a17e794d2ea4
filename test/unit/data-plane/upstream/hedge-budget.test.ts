import { expect, test } from 'vitest';
import { HedgeBudget } from '../../../../src/data-plane/upstream/hedge-budget.ts';

test('after the savings are spent, one query in ten may be hedged', () => {
  const budget = new HedgeBudget();
  let saved = 0;
  while (budget.spend()) saved++;
  expect(saved).toBe(50);
  let hedges = 0;
  for (let count = 0; count < 1000; count++) {
    budget.earn();
    if (budget.spend()) hedges++;
  }
  expect(hedges).toBeGreaterThanOrEqual(99);
  expect(hedges).toBeLessThanOrEqual(100);
});
