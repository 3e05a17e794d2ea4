/**
 * Tokens of maintainers: who may do what with which lists. Only the SHA-256 of a secret is kept; the token itself is shown
 * once, when it is made. A token is found by its id, which is no secret, and its secret is compared in constant time.
 * Making and revoking are written to the audit chain in the same transaction, without the secret.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { wallClockMs } from '../../clock.ts';
import { AuditChain } from './audit-chain.ts';
import { RIGHTS, type Actor, type Right } from './ledger.ts';

const MAINTAINER_CHARACTERS_MAX = 100;
export const ALL_LISTS = '*';
const ID_CHARACTERS = 8;
const SECRET_BYTES = 32;
/** Lower case, no letters that are taken for digits. 32 of them: 40 bits an id. */
const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Why the last class: 43 characters hold 258 bits; only the texts whose last two bits are 0 are written by us. */
const TOKEN = /^weir_([0-9a-hjkmnp-tv-z]{8})_([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

export interface NewToken {
  /** Printable, 1 to MAINTAINER_CHARACTERS_MAX. */
  readonly maintainer: string;
  /** Names of lists, or ALL_LISTS. */
  readonly lists: readonly string[];
  readonly rights: readonly Right[];
  /** Units: seconds since 1970; 0: never. */
  readonly expiresAtSeconds: number;
  /** Who makes it, for the audit chain. */
  readonly by: string;
}

export interface TokenRow {
  readonly id: string;
  readonly maintainer: string;
  readonly lists: readonly string[];
  readonly rights: readonly Right[];
  readonly createdAtSeconds: number;
  /** 0: never. */
  readonly expiresAtSeconds: number;
  /** 0: it is not. */
  readonly revokedAtSeconds: number;
  readonly state: 'active' | 'revoked' | 'expired';
}

export type Revocation = 'revoked' | 'alreadyRevoked' | 'unknown';

interface StoredToken {
  readonly id: string;
  readonly secret_hash: Uint8Array;
  readonly maintainer: string;
  readonly lists: string;
  readonly rights: string;
  readonly created: number;
  readonly expires: number;
  readonly revoked: number;
}

export class TokenStore {
  readonly #db: DatabaseSync;
  readonly #audit: AuditChain;
  #byId: StatementSync | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#audit = new AuditChain(db);
  }

  /** Makes a token and returns its text, which nobody can get again. Errors: throws for what tokenProblem names. */
  create(token: NewToken, nowSeconds = secondsNow()): string {
    const problem = tokenProblem(token);
    if (problem !== undefined) throw new Error(problem);
    const id = newId();
    const secret = randomBytes(SECRET_BYTES);
    const { maintainer, by, expiresAtSeconds } = token;
    const lists = [...new Set(token.lists)];
    const rights = RIGHTS.filter((right) => token.rights.includes(right));
    this.#transaction(() => {
      this.#db
        .prepare(
          'INSERT INTO tokens (id, secret_hash, maintainer, lists, rights, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          id,
          secretHash(secret),
          maintainer,
          JSON.stringify(lists),
          JSON.stringify(rights),
          nowSeconds,
          expiresAtSeconds,
        );
      const data = { what: 'created', id, maintainer, lists, rights, expiresAtSeconds };
      this.#audit.append({ actor: by, kind: 'token', list: undefined, data }, nowSeconds);
    });
    return `weir_${id}_${secret.toString('base64url')}`;
  }

  /** Undefined: no such token, or revoked, or expired. Cost: one look-up by key, one SHA-256, whichever it is. */
  find(text: string, nowSeconds = secondsNow()): Actor | undefined {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    const [, id = '', secretText = ''] = match;
    const row = this.#row(id);
    const given = secretHash(Buffer.from(secretText, 'base64url'));
    // Why compared for an unknown id too: how long it takes must not tell which ids there are.
    const kept = row?.secret_hash.length === given.length ? row.secret_hash : NO_HASH;
    const isEqual = timingSafeEqual(given, kept);
    if (row === undefined || !isEqual || stateOf(row, nowSeconds) !== 'active') return undefined;
    return { id, name: row.maintainer, lists: textsOf(row.lists), rights: rightsOf(row.rights) };
  }

  /** Oldest first; revoked and expired ones too. Never the secret. */
  list(nowSeconds = secondsNow()): TokenRow[] {
    const rows = this.#db.prepare('SELECT * FROM tokens ORDER BY created, id').all() as unknown as StoredToken[];
    return rows.map((row) => ({
      id: row.id,
      maintainer: row.maintainer,
      lists: textsOf(row.lists),
      rights: rightsOf(row.rights),
      createdAtSeconds: row.created,
      expiresAtSeconds: row.expires,
      revokedAtSeconds: row.revoked,
      state: stateOf(row, nowSeconds),
    }));
  }

  /** The token is refused from the next request on. Its row stays: the audit chain and versions name it. */
  revoke(id: string, by: string, nowSeconds = secondsNow()): Revocation {
    return this.#transaction(() => {
      const row = this.#row(id);
      if (row === undefined) return 'unknown';
      if (row.revoked > 0) return 'alreadyRevoked';
      this.#db.prepare('UPDATE tokens SET revoked = ? WHERE id = ?').run(nowSeconds, id);
      const data = { what: 'revoked', id, maintainer: row.maintainer };
      this.#audit.append({ actor: by, kind: 'token', list: undefined, data }, nowSeconds);
      return 'revoked';
    });
  }

  #row(id: string): StoredToken | undefined {
    this.#byId ??= this.#db.prepare('SELECT * FROM tokens WHERE id = ?');
    return this.#byId.get(id) as unknown as StoredToken | undefined;
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** What is wrong with a token that is to be made; undefined: nothing. Whether the lists exist, the caller asks. */
export function tokenProblem({ maintainer, lists, rights, expiresAtSeconds }: NewToken): string | undefined {
  if (maintainer.trim() === '' || /[\p{C}\p{Zl}\p{Zp}]/u.test(maintainer))
    return 'the name of a maintainer is printable text';
  if (maintainer.length > MAINTAINER_CHARACTERS_MAX)
    return `the name of a maintainer has at most ${MAINTAINER_CHARACTERS_MAX} characters`;
  if (lists.length === 0) return 'a token is for one list at least';
  if (rights.length === 0) return 'a token has one right at least';
  const wrong = rights.find((right) => !isRight(right));
  if (wrong !== undefined) return `"${String(wrong)}" is no right; there are ${RIGHTS.join(', ')}`;
  return Number.isSafeInteger(expiresAtSeconds) && expiresAtSeconds >= 0 ? undefined : 'the end of a token is no time';
}

export function isRight(word: string): word is Right {
  return (RIGHTS as readonly string[]).includes(word);
}

const NO_HASH = Buffer.alloc(SECRET_BYTES);

function secretHash(secret: Uint8Array): Buffer {
  return hash('sha256', secret, 'buffer');
}

function newId(): string {
  return Array.from(randomBytes(ID_CHARACTERS), (octet) => ID_ALPHABET[octet % ID_ALPHABET.length]).join('');
}

function stateOf({ expires, revoked }: StoredToken, nowSeconds: number): TokenRow['state'] {
  if (revoked > 0) return 'revoked';
  return expires > 0 && expires <= nowSeconds ? 'expired' : 'active';
}

function textsOf(json: string): string[] {
  return JSON.parse(json) as string[];
}

function rightsOf(json: string): Right[] {
  return textsOf(json).filter((word) => isRight(word));
}

function secondsNow(): number {
  return Math.floor(wallClockMs() / 1000);
}
