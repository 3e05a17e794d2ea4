/**
 * A page of what belongs to lists (holds, appeals), for tokens that may not read all of them. Ids are cursors: what is
 * behind the last one shown comes with the next page.
 */
import type { Actor } from '../ledger/ledger.ts';
import {
  allows,
  forbidden,
  type ApiCall,
  type ApiProblem,
  type JsonSchema,
  type QueryParameter,
  type QueryValues,
} from './api-route.ts';
import { READ_RIGHTS } from './lists.ts';
import { list, record, textOrNull } from './schemas.ts';

export const PAGE_MAX = 1_000;
export const ID_CHARACTERS_MAX = 64;

export interface PageFilter {
  readonly limit: number;
  readonly list?: string;
  /** Behind this id. */
  readonly after?: string;
}

export interface ReadablePage<Row> {
  readonly kind: 'page';
  readonly rows: readonly Row[];
  /** Null: there are none behind these. */
  readonly next: string | null;
}

/** @param thing as it is called in the description */
export function pageParameters(thing: string): Readonly<Record<'after' | 'limit', QueryParameter>> {
  return {
    after: { type: 'string', description: `behind this ${thing}`, maxLength: ID_CHARACTERS_MAX },
    limit: { type: 'integer', description: 'at most so many', minimum: 1, maximum: PAGE_MAX, default: 100 },
  };
}

export function pageSchema(key: string, row: JsonSchema): JsonSchema {
  return record({
    [key]: list(row),
    next: { ...textOrNull, description: 'what to send as `after` for those behind; null: there are none' },
  });
}

/** `read` gives rows in the order of their ids. */
export async function readablePage<Row extends { readonly id: string; readonly list: string }>(
  { actor, query }: Pick<ApiCall, 'actor' | 'query'>,
  read: (filter: PageFilter) => Promise<readonly Row[]>,
): Promise<ReadablePage<Row> | ApiProblem> {
  const mayRead = (name: string): boolean => allows(actor, READ_RIGHTS, name);
  const ofList = listAsked(actor, query);
  if (ofList !== undefined && !mayRead(ofList)) return forbidden(READ_RIGHTS, ofList);
  const limit = Number(query['limit']);
  const isAllReadable = ofList !== undefined || actor.lists.includes('*');
  // Why long pages: with short ones a question about a few would walk over others' rows one by one.
  const pageMax = isAllReadable ? limit : PAGE_MAX;
  const rows: Row[] = [];
  let after = query['after'] === undefined ? undefined : String(query['after']);
  // Why a loop: the token may not read the rows of all lists, and a page is as long as it was asked for.
  for (;;) {
    const page = await read({
      limit: pageMax,
      ...(ofList === undefined ? {} : { list: ofList }),
      ...(after === undefined ? {} : { after }),
    });
    const room = limit - rows.length;
    const readable = page.filter((row) => mayRead(row.list));
    rows.push(...readable.slice(0, room));
    if (page.length < pageMax && readable.length <= room) return { kind: 'page', rows, next: null };
    if (rows.length === limit) return { kind: 'page', rows, next: rows.at(-1)!.id };
    after = page.at(-1)!.id;
  }
}

/** The list that was asked for; without one, the only one that the token is for: all others need not be walked. */
function listAsked(actor: Actor, query: QueryValues): string | undefined {
  if (query['list'] !== undefined) return String(query['list']);
  const [only] = actor.lists;
  return actor.lists.length === 1 && only !== '*' && only !== undefined && allows(actor, READ_RIGHTS, only)
    ? only
    : undefined;
}
