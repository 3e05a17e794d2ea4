/**
 * The rows of `holds` (what waits for a person, and what became of it) and `held` (what a hold of a push list or feed
 * would do once it is released). At most one open hold waits for a name, scope and direction of a list: a newer one takes
 * the place of the older. All of it inside the caller's transaction.
 */
import { shownDecision, writeDecision, type Decision, type DecisionColumns } from './decision-columns.ts';
import { SCOPES, type EntryFields } from './entry-rows.ts';
import type { LedgerConnection, SqlValue } from './ledger-connection.ts';
import type { HoldRow, HoldState } from './ledger.ts';
import type { GuardHit } from './name-work.ts';

export const FEED_ACTOR = 'feed';
const OP_REMOVE = 0;
export const OP_ADD = 1;
/** Rows between two pauses. */
const DELETED_ROWS = 500;

export interface Proposer {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly atSeconds: number;
}

/** A row of `holds` as it lies there. */
export interface StoredHold extends DecisionColumns {
  readonly id: number;
  readonly list: number;
  readonly list_name: string;
  readonly kind: HoldRow['kind'];
  readonly name: string;
  readonly scope: number;
  readonly guard: string;
  readonly detail: string;
  readonly proposer: string;
  readonly proposer_id: string;
  readonly reason: string;
  readonly created: number;
  readonly expires: number;
  readonly state: HoldState;
}

export interface NewHold {
  readonly list: number;
  readonly kind: HoldRow['kind'];
  readonly name: string;
  readonly scope: number;
  readonly hit: GuardHit;
  readonly proposer: Proposer;
  readonly reference?: string | null;
  readonly expires?: number;
}

const COLUMNS = 'holds.*, lists.name AS list_name FROM holds JOIN lists ON lists.id = holds.list';

export function holdIdText(id: number): string {
  return `h${id}`;
}

/** Undefined: no id of a hold. */
function holdNumber(text: string): number | undefined {
  return /^h[1-9]\d{0,14}$/.test(text) ? Number(text.slice(1)) : undefined;
}

export function holdById(tables: LedgerConnection, id: string): StoredHold | undefined {
  const number = holdNumber(id);
  return number === undefined ? undefined : tables.get<StoredHold>(`SELECT ${COLUMNS} WHERE holds.id = ?`, number);
}

/** In the order in which they were opened, from behind `after`. */
export function holdsPage(
  tables: LedgerConnection,
  filter: { list?: string; state?: HoldState; limit: number; after?: string },
): HoldRow[] {
  const after = filter.after === undefined ? 0 : (holdNumber(filter.after) ?? Number.MAX_SAFE_INTEGER);
  const wheres = ['holds.id > ?'];
  const values: SqlValue[] = [after];
  if (filter.list !== undefined) {
    wheres.push('lists.name = ?');
    values.push(filter.list);
  }
  if (filter.state !== undefined) {
    wheres.push('holds.state = ?');
    values.push(filter.state);
  }
  const sql = `SELECT ${COLUMNS} WHERE ${wheres.join(' AND ')} ORDER BY holds.id LIMIT ?`;
  return tables.all<StoredHold>(sql, ...values, filter.limit).map(shownHold);
}

export function shownHold(hold: StoredHold): HoldRow {
  return {
    id: holdIdText(hold.id),
    list: hold.list_name,
    kind: hold.kind,
    name: hold.name,
    scope: SCOPES[hold.scope] ?? 'subtree',
    guard: hold.guard,
    detail: hold.detail,
    proposer: hold.proposer,
    reason: hold.reason,
    createdAtSeconds: hold.created,
    state: hold.state,
    ...shownDecision(hold),
  };
}

export function openHold(tables: LedgerConnection, hold: NewHold): number {
  return tables.insert(
    `INSERT INTO holds (list, kind, name, scope, guard, detail, proposer, proposer_id, reason, reference, created, expires,
      state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')`,
    hold.list,
    hold.kind,
    hold.name,
    hold.scope,
    hold.hit.guard,
    hold.hit.detail,
    hold.proposer.name,
    hold.proposer.id,
    hold.proposer.reason,
    hold.reference ?? null,
    hold.proposer.atSeconds,
    hold.expires ?? 0,
  );
}

export type Closing = Decision<Exclude<HoldState, 'open'>>;

/** Ends a hold, and with it what it would have done. */
export function closeHold(tables: LedgerConnection, id: number, closing: Closing): void {
  writeDecision(tables, 'holds', id, closing);
  tables.run('DELETE FROM held WHERE hold = ?', id);
}

