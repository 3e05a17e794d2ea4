/**
 * What the ledger forgets, in steps of a few milliseconds that never come before a change: versions beyond the list's
 * `versionsMax` with the entries that they removed, answers to idempotency keys after 48 hours, entries and holds whose
 * time is over. An entry that expires leaves without a version of its own: everyone who judges knows its end already.
 */
import { endRow, FLAG_EXPIRED, type EntryRow } from './entry-rows.ts';
import { closeHold } from './hold-rows.ts';
import { KEPT_SECONDS } from './idempotent-answers.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import { listHeads, type ListHead } from './list-heads.ts';
import { ENDED_ROLLOUTS_MAX } from './rollout-rows.ts';

/** Rows of one step: one transaction. */
export const STEP_ROWS = 500;
/** Decided and withdrawn holds of push lists and feeds are history; decisions about pulled lists stay. */
const HOLD_KEPT_SECONDS = 400 * 24 * 3600;

/** One step, inside a transaction. Says how many rows it touched; 0: there is nothing to do. */
export function tidyStep(
  tables: LedgerConnection,
  versionsMaxOf: (list: string) => number | undefined,
  nowSeconds: number,
): number {
  let rows = endExpiredHolds(tables, nowSeconds);
  for (const head of listHeads(tables)) {
    if (rows >= STEP_ROWS) return rows;
    rows += endExpired(tables, head, nowSeconds);
    const versionsMax = versionsMaxOf(head.name);
    if (versionsMax !== undefined) rows += forgetVersions(tables, head, versionsMax);
  }
  const idempotency = 'SELECT token, key FROM idempotency WHERE created < ?';
  rows += forget(tables, 'idempotency', '(token, key)', idempotency, nowSeconds - KEPT_SECONDS);
  const holds = "SELECT id FROM holds WHERE kind = 'entry' AND state <> 'open' AND decided_at < ?";
  rows += forget(tables, 'holds', 'id', holds, nowSeconds - HOLD_KEPT_SECONDS);
  const rollouts = "SELECT id FROM rollouts WHERE state <> 'running' AND id <= (SELECT max(id) FROM rollouts) - ?";
  return rows + forget(tables, 'rollouts', 'id', rollouts, ENDED_ROLLOUTS_MAX);
}

function endExpired(tables: LedgerConnection, head: ListHead, nowSeconds: number): number {
  const sql = `SELECT * FROM entries WHERE list = ? AND removed IS NULL AND expires > 0 AND expires <= ? LIMIT ${STEP_ROWS}`;
  const rows = tables.all<EntryRow>(sql, head.id, nowSeconds);
  for (const row of rows) endRow(tables, head.id, row, head.version, row.flags | FLAG_EXPIRED);
  if (rows.length > 0) tables.run('UPDATE lists SET entry_count = entry_count - ? WHERE id = ?', rows.length, head.id);
  return rows.length;
}

function forgetVersions(tables: LedgerConnection, head: ListHead, versionsMax: number): number {
  const sql = 'SELECT version FROM versions WHERE list = ? ORDER BY version DESC LIMIT 1 OFFSET ?';
  const oldestKept = tables.get<{ version: number }>(sql, head.id, versionsMax - 1)?.version ?? 0;
  const oldest = Math.max(head.oldest, oldestKept);
  if (oldest > head.oldest) tables.run('UPDATE lists SET oldest = ? WHERE id = ?', oldest, head.id);
  const versions = 'SELECT list, version FROM versions WHERE list = ? AND version < ?';
  const rows = forget(tables, 'versions', '(list, version)', versions, head.id, oldest);
  // What was gone in the oldest version that is kept is needed by none of them.
  const entries = 'SELECT list, name, scope, added FROM entries WHERE list = ? AND removed <= ?';
  return rows + forget(tables, 'entries', '(list, name, scope, added)', entries, head.id, oldest);
}

function endExpiredHolds(tables: LedgerConnection, nowSeconds: number): number {
  const sql = `SELECT id, expires FROM holds WHERE state = 'open' AND expires > 0 AND expires <= ? LIMIT ${STEP_ROWS}`;
  const holds = tables.all<{ id: number; expires: number }>(sql, nowSeconds);
  for (const { id, expires } of holds) {
    closeHold(tables, id, { state: 'expired', by: 'system', reason: 'its entry has expired', atSeconds: expires });
  }
  return holds.length;
}

function forget(tables: LedgerConnection, table: string, key: string, select: string, ...values: number[]): number {
  return tables.run(`DELETE FROM ${table} WHERE ${key} IN (${select} LIMIT ${STEP_ROWS})`, ...values);
}
