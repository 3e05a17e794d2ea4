import { describe, expect, test } from 'vitest';
import { bytesNeeded } from '../../../bench/cases/memory-need.ts';

const MIB = 1024 * 1024;

describe('the memory that a longer list would need', () => {
  test('grows by what a name took between the two longest lists, with room; the process itself is counted once', () => {
    const taken = [
      { names: 1_000, bytes: 200 * MIB + 500_000 },
      { names: 10, bytes: 900 * MIB },
      { names: 300, bytes: 200 * MIB + 150_000 },
    ];
    expect(bytesNeeded(taken, 10_000)).toBe(200 * MIB + 500_000 + 9_000 * 500 * 1.2);
  });

  test('is a share a name where one list was measured', () => {
    expect(bytesNeeded([{ names: 1_000, bytes: 500_000 }], 2_000)).toBe(500_000 + 1_000 * 500 * 1.2);
  });

  test('never shrinks, and is not known without a measurement', () => {
    const taken = [
      { names: 300, bytes: 9 * MIB },
      { names: 1_000, bytes: 8 * MIB },
    ];
    expect(bytesNeeded(taken, 10_000)).toBe(8 * MIB);
    expect(bytesNeeded([], 10_000)).toBeUndefined();
  });
});
