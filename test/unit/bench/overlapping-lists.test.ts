import { describe, expect, test } from 'vitest';
import { overlappingLists } from '../../../bench/cases/overlapping-lists.ts';
import type { ListData } from '../../../bench/list-data.ts';

const COUNT = 10;
/** Whole rounds in which each list meets each other one. */
const NAMES = 2_700;
const list: ListData = { count: NAMES, origin: 'invented', nameAt: (index) => `n${index}.example` };

function namesOf(one: ListData): string[] {
  return Array.from({ length: one.count }, (_, index) => one.nameAt(index));
}

const lists = overlappingLists(list, COUNT).map(namesOf);

describe('lists that overlap', () => {
  test('hold together what the one list holds, each name once in two or three of them', () => {
    const timesOf = new Map<string, number>();
    for (const names of lists) {
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) timesOf.set(name, (timesOf.get(name) ?? 0) + 1);
    }
    expect([...timesOf.keys()].toSorted()).toEqual(namesOf(list).toSorted());
    const times = [...timesOf.values()];
    expect(times.filter((each) => each === 3)).toHaveLength(NAMES / 3);
    expect(times.filter((each) => each === 2)).toHaveLength((NAMES / 3) * 2);
  });

  test('each share names with every other, and are of the same length', () => {
    for (const [index, names] of lists.entries()) {
      const others = lists.filter((_, other) => other !== index).map((each) => new Set(each));
      const shared = others.map((other) => names.filter((name) => other.has(name)).length);
      // As many as by the second list of each name alone.
      expect(Math.min(...shared)).toBeGreaterThanOrEqual((2 * NAMES) / COUNT / (COUNT - 1));
      expect(names).toHaveLength((NAMES * 7) / 3 / COUNT);
    }
  });

  test('are the list itself where there is one', () => {
    expect(overlappingLists(list, 1)).toEqual([list]);
  });
});
