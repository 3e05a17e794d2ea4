/** Reads a resource of the admin API page by page, as far as was asked for; for the commands that show one. */
import type { ApiClient } from './api-client.ts';
import type { ApiFailure } from './api-failure.ts';

/** Rows that a command shows at the most. */
export const ROWS_MAX = 100_000;
/** As many as the API gives at a time. */
const PAGE_MAX = 1_000;

/** A hold, an appeal, an exception as the API shows it. */
export type ApiRow = Readonly<Record<string, unknown>>;

export interface ApiRows {
  readonly kind: 'rows';
  readonly rows: readonly ApiRow[];
  readonly isMore: boolean;
}

/**
 * The first `limit` of `/v1/RESOURCE`, which the API calls `resource` in its answer, too.
 * @param filter query parameters; undefined: not sent
 */
export async function readPages(
  client: ApiClient,
  resource: 'holds' | 'appeals' | 'exceptions',
  filter: Readonly<Record<string, string | undefined>>,
  limit: number,
): Promise<ApiRows | ApiFailure> {
  const rows: ApiRow[] = [];
  let after: string | null = '';
  while (after !== null && rows.length < limit) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE_MAX, limit - rows.length)) });
    for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, value);
    if (after !== '') query.set('after', after);
    const outcome = await client.send({ method: 'GET', path: `v1/${resource}?${query.toString()}`, repeat: 'safe' });
    if (outcome.kind !== 'ok') return outcome;
    const body = outcome.body as { readonly [key: string]: readonly ApiRow[] | undefined } & { next?: string | null };
    const found = body[resource] ?? [];
    rows.push(...found);
    // Why: a server that answers nothing and says there is more would be asked for ever.
    after = found.length === 0 ? null : (body.next ?? null);
  }
  return { kind: 'rows', rows, isMore: after !== null };
}
