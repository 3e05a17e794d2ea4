/** The audit chain holds, and every way of tampering with it is found, and where: one mutation of a good chain each. */
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { AUDIT_DATA_BYTES_MAX, AuditChain } from '../../../../src/control-plane/ledger/audit-chain.ts';
import { GENESIS_HASH, parseRecordLine } from '../../../../src/control-plane/ledger/audit-record.ts';
import { ChainCheck, type Anchor, type ChainReport } from '../../../../src/control-plane/ledger/chain-check.ts';
import { openLedgerDatabase } from '../../../../src/control-plane/ledger/open-database.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const RECORDS = 6;
const NOON = 1_790_000_000;
const open: DatabaseSync[] = [];
afterEach(() => open.splice(0).forEach((db) => db.close()));

function ledger(): DatabaseSync {
  const db = openLedgerDatabase(temporaryFolder('audit'));
  open.push(db);
  return db;
}

function append(db: DatabaseSync, ...events: Parameters<AuditChain['append']>[0][]): void {
  const chain = new AuditChain(db);
  db.exec('BEGIN IMMEDIATE');
  for (const [index, event] of events.entries()) chain.append(event, NOON + index);
  db.exec('COMMIT');
}

function someEvents(count: number): Parameters<AuditChain['append']>[0][] {
  return Array.from({ length: count }, (_, index) => ({
    actor: 'abcdefgh',
    kind: index % 2 === 0 ? 'change' : 'token',
    list: index % 2 === 0 ? 'desk' : undefined,
    data: { version: index + 1, reason: 'номер "7", 案号' },
  }));
}

function goodChain(): { db: DatabaseSync; chain: AuditChain; head: Anchor } {
  const db = ledger();
  append(db, ...someEvents(RECORDS));
  const chain = new AuditChain(db);
  return { db, chain, head: chain.head()! };
}

describe('an audit chain', () => {
  test('begins with a fixed value and binds each record to the one before it', () => {
    const { chain } = goodChain();
    const records = chain.read(0, 100);
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(records[0]!.previousHash).toBe(GENESIS_HASH);
    expect(records.slice(1).map(({ previousHash }) => previousHash)).toEqual(
      records.slice(0, -1).map((record) => record.hash),
    );
    expect(records[1]).toMatchObject({ atSeconds: NOON + 1, kind: 'token', list: undefined, data: { version: 2 } });
  });

  test('has the hash that its description says, so that others can check it without Weir', () => {
    const db = ledger();
    append(db, { actor: 'ü', kind: 'change', list: 'desk', data: { a: 1 } });
    const text = `12:weir audit 1,1:1,10:${NOON},2:ü,6:change,5:=desk,7:{"a":1},64:${'0'.repeat(64)},`;
    expect(new AuditChain(db).head()).toEqual({ seq: 1, hash: hash('sha256', text, 'hex') });
  });

  test('is whole as it was written, empty too', () => {
    const { chain, head } = goodChain();
    let seen = 0;
    expect(chain.verify({ onRecord: () => seen++ })).toEqual({ kind: 'whole', records: 6, firstSeq: 1, head });
    expect(seen).toBe(6);
    expect(new AuditChain(ledger()).verify()).toEqual({ kind: 'whole', records: 0, firstSeq: 0, head: undefined });
  });

  test('goes on where another connection has appended meanwhile', () => {
    const folder = temporaryFolder('audit-two');
    const [one, two] = [openLedgerDatabase(folder), openLedgerDatabase(folder)];
    open.push(one, two);
    for (const db of [one, two, two, one]) append(db, ...someEvents(1));
    expect(new AuditChain(one).verify()).toMatchObject({ kind: 'whole', records: 4 });
    expect(new AuditChain(two).count()).toBe(4);
  });

  test('takes no record outside of a transaction, and forgets one that is rolled back', () => {
    const { db, chain, head } = goodChain();
    expect(() => chain.append(someEvents(1)[0]!)).toThrow('part of a transaction');
    db.exec('BEGIN IMMEDIATE');
    chain.append(someEvents(1)[0]!);
    db.exec('ROLLBACK');
    expect(chain.head()).toEqual(head);
    expect(chain.verify().kind).toBe('whole');
  });

  test('takes no record without a limit', () => {
    // Octets count, not characters.
    for (const reason of ['x'.repeat(AUDIT_DATA_BYTES_MAX), '案'.repeat(AUDIT_DATA_BYTES_MAX / 2)]) {
      const db = ledger();
      const record = { actor: 'a', kind: 'change', list: undefined, data: { reason } };
      expect(() => append(db, record)).toThrow('too large');
    }
  });

  test('is read in pages, and as lines that are the records', () => {
    const { chain } = goodChain();
    expect(chain.read(2, 2).map(({ seq }) => seq)).toEqual([3, 4]);
    const lines = chain.readLines(4, 10);
    expect(lines.map(({ seq, list }) => [seq, list])).toEqual([
      [5, 'desk'],
      [6, null],
    ]);
    const [record] = chain.read(4, 1);
    expect(JSON.parse(lines[0]!.line)).toEqual(record);
  });
});

