/**
 * Two versions of a list side by side in a private temporary database on the disk, so that a million entries take no
 * memory: what the new one adds, changes and removes, and the new one in order of names. The last of two entries with one
 * name and scope counts. For `weir feed build`.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ProposedEntry } from '../ledger/ledger.ts';
import { entryLine, operationLine, type FeedOperation } from './feed-lines.ts';

export type Side = 'before' | 'after';

export class FeedDiff {
  /** Why no name: SQLite then makes a file that nobody sees and that is gone with the connection. */
  readonly #db = new DatabaseSync('');
  readonly #put: Readonly<Record<Side, StatementSync>>;
  readonly #drop: Readonly<Record<Side, StatementSync>>;

  constructor() {
    this.#db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384');
    for (const side of ['before', 'after']) {
      this.#db.exec(`CREATE TABLE ${side} (name TEXT, scope TEXT, line TEXT, PRIMARY KEY (name, scope)) WITHOUT ROWID`);
    }
    this.#db.exec('BEGIN');
    const put = (side: Side) => this.#db.prepare(`INSERT OR REPLACE INTO ${side} VALUES (?, ?, ?)`);
    const drop = (side: Side) => this.#db.prepare(`DELETE FROM ${side} WHERE name = ? AND (? IS NULL OR scope = ?)`);
    this.#put = { before: put('before'), after: put('after') };
    this.#drop = { before: drop('before'), after: drop('after') };
  }

  apply(side: Side, operation: FeedOperation): void {
    if (operation.kind === 'add') this.add(side, operation.entry);
    else {
      const { name, scope = null } = operation.removal;
      this.#drop[side].run(name, scope, scope);
    }
  }

  add(side: Side, entry: ProposedEntry): void {
    const scope = entry.scope ?? 'subtree';
    this.#put[side].run(entry.name, scope, entryLine({ ...entry, scope }));
  }

  count(): number {
    return Number(this.#db.prepare('SELECT count(*) AS count FROM after').get()?.['count']);
  }

  /** The lines of a snapshot of the new version. */
  *snapshotLines(): Generator<string> {
    for (const row of this.#db.prepare('SELECT line FROM after ORDER BY name, scope').iterate())
      yield String(row['line']);
  }

  /** The lines of a delta: what is gone, then what is new or changed. */
  *deltaLines(): Generator<string> {
    const gone = this.#db.prepare(
      `SELECT name, scope FROM before WHERE NOT EXISTS
       (SELECT 1 FROM after WHERE after.name = before.name AND after.scope = before.scope) ORDER BY name, scope`,
    );
    for (const row of gone.iterate()) {
      yield operationLine({ kind: 'remove', removal: { name: String(row['name']), scope: String(row['scope']) } });
    }
    const changed = this.#db.prepare(
      `SELECT after.line AS line FROM after LEFT JOIN before
       ON before.name = after.name AND before.scope = after.scope
       WHERE before.line IS NULL OR before.line <> after.line ORDER BY after.name, after.scope`,
    );
    for (const row of changed.iterate()) yield `{"add":${String(row['line']).trimEnd()}}\n`;
  }

  close(): void {
    this.#db.close();
  }
}
