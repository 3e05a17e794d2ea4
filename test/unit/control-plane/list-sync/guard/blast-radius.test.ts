import { expect, test } from 'vitest';
import { radiusDetail } from '../../../../../src/control-plane/list-sync/guard/blast-radius.ts';

const LIMITS = { sharePercent: 1, queriesMin: 1000 };

test.each([
  ['below the floor, whatever its share', { queries: 999, total: 999 }, false],
  ['at the floor and the share', { queries: 1000, total: 100_000 }, true],
  ['below the share, whatever its number', { queries: 9_999, total: 1_000_000 }, false],
])('a name asked for %s', (_what, estimate, isHeld) => {
  expect(radiusDetail(estimate, LIMITS) !== undefined).toBe(isHeld);
});
