import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeConstantDatabase } from '../../../bench/constant-database.ts';
import { nameFromText } from '../../../src/dns/name.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A reader after the published description of cdb, independent of the writer. */
function holds(database: Buffer, key: Uint8Array): boolean {
  const hash = key.reduce((sum, octet) => (((sum << 5) + sum) ^ octet) >>> 0, 5381);
  const at = database.readUInt32LE((hash % 256) * 8);
  const slots = database.readUInt32LE((hash % 256) * 8 + 4);
  for (let tried = 0; tried < slots; tried++) {
    const slot = at + (((hash >>> 8) + tried) % slots) * 8;
    const record = database.readUInt32LE(slot + 4);
    if (record === 0) return false;
    const keyBytes = database.readUInt32LE(record);
    const found = database.subarray(record + 8, record + 8 + keyBytes);
    if (database.readUInt32LE(slot) === hash && Buffer.compare(found, key) === 0) return true;
  }
  return false;
}

test('a constant database holds every name of the list and no other', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `host${index}.example.com`);
  const path = join(folder, 'list.cdb');
  writeConstantDatabase(path, { count: names.length, origin: 'invented', nameAt: (index) => names[index]! });
  const database = readFileSync(path);
  expect(names.filter((name) => !holds(database, nameFromText(name)!))).toEqual([]);
  expect(holds(database, nameFromText('host5000.example.com')!)).toBe(false);
  expect(holds(database, nameFromText('example.com')!)).toBe(false);
});
