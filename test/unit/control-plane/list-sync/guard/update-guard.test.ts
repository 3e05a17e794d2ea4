import { expect, test } from 'vitest';
import {
  UPDATE_ENTRIES_MIN,
  updateHold,
  type ListChange,
} from '../../../../../src/control-plane/list-sync/guard/update-guard.ts';

const LIMITS = { shrinkPercentMax: 50, growthPercentMax: 200 };
const guardOf = (change: Partial<ListChange>) =>
  updateHold({ before: 4000, added: 0, removed: 0, popular: 0, ...change }, LIMITS)?.guard;

test.each([
  ['removes its whole share', { removed: 2000 }, undefined],
  ['removes one more', { removed: 2001 }, 'shrink'],
  ['adds its whole share', { added: 8000 }, undefined],
  ['adds one more', { added: 8001 }, 'growth'],
  ['removes most of a small list', { before: 1000, removed: UPDATE_ENTRIES_MIN - 1 }, undefined],
  ['removes all of a list that is just no small one', { before: 1000, removed: UPDATE_ENTRIES_MIN }, 'shrink'],
  ['adds many to one entry', { before: 1, added: UPDATE_ENTRIES_MIN }, 'growth'],
  ['is the first that the list has', { before: 0, added: 1_000_000 }, undefined],
  ['would block names that many ask for', { popular: 1 }, 'blastRadius'],
])('an update that %s', (_what, change, expected) => {
  expect(guardOf(change)).toBe(expected);
});
