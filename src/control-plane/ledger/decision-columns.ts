/** Who has decided, when and why: three columns that `holds` and `appeals` share. */
import type { AppealState } from './appeal.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { HoldState } from './ledger.ts';

export interface DecisionColumns {
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  readonly decision_reason: string | null;
}

export interface Decision<State extends string> {
  readonly state: State;
  readonly by: string;
  readonly reason: string;
  readonly atSeconds: number;
}

export function writeDecision(
  tables: LedgerConnection,
  table: 'holds' | 'appeals',
  id: number,
  { state, by, reason, atSeconds }: Decision<Exclude<HoldState, 'open'> | AppealState>,
): void {
  const sql = `UPDATE ${table} SET state = ?, decided_by = ?, decided_at = ?, decision_reason = ? WHERE id = ?`;
  tables.run(sql, state, by, atSeconds, reason, id);
}

export function shownDecision(row: DecisionColumns) {
  return {
    decidedBy: row.decided_by ?? undefined,
    decidedAtSeconds: row.decided_at ?? undefined,
    decisionReason: row.decision_reason ?? undefined,
  };
}
