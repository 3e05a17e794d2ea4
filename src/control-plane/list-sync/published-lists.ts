/** The table of lists that goes with a published index: the configuration's order is the list index inside the rules. */
import type { ListConfig } from '../../config/config.ts';
import type { PublishedList } from '../../policy/published.ts';

/** `contents` has the content in the index for each list, undefined where there is none. */
export function publishedLists(
  lists: readonly ListConfig[],
  contents: readonly ({ readonly version: number } | undefined)[],
  counterSlotOf: (listName: string) => number,
): PublishedList[] {
  return lists.map(({ name, authority, order, mode, action }, index) => ({
    name,
    authority,
    order,
    mode,
    action,
    version: contents[index]?.version ?? 0,
    counterSlot: counterSlotOf(name),
  }));
}
