/**
 * The audit chain in the ledger: every change, decision and key event, each record bound to the one before it by its hash
 * (audit-record.ts). Records are appended in the transaction of what they tell of and never touched again. Whoever can
 * write the whole file can also write a new chain: against that, its head is noted elsewhere (chain-check.ts).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { wallClockMs } from '../../clock.ts';
import { GENESIS_HASH, recordHash, recordLine, type HashedFields, type RecordText } from './audit-record.ts';
import { alteredRecord, ChainCheck, type Anchor, type ChainReport } from './chain-check.ts';
import type { AuditRecord } from './ledger.ts';

export interface AuditEvent {
  readonly actor: string;
  readonly kind: string;
  readonly list: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Of the data of one record: entries belong in versions, not here. */
export const AUDIT_DATA_BYTES_MAX = 1024 * 1024;

const COLUMNS = 'seq, at, actor, kind, list, data, previous_hash, hash';
const TEXTS = `seq, at AS atSeconds, actor, kind, list, data AS dataText, previous_hash AS previousHash, hash`;
const ALL_TEXT = `actor || kind || ifnull(list, '') || data || previous_hash`;
const REPLACEMENT = '\ufffd';

export interface VerifyOptions {
  /** What was noted elsewhere. */
  readonly anchors?: readonly Anchor[];
  /** Called for every record. */
  readonly onRecord?: () => void;
}

type WalkedRecord = HashedFields & { readonly hash: string; readonly octets: bigint };

export class AuditChain {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Adds a record, inside of the caller's transaction, which has to be a write transaction from its beginning (BEGIN
   * IMMEDIATE): another program may append too.
   * Errors: throws outside of a transaction, and for data beyond AUDIT_DATA_BYTES_MAX.
   */
  append(event: AuditEvent, atSeconds = Math.floor(wallClockMs() / 1000)): void {
    if (!this.#db.isTransaction) throw new Error('an audit record is part of a transaction');
    const dataText = JSON.stringify(event.data);
    if (Buffer.byteLength(dataText) > AUDIT_DATA_BYTES_MAX) throw new Error('an audit record is too large');
    const before = this.head() ?? { seq: 0, hash: GENESIS_HASH };
    const fields = {
      seq: before.seq + 1,
      atSeconds,
      actor: event.actor,
      kind: event.kind,
      list: event.list ?? null,
      dataText,
      previousHash: before.hash,
    };
    const hash = recordHash(fields);
    this.#statement(`INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
      fields.seq,
      atSeconds,
      fields.actor,
      fields.kind,
      fields.list,
      dataText,
      fields.previousHash,
      hash,
    );
  }

  /** The newest record: what to note elsewhere. Undefined: there is none. */
  head(): Anchor | undefined {
    const row = this.#statement('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get();
    return row === undefined ? undefined : (row as unknown as Anchor);
  }

  /** Of the newest record; undefined: there is none. */
  lastAtSeconds(): number | undefined {
    const row = this.#statement('SELECT at FROM audit ORDER BY seq DESC LIMIT 1').get();
    return row === undefined ? undefined : Number(row['at']);
  }

  count(): number {
    return Number(this.#statement('SELECT count(*) AS count FROM audit').get()?.['count'] ?? 0);
  }

  /** Records behind `after`, oldest first. Data that cannot be read any more is given as `{ unreadable }`. */
  read(after: number, limit: number): AuditRecord[] {
    return this.#rows(after, limit).map(({ list, dataText, ...fields }) => ({
      ...fields,
      list: list ?? undefined,
      data: parsedData(dataText),
    }));
  }

  /** The same as lines of an export, each with its seq and list. */
  readLines(after: number, limit: number): { seq: number; list: string | null; line: string }[] {
    return this.#rows(after, limit).map((row) => ({ seq: row.seq, list: row.list, line: recordLine(row) }));
  }

  /** Looks at every record, as of one moment. Cost: one walk, one record in memory. */
  verify({ anchors = [], onRecord }: VerifyOptions = {}): ChainReport {
    const check = new ChainCheck(anchors);
    const walk = this.#db.prepare(`SELECT ${TEXTS}, octet_length(${ALL_TEXT}) AS octets FROM audit ORDER BY seq`);
    // Why: a number that was tampered with may be one that JavaScript cannot hold.
    walk.setReadBigInts(true);
    for (const row of walk.iterate() as Iterable<unknown>) {
      const record = row as WalkedRecord;
      const found = this.#isAsRead(record) ? check.next(record, record.hash) : alteredRecord(Number(record.seq));
      if (found !== undefined) return found;
      onRecord?.();
    }
    return check.end();
  }

  /**
   * Whether the texts are octet by octet what is stored. Weir stores UTF-8 only; what is not, and what JavaScript does not
   * see of a text, somebody else has put there.
   */
  #isAsRead(record: WalkedRecord): boolean {
    const text = `${record.actor}${record.kind}${record.list ?? ''}${record.dataText}${record.previousHash}`;
    if (Buffer.byteLength(text) !== Number(record.octets)) return false;
    if (!text.includes(REPLACEMENT)) return true;
    const stored = this.#statement(`SELECT CAST(${ALL_TEXT} AS BLOB) AS octets FROM audit WHERE seq = ?`).get(
      record.seq,
    );
    return Buffer.from(text).equals(stored?.['octets'] as Uint8Array);
  }

  #rows(after: number, limit: number): RecordText[] {
    const sql = `SELECT ${TEXTS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`;
    return this.#statement(sql).all(after, limit) as unknown as RecordText[];
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
}

function parsedData(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Below.
  }
  return { unreadable: text };
}