/** SQL on a good chain; what is found, and where. */
const TAMPERING: readonly [string, string, string, number][] = [
  ['a reason that is changed', `UPDATE audit SET data = replace(data, '7', '8') WHERE seq = 3`, 'altered', 3],
  ['white space in data', `UPDATE audit SET data = data || ' ' WHERE seq = 3`, 'altered', 3],
  ['text hidden behind a NUL', `UPDATE audit SET data = data || char(0) || 'x' WHERE seq = 3`, 'altered', 3],
  ['octets that are no text', `UPDATE audit SET actor = CAST(x'6162ff' AS TEXT) WHERE seq = 3`, 'altered', 3],
  ['a time', 'UPDATE audit SET at = at + 1 WHERE seq = 2', 'altered', 2],
  ['a time beyond every number', 'UPDATE audit SET at = 9223372036854775807 WHERE seq = 2', 'altered', 2],
  ['who acted', `UPDATE audit SET actor = 'somebody' WHERE seq = 1`, 'altered', 1],
  ['what it was', `UPDATE audit SET kind = 'release' WHERE seq = 6`, 'altered', 6],
  ['a list', `UPDATE audit SET list = 'other' WHERE seq = 5`, 'altered', 5],
  ['no list where there was one', 'UPDATE audit SET list = NULL WHERE seq = 5', 'altered', 5],
  ['an empty list where there was none', `UPDATE audit SET list = '' WHERE seq = 2`, 'altered', 2],
  ['a border between fields', `UPDATE audit SET actor = actor || 'c', kind = 'hange' WHERE seq = 1`, 'altered', 1],
  ['a hash', `UPDATE audit SET hash = '${'a'.repeat(64)}' WHERE seq = 4`, 'altered', 4],
  ['a previous hash', `UPDATE audit SET previous_hash = '${'a'.repeat(64)}' WHERE seq = 4`, 'altered', 4],
  ['a record taken out', 'DELETE FROM audit WHERE seq = 3', 'missing', 3],
  ['several taken out', 'DELETE FROM audit WHERE seq IN (3, 4)', 'missing', 3],
  ['the first taken out', 'DELETE FROM audit WHERE seq = 1', 'missing', 1],
  [
    'one taken out and the rest moved up',
    'DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = -(seq - 1) WHERE seq > 3; UPDATE audit SET seq = -seq WHERE seq < 0',
    'altered',
    3,
  ],
  [
    'two in each other’s place',
    'UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 99',
    'altered',
    3,
  ],
  [
    'a record put in front',
    `INSERT INTO audit SELECT 0, at, actor, kind, list, data, previous_hash, hash FROM audit WHERE seq = 1`,
    'outOfOrder',
    0,
  ],
];

describe('what is done to an audit chain is found', () => {
  test.each(TAMPERING)('%s', (_what, sql, found, seq) => {
    const { db, chain } = goodChain();
    db.exec(sql);
    expect(chain.verify()).toMatchObject({ kind: 'broken', break: found, seq });
  });

  test('octets that JavaScript reads as the character that was there', () => {
    const db = ledger();
    append(db, ...someEvents(1), { actor: 'a\ud800b', kind: 'change', list: undefined, data: {} });
    const chain = new AuditChain(db);
    expect(chain.verify().kind).toBe('whole');
    expect(chain.read(1, 1)[0]!.actor).toBe('a\ufffdb');
    db.exec(`UPDATE audit SET actor = CAST(x'61f09f9862' AS TEXT) WHERE seq = 2`);
    expect(chain.read(1, 1)[0]!.actor).toBe('a\ufffdb');
    expect(chain.verify()).toMatchObject({ kind: 'broken', break: 'altered', seq: 2 });
  });

  test('a record replaced by one with a good hash of its own: the next does not follow from it', () => {
    const { db, chain } = goodChain();
    replace(db, chain, 3);
    expect(chain.verify()).toMatchObject({ kind: 'broken', break: 'notLinked', seq: 4 });
  });

  test('a chain written anew from some record on: it holds, and differs from the head that was noted', () => {
    const { db, chain, head } = goodChain();
    const early = chain.read(1, 1)[0]!;
    rewrite(db, chain, 3);
    expect(chain.verify()).toMatchObject({ kind: 'whole', records: 6 });
    expect(chain.verify({ anchors: [head] })).toMatchObject({ kind: 'broken', break: 'notAsNoted', seq: 6 });
    expect(chain.verify({ anchors: [early] }).kind).toBe('whole');
    expect(chain.verify({ anchors: [early, head] }).kind).toBe('broken');
  });

  test('a chain cut short: it holds, and misses what was noted', () => {
    const { db, chain, head } = goodChain();
    db.exec('DELETE FROM audit WHERE seq > 4');
    expect(chain.verify()).toMatchObject({ kind: 'whole', records: 4 });
    expect(chain.verify({ anchors: [head] })).toMatchObject({ kind: 'broken', break: 'cutShort', seq: 5 });
    db.exec('DELETE FROM audit');
    expect(chain.verify({ anchors: [head] })).toMatchObject({ kind: 'broken', break: 'cutShort', seq: 1 });
  });

  test('nothing, where more was appended since the head was noted', () => {
    const { db, chain, head } = goodChain();
    append(db, ...someEvents(2));
    expect(chain.verify({ anchors: [head] })).toMatchObject({ kind: 'whole', records: 8 });
  });

  test('data that is no JSON any more is still read', () => {
    const { db, chain } = goodChain();
    db.exec(`UPDATE audit SET data = 'x' WHERE seq = 1`);
    expect(chain.read(0, 1)[0]!.data).toEqual({ unreadable: 'x' });
  });
});

