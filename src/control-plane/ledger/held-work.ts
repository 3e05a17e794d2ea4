/** What a released hold does, as work for the change writer: a person has said yes to every entry of it. */
import { FLAG_APPROVED, type EntryFields } from './entry-rows.ts';
import { OP_ADD, walkHeld, type HeldRow } from './hold-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { NameWork, WantedEntry } from './name-work.ts';

export class HeldWork {
  readonly #snapshot: LedgerConnection;
  readonly #hold: number;
  readonly #nowSeconds: number;

  /** `snapshot` still sees what the hold holds when the writer has deleted it. */
  constructor(snapshot: LedgerConnection, hold: number, nowSeconds: number) {
    this.#snapshot = snapshot;
    this.#hold = hold;
    this.#nowSeconds = nowSeconds;
  }

  *work(): Generator<NameWork> {
    let name: string | undefined;
    let rows: HeldRow[] = [];
    for (const row of walkHeld(this.#snapshot, this.#hold)) {
      if (name !== undefined && row.name !== name) {
        yield this.#workOf(name, rows);
        rows = [];
      }
      name = row.name;
      rows.push(row);
    }
    if (name !== undefined) yield this.#workOf(name, rows);
  }

  has(): boolean {
    return false;
  }

  #workOf(name: string, rows: readonly HeldRow[]): NameWork {
    const add: [WantedEntry | undefined, WantedEntry | undefined] = [undefined, undefined];
    const remove: [boolean, boolean] = [false, false];
    for (const row of rows) {
      const scope = row.scope as 0 | 1;
      if (row.op !== OP_ADD) remove[scope] = true;
      else if (row.expires === 0 || row.expires > this.#nowSeconds)
        add[scope] = { fields: approved(row), hit: undefined };
    }
    return { name, add, remove };
  }
}

function approved({ name, scope, category, word, reference, note, expires, flags }: HeldRow): EntryFields {
  return { name, scope, category, word, reference, note, expires, flags: flags | FLAG_APPROVED };
}
