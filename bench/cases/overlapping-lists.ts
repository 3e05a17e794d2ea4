/**
 * The names of one list in several lists that overlap, as lists from different sources do: each name is in two of them, a
 * third of the names in a third one. What they hold together is the one list.
 */
import type { ListData } from '../list-data.ts';

/** Which of `count` lists, of which there must be at least three, have the name. */
function listsOf(index: number, count: number): number[] {
  const others = count - 1;
  const first = index % count;
  const round = Math.floor(index / count);
  // Why turned by the round: so that each list overlaps with all others, not with a neighbour.
  const second = (first + 1 + (round % others)) % count;
  const third = (first + 1 + ((round + 1) % others)) % count;
  return round % 3 === 0 ? [first, second, third] : [first, second];
}

/** One list alone has all names. */
export function overlappingLists(list: ListData, count: number): ListData[] {
  if (count === 1) return [list];
  const indexes = Array.from({ length: count }, (): number[] => []);
  for (let index = 0; index < list.count; index++) {
    for (const one of listsOf(index, count)) indexes[one]!.push(index);
  }
  return indexes.map((own) => ({
    count: own.length,
    origin: list.origin,
    nameAt: (index) => list.nameAt(own[index]!),
  }));
}
