import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ListStore, type ListRecord } from '../../../../src/control-plane/list-sync/list-store.ts';

/** What the store asked of the disk, in order; numbers as N. */
const asked = vi.hoisted((): string[] => []);

function nameOf(path: unknown): string {
  return basename(String(path)).replaceAll(/\d+/g, 'N');
}

vi.mock('node:fs/promises', async (original) => {
  const real = await original<{ open: typeof open; rename: typeof rename }>();
  return {
    ...real,
    open: async (...args: Parameters<typeof open>) => {
      const file = await real.open(...args);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        await sync();
        asked.push(`sync ${nameOf(args[0])}`);
      };
      return file;
    },
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      asked.push(`rename ${nameOf(from)} ${nameOf(to)}`);
    },
  };
});

const record: ListRecord = { version: 3, sha256: 'ab'.repeat(32), location: '/a', lastSuccessSeconds: 1 };
const RECORD_ORDER = ['sync a.json.N.tmp', 'rename a.json.N.tmp a.json', 'sync lists'];

describe('a last good copy is on the disk before it takes its name, and its name before the call ends', () => {
  let folder: string;
  let store: ListStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-store-order-'));
    store = new ListStore(folder);
    await store.open();
    asked.length = 0;
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('written from memory', async () => {
    expect(await store.write('a', record, [Uint8Array.of(1)])).toBeUndefined();
    expect(asked).toEqual([...RECORD_ORDER, 'sync a.segment.N.tmp', 'rename a.segment.N.tmp a.segment', 'sync lists']);
  });

  test('taken over from where it was spilled', async () => {
    const path = store.spillPath('a');
    const file = await open(path, 'w');
    await file.write('spilled');
    await file.close();
    expect(await store.adoptSpilled('a', record, path, Uint8Array.of(1), 7)).toBeUndefined();
    expect(asked).toEqual([
      ...RECORD_ORDER,
      'sync a.N-N.segment.tmp',
      'rename a.N-N.segment.tmp a.segment',
      'sync lists',
    ]);
  });
});