describe('an exported chain', () => {
  test('is checked as the ledger is: whole, missing, out of order, a part of it', () => {
    const { chain, head } = goodChain();
    const lines = chain.readLines(0, 100).map(({ line }) => line);
    expect(checkLines(lines)).toEqual({ kind: 'whole', records: 6, firstSeq: 1, head });
    expect(checkLines(lines.toSpliced(2, 1))).toMatchObject({ break: 'missing', seq: 3 });
    expect(checkLines([lines[0]!, lines[2]!, lines[1]!])).toMatchObject({ break: 'missing', seq: 2 });
    expect(checkLines([lines[0]!, lines[1]!, lines[1]!])).toMatchObject({ break: 'outOfOrder', seq: 2 });
    expect(checkLines([lines[0]!.replace('"version":1', '"version":9')])).toMatchObject({ break: 'altered', seq: 1 });
    expect(checkLines(lines.slice(3))).toMatchObject({ break: 'missing', seq: 1 });
    expect(checkLines(lines.slice(3), true)).toMatchObject({ kind: 'whole', records: 3, firstSeq: 4, head });
    expect(checkLines(lines.slice(3).toSpliced(1, 1), true)).toMatchObject({ break: 'missing', seq: 5 });
  });

  test('has one form only, so that nobody reads from it what was not hashed', () => {
    const { chain } = goodChain();
    const line = chain.readLines(0, 1)[0]!.line;
    expect(parseRecordLine(line)).toBeDefined();
    for (const other of [
      line.replace('"data":', '"data":{"version":99},"data":'),
      line.replace('{"version":1', '{"version":99,"version":1'),
      line.replace('"seq":1', '"seq": 1'),
      line.replace('"seq":1', '"seq":1.0'),
      line.replace('"kind":"change"', '"kind":7'),
      line.replace('"list":"desk"', '"list":7'),
      `${line.slice(0, -1)},"more":1}`,
      '[]',
      'null',
      '{',
      '',
    ]) {
      expect(parseRecordLine(other), other).toBeUndefined();
    }
  });
});

function checkLines(lines: readonly string[], isPart = false): ChainReport {
  const check = new ChainCheck([], isPart);
  for (const line of lines) {
    const record = parseRecordLine(line)!;
    const found = check.next(record, record.hash);
    if (found !== undefined) return found;
  }
  return check.end();
}

/** Record `seq` with other data, made in a chain that is the same up to there. */
function replace(db: DatabaseSync, chain: AuditChain, seq: number): void {
  const rest = rowsFrom(db, seq + 1);
  db.exec(`DELETE FROM audit WHERE seq >= ${seq}`);
  append(db, { ...someEvents(1)[0]!, data: { forged: true } });
  expect(chain.head()!.seq).toBe(seq);
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (const row of rest) insert.run(...row);
}

function rewrite(db: DatabaseSync, chain: AuditChain, seq: number): void {
  const records = chain.read(seq - 1, 100);
  db.exec(`DELETE FROM audit WHERE seq >= ${seq}`);
  append(db, ...records.map(({ actor, kind, list }) => ({ actor, kind, list, data: { forged: true } })));
}

function rowsFrom(db: DatabaseSync, seq: number): (string | number | null)[][] {
  const rows = db.prepare('SELECT * FROM audit WHERE seq >= ?').all(seq);
  return rows.map((row) => Object.values(row) as (string | number | null)[]);
}
