import { describe, expect, test } from 'vitest';
import { listData } from '../../../bench/list-data.ts';
import { seededRandom } from '../../../bench/query-files.ts';
import { nameFromText } from '../../../src/dns/name.ts';

const MORE_THAN_REAL = 1_000_001;
const LOOKED_AT = 50_000;

describe('made-up lists', () => {
  test('are the same every time, and every name is one and different', async () => {
    const [one, other] = [await listData(MORE_THAN_REAL), await listData(MORE_THAN_REAL)];
    expect(one.origin).toBe('invented');
    const names = Array.from({ length: LOOKED_AT }, (_, index) => one.nameAt(index));
    expect(names).toEqual(Array.from({ length: LOOKED_AT }, (_, index) => other.nameAt(index)));
    expect(new Set(names).size).toBe(LOOKED_AT);
    expect(names.filter((name) => nameFromText(name) === undefined)).toEqual([]);
  });
});

function draw(seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: 1_000 }, () => random());
}

test('seeded random numbers repeat and stay in [0, 1)', () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7).filter((value) => value < 0 || value >= 1)).toEqual([]);
});
