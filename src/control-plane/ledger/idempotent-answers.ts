/**
 * The answers to changes that came with an Idempotency-Key, for as long as a sender may ask again: the same request gets
 * the same answer, and nothing happens twice. A key belongs to a token.
 */
import { createHash, type Hash } from 'node:crypto';
import type { LedgerConnection } from './ledger-connection.ts';
import type { ChangeDone, LedgerRefusal, ProposedEntry, ProposedRemoval } from './ledger.ts';

export const KEPT_SECONDS = 48 * 3600;

/** What a request consists of, as a hash that grows with its pieces. */
export class RequestHash {
  readonly #hash: Hash = createHash('sha256');
  readonly head: Uint8Array;

  constructor(list: string, reason: string) {
    const text = `${JSON.stringify([list, reason])}\n`;
    this.head = createHash('sha256').update(text).digest();
    this.#hash.update(text);
  }

  add(add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): void {
    for (const { name, scope, category, reference, expiresAt, note, mode } of add) {
      this.#hash.update(`${JSON.stringify(['+', name, scope, category, reference, expiresAt, note, mode])}\n`);
    }
    for (const { name, scope } of remove) this.#hash.update(`${JSON.stringify(['-', name, scope])}\n`);
  }

  whole(): Uint8Array {
    return this.#hash.copy().digest();
  }
}

interface AnswerRow {
  readonly head_hash: Uint8Array;
  readonly request_hash: Uint8Array;
  readonly from_version: number;
  readonly answer: string;
}

export type StoredAnswer = Omit<ChangeDone, 'delta' | 'isReplay'>;
export interface Replay {
  readonly kind: 'replay';
  readonly answer: StoredAnswer;
  readonly fromVersion: number;
}

/**
 * What was answered to this key. `hash`: of the whole request, or, before its entries are known, its head alone.
 */
export function answerTo(
  tables: LedgerConnection,
  token: string,
  key: string | undefined,
  hash: { readonly whole: Uint8Array } | { readonly head: Uint8Array },
): Replay | LedgerRefusal | undefined {
  if (key === undefined) return undefined;
  const row = tables.get<AnswerRow>('SELECT * FROM idempotency WHERE token = ? AND key = ?', token, key);
  if (row === undefined) return undefined;
  const isSame = 'whole' in hash ? equal(hash.whole, row.request_hash) : equal(hash.head, row.head_hash);
  if (!isSame) {
    const message = 'The Idempotency-Key was sent with another change before. Nothing was changed.';
    return { kind: 'refused', code: 'idempotencyMismatch', message };
  }
  return { kind: 'replay', answer: JSON.parse(row.answer) as StoredAnswer, fromVersion: row.from_version };
}

export interface NewAnswer {
  readonly token: string;
  readonly key: string;
  readonly hash: RequestHash;
  readonly list: number;
  readonly fromVersion: number;
  readonly answer: StoredAnswer;
  readonly atSeconds: number;
}

export function keepAnswer(tables: LedgerConnection, answer: NewAnswer): void {
  tables.run(
    'INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    answer.token,
    answer.key,
    answer.hash.head,
    answer.hash.whole(),
    answer.list,
    answer.fromVersion,
    JSON.stringify(answer.answer),
    answer.atSeconds,
  );
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
