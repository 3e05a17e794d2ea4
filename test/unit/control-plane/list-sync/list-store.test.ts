import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ListStore, RECORD_BYTES_MAX, type ListRecord } from '../../../../src/control-plane/list-sync/list-store.ts';

let folder: string;
let store: ListStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-store-'));
  store = new ListStore(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const record: ListRecord = {
  version: 3,
  sha256: 'ab'.repeat(32),
  location: 'https://lists.example/a',
  validators: { etag: '"v3"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' },
  lastSuccessSeconds: 1_700_000_000,
};

describe('the store', () => {
  test('gives back what was written, and leaves no temporary file', async () => {
    expect(await store.open()).toBeUndefined();
    expect(await store.write('a', record, [Uint8Array.of(1, 2), Uint8Array.of(3)])).toBeUndefined();
    expect(await store.readRecord('a')).toEqual(record);
    expect(await readFile(store.segmentPath('a'))).toEqual(Buffer.from([1, 2, 3]));
    expect((await readdir(join(folder, 'lists'))).toSorted()).toEqual(['a.json', 'a.segment']);
  });

  test('removes at its opening what an interrupted write left', async () => {
    await mkdir(join(folder, 'lists'));
    await writeFile(join(folder, 'lists', 'a.segment.1.tmp'), 'half');
    await store.open();
    expect(await readdir(join(folder, 'lists'))).toEqual([]);
  });

  test.skipIf(!existsSync('/dev/full'))(
    'that is full says so, and keeps the copy it has (skipped without /dev/full)',
    async () => {
      await store.write('a', record, [Uint8Array.of(1)]);
      await symlink('/dev/full', join(folder, 'lists', `a.segment.${process.pid}.tmp`));
      const failure = await store.write('a', { ...record, version: 4 }, [new Uint8Array(100_000)]);
      expect(failure).toEqual({
        reason: 'store',
        message: `the state directory ${folder}/lists did not take the last good copy: it is full`,
      });
      expect(await readFile(store.segmentPath('a'))).toEqual(Buffer.from([1]));
    },
  );

  test('that cannot be made says so, and every write after it', async () => {
    await writeFile(join(folder, 'file'), '');
    const blocked = new ListStore(join(folder, 'file'));
    expect(await blocked.open()).toMatchObject({
      reason: 'store',
      message: expect.stringContaining('is not writable'),
    });
    expect(await blocked.writeRecord('a', record)).toMatchObject({ reason: 'store' });
    expect(await blocked.readRecord('a')).toBeUndefined();
  });
});

describe('a record that we did not write', () => {
  test.each([
    ['no JSON', '{'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a version that is no number', JSON.stringify({ ...record, version: '3' })],
    ['a negative version', JSON.stringify({ ...record, version: -1 })],
    ['a version beyond integers', JSON.stringify({ ...record, version: 1e300 })],
    ['a sha256 that is none', JSON.stringify({ ...record, sha256: '../../etc' })],
    ['more than a record can be', JSON.stringify({ ...record, location: 'x'.repeat(RECORD_BYTES_MAX) })],
  ])('(%s) counts as none', async (_what, text) => {
    await store.open();
    await writeFile(join(folder, 'lists', 'a.json'), text);
    expect(await store.readRecord('a')).toBeUndefined();
  });

  test('cannot put a header line into a request', async () => {
    await store.open();
    const validators = { etag: '"x"\r\nhost: evil.example', lastModified: 7 };
    await writeFile(join(folder, 'lists', 'a.json'), JSON.stringify({ ...record, validators }));
    expect((await store.readRecord('a'))?.validators).toBeUndefined();
  });
});
