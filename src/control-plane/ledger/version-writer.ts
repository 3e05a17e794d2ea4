/**
 * Writes one version of a list inside the caller's transaction: ends and begins rows of `entries`, feeds what happens
 * into the version's digest, remembers which names changed, and closes with the row in `versions`. The digest is a chain:
 * SHA-256 over the digest before and the changes in order, so that it stands for everything since the list was empty.
 */
import { createHash, type Hash } from 'node:crypto';
import { endRow, FLAG_SHADOW, insertRow, maintainerId, type EntryFields, type EntryRow } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import { DELTA_NAMES_MAX } from './ledger.ts';
import type { ListHead } from './list-heads.ts';

/** Characters of digest text that are gathered before they are hashed. */
const DIGEST_BATCH_CHARACTERS = 16_384;

export interface VersionFacts {
  /** push | approval | rollback | withdrawal | feed | rollout */
  readonly origin: string;
  readonly actorId: string;
  readonly maintainer: string;
  readonly reason: string;
  readonly atSeconds: number;
  /** The least number that it may have; a publisher's. */
  readonly versionMin?: number;
  /** Whose entries they are, where it is not who acts: the proposer's of what another person releases. */
  readonly owner?: string;
}

export interface AddOptions {
  readonly replaces: EntryRow | undefined;
  readonly rollout: number | null;
  /** Undefined: the version's. Of an entry that comes back: who brought it and when. */
  readonly maintainer?: number;
  readonly addedAt?: number;
}

export class VersionWriter {
  readonly version: number;
  added = 0;
  replaced = 0;
  removed = 0;
  readonly #tables: LedgerConnection;
  readonly #head: ListHead;
  readonly #facts: VersionFacts;
  readonly #hash: Hash;
  readonly #names = new Set<string>();
  #text = '';
  #maintainer: number | undefined;

  constructor(tables: LedgerConnection, head: ListHead, facts: VersionFacts) {
    this.#tables = tables;
    this.#head = head;
    this.#facts = facts;
    this.version = Math.max(head.version + 1, facts.versionMin ?? 0);
    this.#hash = createHash('sha256').update(head.digest).update(`${this.version}\n`);
  }

  get hasChanges(): boolean {
    return this.added + this.replaced + this.removed > 0;
  }

  /** Names that changed; undefined: more than DELTA_NAMES_MAX. */
  get names(): readonly string[] | undefined {
    return this.#names.size > DELTA_NAMES_MAX ? undefined : [...this.#names];
  }

  add(fields: EntryFields, { replaces, rollout, maintainer, addedAt }: AddOptions): void {
    if (replaces === undefined) this.added += 1;
    else {
      this.replaced += 1;
      endRow(this.#tables, this.#head.id, replaces, this.version);
    }
    const owner = maintainer ?? (this.#maintainer ??= this.#ownerId());
    insertRow(this.#tables, {
      list: this.#head.id,
      fields,
      version: this.version,
      rollout,
      maintainer: owner,
      addedAt: addedAt ?? this.#facts.atSeconds,
    });
    const { name, scope, category, word, reference, note, expires, flags } = fields;
    this.#digest(['+', name, scope, category, word, reference, note, expires, flags & FLAG_SHADOW]);
    this.#touch(name);
  }

  remove(row: EntryRow): void {
    this.removed += 1;
    endRow(this.#tables, this.#head.id, row, this.version);
    this.#digest(['-', row.name, row.scope]);
    this.#touch(row.name);
  }

  /** Something that changes what the list means, not its entries: the end of a rollout. */
  note(what: string, id: number): void {
    this.#digest([what, id]);
  }

  /** Closes the version; from here on it is the list's newest. */
  finish(): Uint8Array {
    const { atSeconds, maintainer, actorId, reason, origin } = this.#facts;
    this.#hash.update(this.#text);
    const digest = this.#hash.digest();
    const entryCount = this.#head.entryCount + this.added - this.removed;
    this.#tables.run(
      'INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      this.#head.id,
      this.version,
      atSeconds,
      maintainer,
      actorId,
      reason,
      origin,
      this.added + this.replaced,
      this.removed + this.replaced,
      entryCount,
      digest,
    );
    const sql = 'UPDATE lists SET version = ?, entry_count = ?, digest = ? WHERE id = ?';
    this.#tables.run(sql, this.version, entryCount, digest, this.#head.id);
    return digest;
  }

  #ownerId(): number {
    return maintainerId(this.#tables, this.#facts.owner ?? this.#facts.maintainer);
  }

  #touch(name: string): void {
    if (this.#names.size <= DELTA_NAMES_MAX) this.#names.add(name);
  }

  #digest(change: readonly unknown[]): void {
    this.#text += `${JSON.stringify(change)}\n`;
    if (this.#text.length < DIGEST_BATCH_CHARACTERS) return;
    this.#hash.update(this.#text);
    this.#text = '';
  }
}
