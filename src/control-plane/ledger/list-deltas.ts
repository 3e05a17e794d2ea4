/** How a list has changed between two of its versions, as the new state of every name that did: what ListSync applies. */
import { nameState } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import { DELTA_NAMES_MAX, type LedgerDelta } from './ledger.ts';
import { digestText, type ListHead } from './list-heads.ts';

/** The delta to the list's newest version. `names` undefined: too many. */
export function deltaOf(
  tables: LedgerConnection,
  head: ListHead,
  fromVersion: number,
  names: readonly string[] | undefined,
  nowSeconds: number,
): LedgerDelta {
  return {
    list: head.name,
    fromVersion,
    toVersion: head.version,
    digest: digestText(head.digest),
    names: names?.map((name) => nameState(tables, head.id, name, nowSeconds)),
    entryCount: head.entryCount,
  };
}

/** Undefined: the version is not kept any more, or is yet to come. */
export function deltaSince(
  tables: LedgerConnection,
  head: ListHead,
  version: number,
  nowSeconds: number,
): LedgerDelta | undefined {
  if (version < head.oldest || version > head.version) return undefined;
  return deltaOf(tables, head, version, namesChangedSince(tables, head.id, version), nowSeconds);
}

/** Undefined: more than DELTA_NAMES_MAX. Cost: two ranges of indexes. */
function namesChangedSince(tables: LedgerConnection, list: number, version: number): string[] | undefined {
  const rows = tables.all<{ name: string }>(
    `${CHANGED_NAMES} LIMIT ?`,
    ...changedValues(list, version),
    DELTA_NAMES_MAX + 1,
  );
  return rows.length > DELTA_NAMES_MAX ? undefined : rows.map(({ name }) => name);
}

/** Names that came, that went, and whose rollout is complete. */
const CHANGED_NAMES = `SELECT DISTINCT name FROM (
  SELECT name FROM entries WHERE list = ? AND added > ?
  UNION ALL SELECT name FROM entries WHERE list = ? AND removed > ?
  UNION ALL SELECT name FROM entries WHERE rollout IN
    (SELECT id FROM rollouts WHERE list = ? AND ended_version > ? AND state = 'complete'))`;

function changedValues(list: number, version: number): number[] {
  return [list, version, list, version, list, version];
}

/** All of them, in order, one by one; for a rollback. */
export function* walkChangedNames(tables: LedgerConnection, list: number, version: number): Generator<string> {
  const rows = tables.walk<{ name: string }>(`${CHANGED_NAMES} ORDER BY name`, ...changedValues(list, version));
  for (const { name } of rows) yield name;
}
