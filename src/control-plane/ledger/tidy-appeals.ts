/**
 * What time does to appeals, in steps inside a transaction: one that nobody has decided long past its day has expired,
 * which everybody can see; what it says of a person is forgotten a while after its end. Octets that are given up are
 * overwritten in the file (PRAGMA secure_delete); the write-ahead log has them until it is written over.
 */
import { appealIdText, OPEN } from './appeal-rows.ts';
import { writeDecision } from './decision-columns.ts';
import { forgetClients } from './file-appeal.ts';
import type { LedgerContext } from './ledger-context.ts';

const STEP_ROWS = 500;
const DAY_SECONDS = 86_400;
/** Where none are taken in any more: what there is was promised to be forgotten. */
const LEFT_BEHIND = { expireDays: 30, retentionDays: 90 };

/** Says how many rows it touched. */
export function tidyAppeals({ write, settings, audit, nowSeconds }: LedgerContext): number {
  const now = nowSeconds();
  let rows = forgetClients(write, now);
  const { expireDays, retentionDays } = settings.appeals ?? LEFT_BEHIND;
  const late = `SELECT id, list FROM appeals WHERE ${OPEN} AND due < ? LIMIT ${STEP_ROWS}`;
  for (const { id, list } of write.all<{ id: number; list: string }>(late, now - expireDays * DAY_SECONDS)) {
    rows += 1;
    const why = 'nobody has decided it in time';
    writeDecision(write, 'appeals', id, { state: 'expired', by: 'system', reason: why, atSeconds: now });
    const data = { appeal: appealIdText(id), state: 'expired' };
    audit.append({ actor: 'system', kind: 'appeal', list, data }, now);
  }
  const personal = `SELECT id FROM appeals WHERE contact IS NOT NULL AND decided_at < ? LIMIT ${STEP_ROWS}`;
  const old = write.all<{ id: number }>(personal, now - retentionDays * DAY_SECONDS);
  if (old.length === 0) return rows;
  write.db.exec('PRAGMA secure_delete = ON');
  for (const { id } of old) {
    write.run('UPDATE appeals SET contact = NULL, reason = NULL, evidence = NULL WHERE id = ?', id);
  }
  write.db.exec('PRAGMA secure_delete = OFF');
  return rows + old.length;
}
