/** Who did what with a name, when, why and in which version: from the entries' rows, their versions and the holds. */
import { FLAG_EXPIRED, SCOPES } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { HoldState, NameEvent } from './ledger.ts';

/** Of one list; a name that changes more often than that is cut off, oldest first. */
const ROWS_MAX = 5_000;

interface HistoryRow {
  readonly scope: number;
  readonly added: number;
  readonly removed: number | null;
  readonly reference: string | null;
  readonly flags: number;
  readonly expires: number;
  readonly added_at: number;
  readonly maintainer: string;
}

interface VersionWords {
  readonly created: number;
  readonly maintainer: string;
  readonly reason: string;
}

interface HoldWords {
  readonly list: string;
  readonly scope: number;
  readonly proposer: string;
  readonly reason: string;
  readonly reference: string | null;
  readonly created: number;
  readonly state: HoldState;
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  readonly decision_reason: string | null;
  readonly version: number;
  readonly decided_version: number;
}

/** Newest first. Versions that are not kept any more have lost their reasons, and what they removed is forgotten. */
export function nameHistory(tables: LedgerConnection, name: string, limit: number): NameEvent[] {
  const events: NameEvent[] = [];
  for (const { id, name: list } of tables.all<{ id: number; name: string }>('SELECT id, name FROM lists')) {
    for (const row of rowsOf(tables, id, name)) events.push(...eventsOfRow(tables, id, list, row));
  }
  for (const hold of holdsOf(tables, name)) events.push(...eventsOfHold(hold));
  events.sort((a, b) => b.atSeconds - a.atSeconds || b.version - a.version || ORDER[b.what] - ORDER[a.what]);
  return events.slice(0, limit);
}

/** Of what one version did to a name in the same second: what comes later stands for more. */
const ORDER: Readonly<Record<NameEvent['what'], number>> = { removed: 0, held: 1, rejected: 2, released: 3, added: 4 };

function rowsOf(tables: LedgerConnection, list: number, name: string): HistoryRow[] {
  return tables.all<HistoryRow>(
    `SELECT scope, added, removed, reference, flags, expires, added_at, m.name AS maintainer FROM entries
     JOIN maintainers m ON m.id = entries.maintainer WHERE list = ? AND entries.name = ? ORDER BY added DESC LIMIT ?`,
    list,
    name,
    ROWS_MAX,
  );
}

function eventsOfRow(tables: LedgerConnection, id: number, list: string, row: HistoryRow): NameEvent[] {
  const scope = SCOPES[row.scope] ?? 'subtree';
  const reference = row.reference ?? undefined;
  const begin = versionWords(tables, id, row.added);
  const events: NameEvent[] = [
    {
      atSeconds: begin?.created ?? row.added_at,
      list,
      version: row.added,
      what: 'added',
      scope,
      maintainer: begin?.maintainer ?? row.maintainer,
      reason: begin?.reason ?? '',
      reference,
    },
  ];
  if (row.removed === null) return events;
  const isExpired = (row.flags & FLAG_EXPIRED) !== 0;
  const end = isExpired
    ? { created: row.expires, maintainer: 'system', reason: 'expired' }
    : versionWords(tables, id, row.removed);
  events.push({
    atSeconds: end?.created ?? 0,
    list,
    version: row.removed,
    what: 'removed',
    scope,
    maintainer: end?.maintainer ?? '',
    reason: end?.reason ?? '',
    reference,
  });
  return events;
}

function versionWords(tables: LedgerConnection, list: number, version: number): VersionWords | undefined {
  return tables.get<VersionWords>(
    'SELECT created, maintainer, reason FROM versions WHERE list = ? AND version = ?',
    list,
    version,
  );
}

function holdsOf(tables: LedgerConnection, name: string): HoldWords[] {
  return tables.all<HoldWords>(
    `SELECT l.name AS list, scope, proposer, reason, reference, created, state, decided_by, decided_at,
      decision_reason, ${versionAt('created')} AS version, ${versionAt('decided_at')} AS decided_version FROM holds JOIN lists l ON l.id = holds.list WHERE holds.name = ? ORDER BY holds.id DESC LIMIT ?`,
    name,
    ROWS_MAX,
  );
}

/** The list's newest version at the time in a column of `holds`; 0: there was none, or it is not kept any more. */
function versionAt(column: 'created' | 'decided_at'): string {
  return `ifnull((SELECT v.version FROM versions v WHERE v.list = holds.list AND v.created <= holds.${column}
    ORDER BY v.version DESC LIMIT 1), 0)`;
}

function eventsOfHold(hold: HoldWords): NameEvent[] {
  const common = {
    list: hold.list,
    scope: SCOPES[hold.scope] ?? ('subtree' as const),
    reference: hold.reference ?? undefined,
  };
  const { created, proposer, reason, state, version } = hold;
  const events: NameEvent[] = [{ ...common, version, atSeconds: created, what: 'held', maintainer: proposer, reason }];
  if (state === 'released' || state === 'rejected') {
    events.push({
      ...common,
      version: hold.decided_version,
      atSeconds: hold.decided_at ?? 0,
      what: state,
      maintainer: hold.decided_by ?? '',
      reason: hold.decision_reason ?? '',
    });
  }
  return events;
}
