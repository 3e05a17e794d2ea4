/** The rows of `appeals`, and how one becomes an AppealRow. The hash of a private link's secret never leaves here. */
import { createHash } from 'node:crypto';
import type { AppealFilter, AppealFigures, AppealRow, AppealState, Appellant, OwnerProof } from './appeal.ts';
import { shownDecision, type DecisionColumns } from './decision-columns.ts';
import type { LedgerConnection, SqlValue } from './ledger-connection.ts';

/** A row as it lies there. */
export interface StoredAppeal extends DecisionColumns {
  readonly id: number;
  readonly list: string;
  readonly name: string;
  readonly entry: string;
  readonly incident: string;
  readonly who: Appellant;
  readonly contact: string | null;
  readonly reason: string | null;
  readonly evidence: string | null;
  readonly state: AppealState;
  readonly created: number;
  readonly due: number;
  readonly proof: OwnerProof;
  readonly proof_token: string;
}

const COLUMNS = `id, list, name, entry, incident, who, contact, reason, evidence, state, created, due, decided_by,
  decided_at, decision_reason, proof, proof_token`;
export const OPEN = "state IN ('received', 'inReview')";

export function appealIdText(id: number): string {
  return `a${id}`;
}

export function secretHash(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

export function appealById(tables: LedgerConnection, id: string): StoredAppeal | undefined {
  const number = appealNumber(id);
  if (number === undefined) return undefined;
  return tables.get<StoredAppeal>(`SELECT ${COLUMNS} FROM appeals WHERE id = ?`, number);
}

/** Why no comparison in constant time: it is by a hash, of which nothing useful can be guessed octet by octet. */
export function appealBySecret(tables: LedgerConnection, secret: string): StoredAppeal | undefined {
  return tables.get<StoredAppeal>(`SELECT ${COLUMNS} FROM appeals WHERE secret_hash = ?`, secretHash(secret));
}

export function appealsPage(tables: LedgerConnection, filter: AppealFilter): AppealRow[] {
  const after = filter.after === undefined ? 0 : (appealNumber(filter.after) ?? Number.MAX_SAFE_INTEGER);
  const wheres = ['id > ?'];
  const values: SqlValue[] = [after];
  if (filter.list !== undefined) {
    wheres.push('list = ?');
    values.push(filter.list);
  }
  if (filter.state === 'open') wheres.push(OPEN);
  else if (filter.state !== undefined) {
    wheres.push('state = ?');
    values.push(filter.state);
  }
  const sql = `SELECT ${COLUMNS} FROM appeals WHERE ${wheres.join(' AND ')} ORDER BY id LIMIT ?`;
  return tables.all<StoredAppeal>(sql, ...values, filter.limit).map(shownAppeal);
}

/** Open appeals against one entry of one list. */
export function openAgainst(tables: LedgerConnection, list: string, entry: string): StoredAppeal[] {
  const sql = `SELECT ${COLUMNS} FROM appeals WHERE list = ? AND entry = ? AND ${OPEN} ORDER BY id`;
  return tables.all<StoredAppeal>(sql, list, entry);
}

export function openOfList(tables: LedgerConnection, list: string): number {
  return tables.get<{ count: number }>(`SELECT count(*) AS count FROM appeals WHERE list = ? AND ${OPEN}`, list)!.count;
}

export function appealFigures(tables: LedgerConnection, nowSeconds: number): AppealFigures {
  const overdue = `SELECT list, count(*) AS count FROM appeals WHERE ${OPEN} AND due < ? GROUP BY list`;
  return {
    states: tables.all('SELECT state, count(*) AS count FROM appeals GROUP BY state'),
    overdue: tables.all(overdue, nowSeconds),
  };
}

export function shownAppeal(row: StoredAppeal): AppealRow {
  return {
    id: appealIdText(row.id),
    list: row.list,
    name: row.name,
    entry: row.entry,
    incident: row.incident,
    who: row.who,
    contact: row.contact ?? undefined,
    reason: row.reason ?? undefined,
    evidenceUrl: row.evidence ?? undefined,
    state: row.state,
    createdAtSeconds: row.created,
    dueAtSeconds: row.due,
    ...shownDecision(row),
    ownerProof: row.proof,
    proofToken: row.proof_token,
  };
}

function appealNumber(text: string): number | undefined {
  return /^a[1-9]\d{0,14}$/.test(text) ? Number(text.slice(1)) : undefined;
}
