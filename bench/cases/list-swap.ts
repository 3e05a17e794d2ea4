/**
 * Names of a list that is replaced by another: the list with one name of `every` changed, and the names that no change
 * takes out, which are blocked all the while and are what a load may ask. `every` of Infinity changes nothing.
 */
import type { ListData } from '../list-data.ts';

/** The same list, but one name of `every` another one that no list had before. */
export function changedList(list: ListData, every: number, word: string): ListData {
  const nameAt = (index: number): string =>
    every !== Infinity && index % every === 0 ? `${word}x${index}.example.com` : list.nameAt(index);
  return { count: list.count, origin: list.origin, nameAt };
}

/** The names that stay, whatever word the others are changed to. */
export function keptNames(list: ListData, every: number): ListData {
  if (every === Infinity) return list;
  return {
    count: list.count - Math.ceil(list.count / every),
    origin: list.origin,
    nameAt: (index) => list.nameAt(index + 1 + Math.floor(index / (every - 1))),
  };
}
