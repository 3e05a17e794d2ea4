/** What is opened as the ledger, and what is refused and left as it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { LedgerUnusable } from '../../../../src/control-plane/ledger/ledger-failure.ts';
import { MIGRATIONS } from '../../../../src/control-plane/ledger/migrations.ts';
import { LEDGER_FILE, openLedgerDatabase } from '../../../../src/control-plane/ledger/open-database.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const KNOWN = MIGRATIONS.length;

/** A folder with a database that `sql` was run on. */
function withDatabase(sql: string, isLedger: boolean): string {
  const folder = temporaryFolder('open-ledger');
  if (isLedger) openLedgerDatabase(folder).close();
  const db = new DatabaseSync(join(folder, LEDGER_FILE));
  db.exec(sql);
  db.close();
  return folder;
}

function refusal(folder: string, readOnly: boolean): unknown {
  try {
    openLedgerDatabase(folder, { readOnly }).close();
    return undefined;
  } catch (error) {
    if (error instanceof LedgerUnusable) return [error.reason, error.message.replace(folder, '')];
    throw error;
  }
}

for (const readOnly of [false, true]) {
  const how = readOnly ? 'to be read' : 'to be written';
  test.each([
    [
      'a newer Weir',
      `PRAGMA user_version = ${KNOWN + 1}`,
      true,
      [
        'newer',
        `/ledger.sqlite has schema ${KNOWN + 1}; this Weir knows ${KNOWN}. Run the version that wrote it, or a newer one`,
      ],
    ],
    [
      'another program',
      'CREATE TABLE bookmarks (url TEXT)',
      false,
      ['foreign', "/ledger.sqlite is a database, but not Weir's ledger"],
    ],
    [
      'another program, with a version and without tables',
      'PRAGMA user_version = 1',
      false,
      ['foreign', "/ledger.sqlite is a database, but not Weir's ledger"],
    ],
    [
      'another program that says which it is',
      'CREATE TABLE t (a); PRAGMA application_id = 252006',
      false,
      ['foreign', "/ledger.sqlite is a database, but not Weir's ledger"],
    ],
  ])(`a database of %s is refused ${how}, and is as it was`, (_of, sql, isLedger, expected) => {
    const folder = withDatabase(sql, isLedger);
    const before = readFileSync(join(folder, LEDGER_FILE));
    expect(refusal(folder, readOnly)).toEqual(expected);
    expect(readFileSync(join(folder, LEDGER_FILE)).equals(before)).toBe(true);
  });

  test(`what is no database is refused ${how}`, () => {
    const folder = temporaryFolder('open-ledger');
    writeFileSync(join(folder, LEDGER_FILE), 'no database at all, and long enough to be none'.repeat(40));
    expect(refusal(folder, readOnly)).toEqual(['corrupt', expect.stringContaining('is damaged and is left as it is')]);
  });
}

test('one of an earlier version is brought to this one by who writes, and who only reads says who will', () => {
  const folder = temporaryFolder('open-ledger');
  const db = new DatabaseSync(join(folder, LEDGER_FILE));
  db.exec(`${MIGRATIONS[0]!}; PRAGMA application_id = 0x57656972; PRAGMA user_version = 1`);
  db.exec("INSERT INTO maintainers (name) VALUES ('Fraud desk')");
  db.close();
  expect(refusal(folder, true)).toEqual([
    'unreadable',
    `/ledger.sqlite has schema 1, which the next start of Weir brings to ${KNOWN}`,
  ]);
  expect(refusal(folder, false)).toBeUndefined();
  const after = openLedgerDatabase(folder, { readOnly: true });
  expect(after.prepare('SELECT name FROM maintainers').all()).toEqual([{ name: 'Fraud desk' }]);
  expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: KNOWN });
  after.close();
});
