import { describe, expect, test } from 'vitest';
import { changedList, keptNames } from '../../../bench/cases/list-swap.ts';
import type { ListData } from '../../../bench/list-data.ts';

function listOf(count: number): ListData {
  return { count, origin: 'invented', nameAt: (index) => `n${index}.example` };
}

function namesOf(list: ListData): string[] {
  return Array.from({ length: list.count }, (_, index) => list.nameAt(index));
}

describe('a list that is replaced', () => {
  test.each([20, 21, 29, 30])('of %i names keeps those that the next one has too, each once', (count) => {
    const list = listOf(count);
    const [one, other] = [changedList(list, 10, 'first'), changedList(list, 10, 'second')].map(namesOf);
    expect(namesOf(keptNames(list, 10))).toEqual(one!.filter((name) => other!.includes(name)));
  });

  test('has as many names as before, of which one in so many was on no list', () => {
    const list = listOf(30);
    const changed = namesOf(changedList(list, 10, 'word'));
    expect(changed).toHaveLength(30);
    expect(changed.flatMap((name, index) => (namesOf(list).includes(name) ? [] : [index]))).toEqual([0, 10, 20]);
  });

  test('in which nothing changes keeps all', () => {
    expect(namesOf(keptNames(listOf(3), Infinity))).toEqual(namesOf(listOf(3)));
    expect(namesOf(changedList(listOf(3), Infinity, 'word'))).toEqual(namesOf(listOf(3)));
  });
});
