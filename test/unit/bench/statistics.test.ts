import { describe, expect, test } from 'vitest';
import { median, percentile } from '../../../bench/statistics.ts';

describe('percentiles', () => {
  test('are of the sorted values, whatever order they come in', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([9, 10, 100, 1])).toBe(9.5);
    expect(percentile([4, 2, 1, 3], 100)).toBe(4);
    expect(percentile([4, 2, 1, 3], 0)).toBe(1);
    expect(percentile([0, 10], 25)).toBe(2.5);
  });

  test('leave the values as they are', () => {
    const values = [2, 1];
    median(values);
    expect(values).toEqual([2, 1]);
  });

  test('of nothing are not a number', () => {
    expect(median([])).toBeNaN();
  });
});
