/** Pages of what belongs to lists: whose rows a token is given, and how few questions that takes. */
import { describe, expect, it } from 'vitest';
import { PAGE_MAX, readablePage, type PageFilter } from '../../../../src/control-plane/admin/readable-page.ts';
import { ACTORS } from '../../../support/api-harness.ts';

interface Row {
  readonly id: string;
  readonly list: string;
}

/** `lists[i]` is the list of row i, as a ledger gives them. */
function ledgerOf(lists: readonly string[]) {
  const all = lists.map((list, at): Row => ({ id: String(at + 1), list }));
  const asked: PageFilter[] = [];
  const read = (filter: PageFilter) => {
    asked.push(filter);
    const { list, after = '0', limit } = filter;
    const behind = all.slice(Number(after)).filter((row) => list === undefined || row.list === list);
    return Promise.resolve(behind.slice(0, limit));
  };
  const page = async (who: string, query: Record<string, string | number>) => {
    const found = await readablePage({ actor: ACTORS[who]!, query: { limit: 100, ...query } }, read);
    return found.kind === 'page' ? [found.rows.map(({ id }) => id), found.next] : found.problem.code;
  };
  return { asked, page };
}

describe('a page', () => {
  it('has the rows of the lists that the token is for, and says where to go on', async () => {
    const { page } = ledgerOf(['other', 'desk', 'other', 'pulled', 'desk']);
    expect(await page('ofTwo', {})).toEqual([['2', '4', '5'], null]);
    expect(await page('ofTwo', { limit: 2 })).toEqual([['2', '4'], '4']);
    expect(await page('ofTwo', { limit: 2, after: '4' })).toEqual([['5'], null]);
    expect(await page('reader', { limit: 3 })).toEqual([['1', '2', '3'], '3']);
    expect(await page('ofTwo', { list: 'desk' })).toEqual([['2', '5'], null]);
    expect(await page('ofTwo', { list: 'other' })).toBe('forbidden');
  });

  it('does not walk over what others may read one by one', async () => {
    const { asked, page } = ledgerOf(Array.from({ length: 2.5 * PAGE_MAX }, () => 'other'));
    expect(await page('ofTwo', { limit: 1 })).toEqual([[], null]);
    expect(asked).toHaveLength(3);
  });

  it('of a token for one list is asked of that list alone, and is as long as was asked for', async () => {
    const { asked, page } = ledgerOf(['other', 'desk']);
    expect(await page('pusher', { limit: 7 })).toEqual([['2'], null]);
    expect(asked).toEqual([{ list: 'desk', limit: 7 }]);
  });
});
