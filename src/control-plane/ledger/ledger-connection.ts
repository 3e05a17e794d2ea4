/** One connection to the ledger's file with its prepared statements, each prepared once, when it is first needed. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export type SqlValue = null | number | string | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export class LedgerConnection {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** The id of the new row. */
  insert(sql: string, ...values: SqlValue[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it selects
  get<Row = SqlRow>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  all<Row = SqlRow>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  /** Rows one by one. A statement of its own: another walk with the same text does not disturb it. */
  walk<Row = SqlRow>(sql: string, ...values: SqlValue[]): Iterable<Row> {
    return this.db.prepare(sql).iterate(...values) as Iterable<Row>;
  }

  /** Runs `work` in a write transaction: all of it, or, when it throws, nothing. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  rollBack(): void {
    // Why the question: SQLite has rolled back by itself after some failures of the disk.
    if (this.db.isTransaction) this.db.exec('ROLLBACK');
  }

  close(): void {
    this.#statements.clear();
    if (this.db.isOpen) this.db.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.db.prepare(sql)));
    return statement;
  }
}
