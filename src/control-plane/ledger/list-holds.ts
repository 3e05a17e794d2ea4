/**
 * Holds of pulled lists. The list's sync says after each version what its guard holds; here that becomes rows that people
 * decide about: new ones are opened, those whose entry is gone are closed, decisions stay, however often the list comes,
 * until an appeal against the entry is upheld.
 */
import { SCOPES } from './entry-rows.ts';
import { closeHold, openHold, type Proposer } from './hold-rows.ts';
import { liftedAt } from './lifted-entries.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { ListApprovals, ListHoldsReport } from './ledger.ts';
import type { ListHead } from './list-heads.ts';

/** Of one list; the rest of what it reports waits unseen until some of these are decided. */
const REPORTED_HOLDS_MAX = 10_000;

interface OpenHold {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly scope: number;
}

/** Says how many were opened and closed. Inside a transaction. */
export function takeListHolds(
  tables: LedgerConnection,
  head: ListHead,
  report: ListHoldsReport,
  atSeconds: number,
): { opened: number; closed: number } {
  const sql = `SELECT id, kind, name, scope FROM holds
    WHERE list = ? AND state = 'open' AND kind IN ('listEntry', 'update')`;
  const open = new Map(
    tables.all<OpenHold>(sql, head.id).map((hold) => [keyOf(hold.kind, hold.name, hold.scope), hold.id]),
  );
  const reason = `version ${report.version} of the list`;
  const proposer: Proposer = { id: 'system', name: report.list, reason, atSeconds };
  const wanted = report.entries.slice(0, REPORTED_HOLDS_MAX).map(({ name, scope, guard, detail }) => ({
    kind: 'listEntry' as const,
    name,
    scope: SCOPES.indexOf(scope),
    hit: { guard, detail },
  }));
  const { update } = report;
  const updates = update === undefined ? [] : [{ kind: 'update' as const, name: update.sha256, scope: 0, hit: update }];
  const lifted = liftedAt(tables, head.name);
  let opened = 0;
  for (const hold of [...wanted, ...updates]) {
    if (open.delete(keyOf(hold.kind, hold.name, hold.scope)) || isDecided(tables, head.id, hold, lifted.get(hold.name)))
      continue;
    openHold(tables, { list: head.id, proposer, ...hold });
    opened += 1;
  }
  for (const id of open.values()) {
    closeHold(tables, id, { state: 'withdrawn', by: 'system', reason: 'no longer held', atSeconds });
  }
  return { opened, closed: open.size };
}

function keyOf(kind: string, name: string, scope: number): string {
  return `${kind} ${scope} ${name}`;
}

/** What was decided before the entry was lifted counts no more, as in listApprovals. */
function isDecided(
  tables: LedgerConnection,
  list: number,
  hold: { kind: string; name: string; scope: number },
  liftedAtSeconds = 0,
): boolean {
  const sql = `SELECT 1 AS there FROM holds WHERE name = ? AND list = ? AND scope = ? AND kind = ?
    AND state IN ('released', 'rejected') AND decided_at >= ? LIMIT 1`;
  return tables.get(sql, hold.name, list, hold.scope, hold.kind, liftedAtSeconds) !== undefined;
}

/** What people have let through of a pulled list, and what they have lifted; of one name the later decision counts. */
export function listApprovals(tables: LedgerConnection, head: ListHead | undefined, list: string): ListApprovals {
  const lifted = liftedAt(tables, list);
  if (head === undefined) return { list, names: [], updateSha256s: [], lifted: [...lifted.keys()] };
  const sql = `SELECT name, max(decided_at) AS at FROM holds WHERE list = ? AND state = 'released' AND kind = ?
    GROUP BY name`;
  const released = tables.all<{ name: string; at: number }>(sql, head.id, 'listEntry');
  const names = released.filter(({ name, at }) => at >= (lifted.get(name) ?? 0)).map(({ name }) => name);
  for (const name of names) lifted.delete(name);
  const updateSha256s = tables.all<{ name: string }>(sql, head.id, 'update').map(({ name }) => name);
  return { list, names, updateSha256s, lifted: [...lifted.keys()] };
}
