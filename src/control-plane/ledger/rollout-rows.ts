/**
 * The rows of `rollouts`: which entries are in force for a share of the subscribers only, by the slot that their rules
 * carry. An entry names its rollout, not the slot: when a rollout ends, its entries have no slot any more without being
 * written again. A slot is given anew as late as possible, for rules with it may still be in an index that is in force.
 */
import type { LedgerConnection } from './ledger-connection.ts';
import type { RolloutRow, RolloutStage } from './ledger.ts';

/** Eight bits of a rule; 0: none. */
const SLOTS_MAX = 255;
/** Ended rollouts that are remembered. */
export const ENDED_ROLLOUTS_MAX = 10_000;
const FULL_PERCENT = 100;

export interface StoredRollout {
  readonly id: number;
  readonly list: number;
  readonly list_name: string;
  readonly slot: number;
  readonly state: RolloutRow['state'];
  readonly stages: string;
  readonly stage: number;
  readonly next_at: number;
  readonly entry_count: number;
  readonly version: number;
  readonly reason: string;
}

const COLUMNS = 'rollouts.*, lists.name AS list_name FROM rollouts JOIN lists ON lists.id = rollouts.list';

export function rolloutIdText(id: number): string {
  return `r${id}`;
}

export function rolloutById(tables: LedgerConnection, id: string): StoredRollout | undefined {
  if (!/^r[1-9]\d{0,14}$/.test(id)) return undefined;
  return tables.get<StoredRollout>(`SELECT ${COLUMNS} WHERE rollouts.id = ?`, Number(id.slice(1)));
}

/** The newest of each slot: what an index that is in force may refer to. Running ones are always among them. */
export function newestRollouts(tables: LedgerConnection): RolloutRow[] {
  const sql = `SELECT ${COLUMNS} WHERE rollouts.id IN (SELECT max(id) FROM rollouts GROUP BY slot) ORDER BY rollouts.id`;
  return tables.all<StoredRollout>(sql).map(shownRollout);
}

export function shownRollout(row: StoredRollout): RolloutRow {
  const stages = JSON.parse(row.stages) as RolloutStage[];
  const running = stages[row.stage]?.percent ?? 0;
  return {
    id: rolloutIdText(row.id),
    list: row.list_name,
    slot: row.slot,
    state: row.state,
    stages,
    stage: row.stage,
    percent: row.state === 'complete' ? FULL_PERCENT : row.state === 'aborted' ? 0 : running,
    nextAtSeconds: row.next_at,
    entryCount: row.entry_count,
    version: row.version,
    reason: row.reason,
  };
}

/** Do these stages hold anything back? */
export function isStaged(stages: readonly RolloutStage[]): boolean {
  return stages.length > 0 && stages[0]!.percent < FULL_PERCENT;
}

/** Begins a rollout; undefined: every slot is taken. Inside a transaction. */
export function beginRollout(
  tables: LedgerConnection,
  rollout: { list: number; stages: readonly RolloutStage[]; version: number; reason: string; atSeconds: number },
): number | undefined {
  const slot = freeSlot(tables);
  if (slot === undefined) return undefined;
  const { list, stages, version, reason, atSeconds } = rollout;
  return tables.insert(
    `INSERT INTO rollouts (list, slot, state, stages, stage, next_at, entry_count, version, reason)
     VALUES (?, ?, 'running', ?, 0, ?, 0, ?, ?)`,
    list,
    slot,
    JSON.stringify(stages),
    nextAt(stages[0], atSeconds),
    version,
    reason,
  );
}

function freeSlot(tables: LedgerConnection): number | undefined {
  const rows = tables.all<{ slot: number; last: number; running: number }>(
    "SELECT slot, max(id) AS last, max(state = 'running') AS running FROM rollouts GROUP BY slot",
  );
  if (rows.length < SLOTS_MAX) {
    const used = new Set(rows.map(({ slot }) => slot));
    for (let slot = 1; slot <= SLOTS_MAX; slot++) if (!used.has(slot)) return slot;
  }
  return rows.filter(({ running }) => running === 0).sort((a, b) => a.last - b.last)[0]?.slot;
}

export function setEntryCount(tables: LedgerConnection, id: number, entryCount: number): void {
  tables.run('UPDATE rollouts SET entry_count = ? WHERE id = ?', entryCount, id);
}

/** What promoting leads to: another stage, or the end. */
export function nextStage(row: StoredRollout): number | undefined {
  const stages = JSON.parse(row.stages) as RolloutStage[];
  const stage = stages[row.stage + 1];
  return stage === undefined || stage.percent >= FULL_PERCENT ? undefined : row.stage + 1;
}

export function enterStage(tables: LedgerConnection, row: StoredRollout, stage: number, atSeconds: number): void {
  const stages = JSON.parse(row.stages) as RolloutStage[];
  tables.run(
    'UPDATE rollouts SET stage = ?, next_at = ? WHERE id = ?',
    stage,
    nextAt(stages[stage], atSeconds),
    row.id,
  );
}

export function endRollout(
  tables: LedgerConnection,
  id: number,
  state: 'complete' | 'aborted',
  version: number,
  atSeconds: number,
): void {
  const sql = 'UPDATE rollouts SET state = ?, next_at = 0, ended_version = ?, ended_at = ? WHERE id = ?';
  tables.run(sql, state, version, atSeconds, id);
}

/** Is the rollout that staged an entry still running, or was it aborted? */
export function rolloutState(tables: LedgerConnection, id: number | null): RolloutRow['state'] | undefined {
  if (id === null) return undefined;
  return tables.get<{ state: RolloutRow['state'] }>('SELECT state FROM rollouts WHERE id = ?', id)?.state;
}

function nextAt(stage: RolloutStage | undefined, atSeconds: number): number {
  return stage === undefined || stage.seconds === 0 ? 0 : atSeconds + stage.seconds;
}
