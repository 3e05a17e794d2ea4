/**
 * The work of a change before its transaction: names in order, each with what is wanted of it. A small change lies in
 * memory; a bulk change lies in a file of its own beside the ledger, so that a million entries take no more memory than
 * a thousand. Nothing here is durable: a process that dies leaves a file that the next one deletes.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EntryFields } from './entry-rows.ts';
import { LedgerConnection } from './ledger-connection.ts';
import type { NameWork, WantedEntry } from './name-work.ts';

const FILE_PREFIX = 'ledger-staging-';
/** Units: KiB. */
const CACHE_KIB = 32_768;

export interface StagedChange {
  /** Of one name and scope the last counts. */
  add(wanted: WantedEntry): void;
  remove(name: string, scope: number | undefined): void;
  has(name: string, scope: number): boolean;
  /** In order of names. May be called again. */
  work(): Iterable<NameWork>;
  /** Names and scopes wanted: what is left of the entries that were added. */
  addCount(): number;
  discard(): void;
}

interface MutableWork {
  name: string;
  add: [WantedEntry | undefined, WantedEntry | undefined];
  remove: [boolean, boolean];
}

function emptyWork(name: string): MutableWork {
  return { name, add: [undefined, undefined], remove: [false, false] };
}

export class MemoryStage implements StagedChange {
  readonly #names = new Map<string, MutableWork>();

  add(wanted: WantedEntry): void {
    this.#of(wanted.fields.name).add[wanted.fields.scope as 0 | 1] = wanted;
  }

  remove(name: string, scope: number | undefined): void {
    const { remove } = this.#of(name);
    if (scope !== 1) remove[0] = true;
    if (scope !== 0) remove[1] = true;
  }

  has(name: string, scope: number): boolean {
    return this.#names.get(name)?.add[scope as 0 | 1] !== undefined;
  }

  work(): Iterable<NameWork> {
    return [...this.#names.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  addCount(): number {
    let count = 0;
    for (const { add } of this.#names.values()) count += (add[0] ? 1 : 0) + (add[1] ? 1 : 0);
    return count;
  }

  discard(): void {
    this.#names.clear();
  }

  #of(name: string): MutableWork {
    let work = this.#names.get(name);
    if (work === undefined) this.#names.set(name, (work = emptyWork(name)));
    return work;
  }
}

interface StagedRow extends EntryFields {
  readonly op: number;
  readonly guard: string | null;
  readonly detail: string | null;
}

const OP_REMOVE = 0;
const OP_ADD = 1;
let lastFile = 0;

export class FileStage implements StagedChange {
  readonly #tables: LedgerConnection;
  readonly #path: string;

  /** Errors: throws what SQLite throws. */
  constructor(stateDirectory: string) {
    lastFile += 1;
    this.#path = join(stateDirectory, `${FILE_PREFIX}${process.pid}-${lastFile}`);
    this.#tables = new LedgerConnection(new DatabaseSync(this.#path));
    try {
      this.#create();
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #create(): void {
    const { db } = this.#tables;
    // Why neither journal nor sync: what is half here is thrown away.
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE');
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    db.exec(`CREATE TABLE staged (
      name TEXT NOT NULL, scope INTEGER NOT NULL, op INTEGER NOT NULL, category INTEGER, word TEXT, reference TEXT,
      note TEXT, expires INTEGER, flags INTEGER, guard TEXT, detail TEXT, PRIMARY KEY (name, scope, op)
    ) WITHOUT ROWID`);
  }

  /** Runs `stage` as one transaction, which is what makes it fast. */
  batch(stage: () => void): void {
    this.#tables.transaction(stage);
  }

  add({ fields, hit }: WantedEntry): void {
    this.#tables.run(
      'INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      fields.name,
      fields.scope,
      OP_ADD,
      fields.category,
      fields.word,
      fields.reference,
      fields.note,
      fields.expires,
      fields.flags,
      hit?.guard ?? null,
      hit?.detail ?? null,
    );
  }

  remove(name: string, scope: number | undefined): void {
    for (const one of scope === undefined ? [0, 1] : [scope]) {
      this.#tables.run('INSERT OR REPLACE INTO staged (name, scope, op) VALUES (?, ?, ?)', name, one, OP_REMOVE);
    }
  }

  has(name: string, scope: number): boolean {
    const sql = 'SELECT 1 AS there FROM staged WHERE name = ? AND scope = ? AND op = ?';
    return this.#tables.get(sql, name, scope, OP_ADD) !== undefined;
  }

  *work(): Generator<NameWork> {
    let work: MutableWork | undefined;
    for (const row of this.#tables.walk<StagedRow>('SELECT * FROM staged ORDER BY name, scope, op')) {
      if (work === undefined || work.name !== row.name) {
        if (work !== undefined) yield work;
        work = emptyWork(row.name);
      }
      const scope = row.scope as 0 | 1;
      if (row.op === OP_REMOVE) work.remove[scope] = true;
      else work.add[scope] = wantedOf(row);
    }
    if (work !== undefined) yield work;
  }

  addCount(): number {
    return this.#tables.get<{ count: number }>('SELECT count(*) AS count FROM staged WHERE op = ?', OP_ADD)!.count;
  }

  discard(): void {
    this.#tables.close();
    rmSync(this.#path, { force: true });
  }
}

function wantedOf({
  name,
  scope,
  category,
  word,
  reference,
  note,
  expires,
  flags,
  guard,
  detail,
}: StagedRow): WantedEntry {
  return {
    fields: { name, scope, category, word, reference, note, expires, flags },
    hit: guard === null ? undefined : { guard, detail: detail ?? '' },
  };
}

/** Deletes what a process that died has left. Errors: none; what cannot be deleted stays. */
export function deleteLeftovers(stateDirectory: string): void {
  try {
    for (const name of readdirSync(stateDirectory)) {
      if (name.startsWith(FILE_PREFIX)) rmSync(join(stateDirectory, name), { force: true });
    }
  } catch {
    // Nothing was left, or nobody may look.
  }
}