/** The same for a hold that may be a whole bulk change: pauses. */
export function* closeHoldInSteps(tables: LedgerConnection, id: number, closing: Closing): Generator<void> {
  writeDecision(tables, 'holds', id, closing);
  const sql = `DELETE FROM held WHERE (list, name, scope, op) IN
    (SELECT list, name, scope, op FROM held WHERE hold = ? LIMIT ${DELETED_ROWS})`;
  while (tables.run(sql, id) > 0) yield;
}

/** What a hold would do, in order of names. */
export function* walkHeld(tables: LedgerConnection, hold: number): Generator<HeldRow> {
  const sql = 'SELECT * FROM held WHERE hold = ? ORDER BY name, scope, op';
  for (const row of tables.walk<HeldRow>(sql, hold)) yield row;
}

export function openHoldCount(tables: LedgerConnection, list: number): number {
  const sql = "SELECT count(*) AS count FROM holds WHERE list = ? AND state = 'open'";
  return tables.get<{ count: number }>(sql, list)!.count;
}

/** Is anything of this list held? Cost: one look-up; spares one for every entry of a bulk change. */
export function hasHeld(tables: LedgerConnection, list: number): boolean {
  return tables.get('SELECT 1 AS there FROM held WHERE list = ? LIMIT 1', list) !== undefined;
}

export interface HeldRow extends EntryFields {
  readonly op: number;
  readonly hold: number;
}

function heldOf(tables: LedgerConnection, list: number, name: string, scope: number, op: number): HeldRow | undefined {
  const sql = 'SELECT * FROM held WHERE list = ? AND name = ? AND scope = ? AND op = ?';
  return tables.get<HeldRow>(sql, list, name, scope, op);
}

/** The open hold that says exactly this already; it need not be opened again. */
export function sameHold(
  tables: LedgerConnection,
  list: number,
  fields: EntryFields,
  hit: GuardHit,
  proposer: Proposer,
): number | undefined {
  const held = heldOf(tables, list, fields.name, fields.scope, OP_ADD);
  if (held === undefined) return undefined;
  const same = (Object.keys(fields) as (keyof EntryFields)[]).every((key) => held[key] === fields[key]);
  if (!same) return undefined;
  const sql = "SELECT id FROM holds WHERE id = ? AND kind = 'entry' AND guard = ? AND proposer_id = ?";
  return tables.get<{ id: number }>(sql, held.hold, hit.guard, proposer.id)?.id;
}

/** What a person has rejected of a feed stays out, however often the publisher sends it. */
export function rejectedHold(
  tables: LedgerConnection,
  list: number,
  { name, scope }: EntryFields,
  guard: string,
): number | undefined {
  const sql = `SELECT id, state, guard FROM holds WHERE list = ? AND name = ? AND scope = ? AND kind = 'entry'
    AND state IN ('released', 'rejected') ORDER BY id DESC LIMIT 1`;
  const last = tables.get<{ id: number; state: HoldState; guard: string }>(sql, list, name, scope);
  return last?.state === 'rejected' && last.guard === guard ? last.id : undefined;
}

/** Puts an entry under a hold; what waited for the same name and scope before is withdrawn. */
export function holdEntry(
  tables: LedgerConnection,
  list: number,
  hold: number,
  fields: EntryFields,
  op: 'add' | 'remove',
  proposer: Proposer,
): void {
  const code = op === 'add' ? OP_ADD : OP_REMOVE;
  withdrawOne(tables, heldOf(tables, list, fields.name, fields.scope, code), proposer, 'replaced by a newer one');
  tables.run(
    'INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    list,
    fields.name,
    fields.scope,
    code,
    hold,
    fields.category,
    fields.word,
    fields.reference,
    fields.note,
    fields.expires,
    fields.flags,
  );
}

/** Takes back what waits for a name and scope, in both directions. Says whether an addition waited. */
export function withdrawHeld(
  tables: LedgerConnection,
  list: number,
  name: string,
  scope: number,
  proposer: Proposer,
): boolean {
  const added = heldOf(tables, list, name, scope, OP_ADD);
  withdrawOne(tables, added, proposer, 'taken back');
  withdrawOne(tables, heldOf(tables, list, name, scope, OP_REMOVE), proposer, 'overtaken');
  return added !== undefined;
}

function withdrawOne(tables: LedgerConnection, held: HeldRow | undefined, proposer: Proposer, reason: string): void {
  if (held === undefined) return;
  const { hold, name, scope, op } = held;
  tables.run('DELETE FROM held WHERE hold = ? AND name = ? AND scope = ? AND op = ?', hold, name, scope, op);
  if (tables.get('SELECT 1 AS there FROM held WHERE hold = ? LIMIT 1', hold) !== undefined) return;
  closeHold(tables, hold, { state: 'withdrawn', by: proposer.name, reason, atSeconds: proposer.atSeconds });
}
