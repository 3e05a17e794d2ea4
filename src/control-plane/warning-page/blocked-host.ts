/** What the warning page knows of a blocked name; made by host-judge.ts, shown by page-html.ts and page-answer.ts. */
import type { Category } from '../../policy/category.ts';
import type { ListOrder } from '../../policy/published.ts';

export interface BlockedHost {
  /** The name that was asked for: A-labels, lower case, no trailing dot. */
  readonly name: string;
  /** The listed name that it leads to, where it is not listed itself. */
  readonly target: string | undefined;
  /** The entry that blocks it: the name (or its target) itself or a name above it. */
  readonly entry: string;
  readonly category: Category;
  readonly list: string;
  readonly authority: string;
  readonly order: ListOrder;
  /** The case or order that the list names for the entry; undefined: none is known. Untrusted text, one bounded line. */
  readonly reference: string | undefined;
  readonly version: number;
  readonly incident: string;
}
