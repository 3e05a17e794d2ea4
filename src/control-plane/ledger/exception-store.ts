/** The rows of `exceptions`, and what may be asked about them over the ledger's write queue. Part of ledger-store.ts. */
import { EXCEPTIONS_MAX } from '../../policy/published.ts';
import {
  checkException,
  type ExceptionCreated,
  type ExceptionEnded,
  type ExceptionFilter,
  type ExceptionRow,
  type NewException,
} from './exception.ts';
import type { LedgerConnection, SqlValue } from './ledger-connection.ts';
import { actorText, mayAct, refuse, type LedgerContext } from './ledger-context.ts';
import { storeRefusal } from './ledger-failure.ts';
import type { Actor, EntryScope, LedgerRefusal } from './ledger.ts';
import type { WriteQueue } from './write-queue.ts';

const HOUR_SECONDS = 3600;
/** After its end; then the row goes, and the prefix with it. */
export const EXCEPTION_KEPT_SECONDS = 90 * 24 * HOUR_SECONDS;
const FORGOTTEN_AT_ONCE = 500;

interface StoredException {
  readonly id: number;
  readonly name: string;
  readonly scope: EntryScope;
  readonly clients: string;
  readonly reason: string;
  readonly created_by: string;
  readonly created: number;
  readonly until: number;
  readonly ended_by: string | null;
  readonly ended_at: number | null;
  readonly end_reason: string | null;
}

export class ExceptionStore {
  readonly #context: () => LedgerContext;
  readonly #queue: WriteQueue;

  constructor(context: () => LedgerContext, queue: WriteQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  async create(sent: NewException, actor: Actor): Promise<ExceptionCreated | LedgerRefusal> {
    return this.#small(() => createException(this.#context(), sent, actor));
  }

  async end(id: string, reason: string, actor: Actor): Promise<ExceptionEnded | LedgerRefusal> {
    return this.#small(() => endException(this.#context(), id, reason, actor));
  }

  page(filter: ExceptionFilter): readonly ExceptionRow[] {
    const { read, nowSeconds } = this.#context();
    return exceptionPage(read, filter, nowSeconds());
  }

  activeCount(): number {
    const { read, nowSeconds } = this.#context();
    return activeAt(read, nowSeconds());
  }

  async #small<T extends { readonly kind: string }>(work: () => T | LedgerRefusal): Promise<T | LedgerRefusal> {
    try {
      return await this.#queue.small(work);
    } catch (error) {
      const refusal = storeRefusal(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }
}

/** In order of their making. */
export function exceptionPage(
  tables: LedgerConnection,
  { state, after, limit }: ExceptionFilter,
  nowSeconds: number,
): readonly ExceptionRow[] {
  const wheres = ['id > ?'];
  const values: SqlValue[] = [after === undefined ? 0 : (exceptionNumber(after) ?? Number.MAX_SAFE_INTEGER)];
  if (state === 'ended') wheres.push('ended_at IS NOT NULL');
  else if (state !== undefined) {
    wheres.push(`ended_at IS NULL AND until ${state === 'active' ? '>' : '<='} ?`);
    values.push(nowSeconds);
  }
  const sql = `SELECT * FROM exceptions WHERE ${wheres.join(' AND ')} ORDER BY id LIMIT ?`;
  return tables.all<StoredException>(sql, ...values, limit).map((row) => shown(row, nowSeconds));
}

function createException(context: LedgerContext, sent: NewException, actor: Actor): ExceptionCreated | LedgerRefusal {
  const { write, audit, nowSeconds } = context;
  const refusal = mayAct(actor, ['approve'], '*');
  if (refusal !== undefined) return refusal;
  const checked = checkException(sent);
  if (checked.kind === 'bad') return refuse('badException', checked.why);
  const at = nowSeconds();
  if (activeAt(write, at) >= EXCEPTIONS_MAX) {
    return refuse('tooManyExceptions', `${EXCEPTIONS_MAX} exceptions are active; one has to end first.`);
  }
  const { scope, clients, hours, reason } = sent;
  const until = at + hours * HOUR_SECONDS;
  const sql = `INSERT INTO exceptions (name, scope, clients, reason, created_by, created, until) VALUES (?, ?, ?, ?, ?, ?, ?)`;
  const id = write.insert(sql, checked.name, scope, clients, reason, actorText(actor), at, until);
  const data = { exception: exceptionIdText(id), state: 'active', name: checked.name, scope, hours, reason };
  audit.append({ actor: actorText(actor), kind: 'exception', list: undefined, data }, at);
  return { kind: 'created', exception: shown(stored(write, id)!, at) };
}

function endException(
  context: LedgerContext,
  id: string,
  reason: string,
  actor: Actor,
): ExceptionEnded | LedgerRefusal {
  const { write, audit, nowSeconds } = context;
  const refusal = mayAct(actor, ['approve'], '*');
  if (refusal !== undefined) return refusal;
  const row = stored(write, exceptionNumber(id) ?? 0);
  const at = nowSeconds();
  if (row === undefined) return refuse('exceptionUnknown', `There is no exception ${id}.`);
  if (shown(row, at).state !== 'active') return refuse('exceptionEnded', `The exception ${id} is over already.`);
  const sql = 'UPDATE exceptions SET ended_by = ?, ended_at = ?, end_reason = ? WHERE id = ?';
  write.run(sql, actorText(actor), at, reason, row.id);
  const data = { exception: id, state: 'ended', reason };
  audit.append({ actor: actorText(actor), kind: 'exception', list: undefined, data }, at);
  return { kind: 'ended', exception: shown(stored(write, row.id)!, at) };
}

/** One step of what the ledger forgets, inside a transaction. Says how many rows went. */
export function forgetExceptions(tables: LedgerConnection, nowSeconds: number): number {
  const sql = 'SELECT id FROM exceptions WHERE min(until, coalesce(ended_at, until)) < ? LIMIT ?';
  return tables.run(
    `DELETE FROM exceptions WHERE id IN (${sql})`,
    nowSeconds - EXCEPTION_KEPT_SECONDS,
    FORGOTTEN_AT_ONCE,
  );
}

function activeAt(tables: LedgerConnection, seconds: number): number {
  const sql = 'SELECT count(*) AS count FROM exceptions WHERE ended_at IS NULL AND until > ?';
  return tables.get<{ count: number }>(sql, seconds)?.count ?? 0;
}

function stored(tables: LedgerConnection, id: number): StoredException | undefined {
  return tables.get<StoredException>('SELECT * FROM exceptions WHERE id = ?', id);
}

function shown(row: StoredException, nowSeconds: number): ExceptionRow {
  const state = row.ended_at !== null ? 'ended' : row.until > nowSeconds ? 'active' : 'expired';
  return {
    id: exceptionIdText(row.id),
    name: row.name,
    scope: row.scope,
    clients: row.clients,
    reason: row.reason,
    createdBy: row.created_by,
    createdAtSeconds: row.created,
    untilSeconds: row.until,
    state,
    endedBy: row.ended_by ?? undefined,
    endedAtSeconds: row.ended_at ?? undefined,
    endReason: row.end_reason ?? undefined,
  };
}

function exceptionIdText(id: number): string {
  return `x${id}`;
}

function exceptionNumber(text: string): number | undefined {
  return /^x[1-9]\d{0,14}$/.test(text) ? Number(text.slice(1)) : undefined;
}
