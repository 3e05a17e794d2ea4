/** Tokens: made once, found by nothing but the whole token, refused from the moment they end. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AuditChain } from '../../../../src/control-plane/ledger/audit-chain.ts';
import { openLedgerDatabase } from '../../../../src/control-plane/ledger/open-database.ts';
import { TokenStore, tokenProblem, type NewToken } from '../../../../src/control-plane/ledger/token-store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const compared = vi.hoisted(() => ({ calls: 0 }));
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return {
    ...crypto,
    timingSafeEqual: (one: Uint8Array, other: Uint8Array) => {
      compared.calls += 1;
      return crypto.timingSafeEqual(one, other);
    },
  };
});

const NOW = 1_790_000_000;
const DESK: NewToken = {
  maintainer: '反诈中心 Fraud desk',
  lists: ['desk', 'county', 'desk'],
  rights: ['read', 'push'],
  expiresAtSeconds: 0,
  by: 'operator',
};

const open: DatabaseSync[] = [];
afterEach(() => {
  open.splice(0).forEach((db) => db.close());
  compared.calls = 0;
});

function store(): { db: DatabaseSync; tokens: TokenStore; folder: string } {
  const folder = temporaryFolder('tokens');
  const db = openLedgerDatabase(folder);
  open.push(db);
  return { db, tokens: new TokenStore(db), folder };
}

describe('a token', () => {
  test('says who its maintainer is, which lists and which rights', () => {
    const { tokens } = store();
    const token = tokens.create(DESK, NOW);
    expect(token).toMatch(/^weir_[0-9a-z]{8}_[\w-]{43}$/);
    expect(tokens.find(token, NOW)).toEqual({
      id: token.slice(5, 13),
      name: '反诈中心 Fraud desk',
      lists: ['desk', 'county'],
      rights: ['push', 'read'],
    });
  });

  test('is another one each time, and each finds its own', () => {
    const { tokens } = store();
    const texts = Array.from({ length: 50 }, (_, index) => tokens.create({ ...DESK, maintainer: `M${index}` }, NOW));
    expect(new Set(texts.map((text) => text.slice(14))).size).toBe(50);
    expect(texts.map((text) => tokens.find(text, NOW)?.name)).toEqual(texts.map((_, index) => `M${index}`));
  });

  test('is nowhere in the file: what is kept of the secret is its SHA-256', () => {
    const { db, tokens, folder } = store();
    const token = tokens.create(DESK, NOW);
    const secret = token.slice(14);
    const row = db.prepare('SELECT * FROM tokens').get()!;
    expect(Buffer.from(row['secret_hash'] as Uint8Array)).toEqual(
      hash('sha256', Buffer.from(secret, 'base64url'), 'buffer'),
    );
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const file = readFileSync(join(folder, 'ledger.sqlite'));
    expect(file.includes(token.slice(5, 13))).toBe(true);
    expect(file.includes(secret)).toBe(false);
    expect(file.includes(Buffer.from(secret, 'base64url'))).toBe(false);
  });

  test('is found by the whole of it only', () => {
    const { tokens } = store();
    const token = tokens.create(DESK, NOW);
    const other = tokens.create(DESK, NOW);
    const wrong = [
      '',
      'weir_',
      token.slice(0, -1),
      `${token}A`,
      `${token}\n`,
      ` ${token}`,
      token.toUpperCase(),
      token.replace('weir_', 'weir-'),
      `${token.slice(0, 14)}${other.slice(14)}`,
      `${other.slice(0, 14)}${token.slice(14)}`,
      `weir_zzzzzzzz_${token.slice(14)}`,
      `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`,
      // The same octets in base64url that is not canonical.
      `${token.slice(0, -1)}${nextLetter(token.at(-1)!)}`,
      `${token.slice(0, 14)}${'A'.repeat(100_000)}`,
    ];
    for (const text of wrong) expect(tokens.find(text, NOW), text.slice(0, 80)).toBeUndefined();
    expect(tokens.find(token, NOW)).toBeDefined();
  });

  test('is compared in constant time, and for an id that does not exist as well', () => {
    const { db, tokens } = store();
    const token = tokens.create(DESK, NOW);
    tokens.find(token, NOW);
    expect(compared.calls).toBe(1);
    tokens.find(`weir_zzzzzzzz_${token.slice(14)}`, NOW);
    expect(compared.calls).toBe(2);
    db.exec("UPDATE tokens SET secret_hash = x'00'");
    expect(tokens.find(token, NOW)).toBeUndefined();
    expect(compared.calls).toBe(3);
  });

  test('with no hash kept is nobody’s: 32 zero octets are not taken for one', () => {
    const { db, tokens } = store();
    const token = tokens.create(DESK, NOW);
    db.exec("UPDATE tokens SET secret_hash = x''");
    expect(tokens.find(token, NOW)).toBeUndefined();
    expect(tokens.find(`${token.slice(0, 14)}${'A'.repeat(43)}`, NOW)).toBeUndefined();
  });

  test('ends when it expires, to the second', () => {
    const { tokens } = store();
    const token = tokens.create({ ...DESK, expiresAtSeconds: NOW + 10 }, NOW);
    expect(tokens.find(token, NOW + 9)).toBeDefined();
    expect(tokens.find(token, NOW + 10)).toBeUndefined();
  });

  test('ends when it is revoked, for every connection, and its row stays', () => {
    const { tokens, folder } = store();
    const other = openLedgerDatabase(folder);
    open.push(other);
    const token = tokens.create(DESK, NOW);
    const id = token.slice(5, 13);
    const elsewhere = new TokenStore(other);
    expect(elsewhere.find(token, NOW)).toBeDefined();
    expect(tokens.revoke(id, 'operator', NOW + 5)).toBe('revoked');
    expect(elsewhere.find(token, NOW + 5)).toBeUndefined();
    expect(tokens.revoke(id, 'operator', NOW + 6)).toBe('alreadyRevoked');
    expect(tokens.revoke('zzzzzzzz', 'operator', NOW)).toBe('unknown');
    expect(tokens.list(NOW + 6)).toMatchObject([{ id, state: 'revoked', revokedAtSeconds: NOW + 5 }]);
  });
});

describe('the list of tokens', () => {
  test('shows what they are and how they stand, never the secret', () => {
    const { tokens } = store();
    const token = tokens.create(DESK, NOW);
    tokens.create({ ...DESK, maintainer: 'Late', expiresAtSeconds: NOW + 2 }, NOW + 1);
    const rows = tokens.list(NOW + 2);
    expect(rows.map(({ maintainer, state }) => [maintainer, state])).toEqual([
      ['反诈中心 Fraud desk', 'active'],
      ['Late', 'expired'],
    ]);
    const kept = hash('sha256', Buffer.from(token.slice(14), 'base64url'), 'hex');
    expect(JSON.stringify(rows)).not.toContain(token.slice(14));
    expect(JSON.stringify(rows)).not.toContain(kept);
  });
});

describe('the audit chain', () => {
  test('tells of tokens made and revoked, without their secrets', () => {
    const { db, tokens } = store();
    const token = tokens.create(DESK, NOW);
    const id = token.slice(5, 13);
    tokens.revoke(id, 'operator', NOW + 1);
    const chain = new AuditChain(db);
    const records = chain.read(0, 10);
    expect(records).toMatchObject([
      {
        atSeconds: NOW,
        actor: 'operator',
        kind: 'token',
        list: undefined,
        data: { what: 'created', id, maintainer: DESK.maintainer, lists: ['desk', 'county'], rights: ['push', 'read'] },
      },
      { atSeconds: NOW + 1, data: { what: 'revoked', id, maintainer: DESK.maintainer } },
    ]);
    expect(JSON.stringify(records)).not.toContain(token.slice(14));
    expect(chain.verify()).toMatchObject({ kind: 'whole', records: 2 });
  });

  test('without it nothing is made or revoked: both are one transaction', () => {
    const { db, tokens } = store();
    const token = tokens.create(DESK, NOW);
    db.exec('ALTER TABLE audit RENAME TO gone');
    expect(() => tokens.create(DESK, NOW)).toThrow('audit');
    expect(() => tokens.revoke(token.slice(5, 13), 'operator', NOW)).toThrow('audit');
    db.exec('ALTER TABLE gone RENAME TO audit');
    expect(tokens.list(NOW)).toMatchObject([{ state: 'active' }]);
  });
});

describe('what cannot be made into a token', () => {
  test.each<[string, Partial<NewToken>]>([
    ['printable', { maintainer: '' }],
    ['printable', { maintainer: '   ' }],
    ['printable', { maintainer: 'a\u001b[2Jb' }],
    ['printable', { maintainer: 'a\u202eb' }],
    ['at most 100', { maintainer: 'x'.repeat(101) }],
    ['one list', { lists: [] }],
    ['one right', { rights: [] }],
    ['"admin" is no right', { rights: ['admin' as 'read'] }],
    ['no time', { expiresAtSeconds: -1 }],
    ['no time', { expiresAtSeconds: 1.5 }],
  ])('%s (%#)', (message, fields) => {
    const { tokens } = store();
    expect(tokenProblem({ ...DESK, ...fields })).toContain(message);
    expect(() => tokens.create({ ...DESK, ...fields }, NOW)).toThrow(message);
    expect(tokens.list(NOW)).toEqual([]);
  });
});

function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) + 1]!;
}
