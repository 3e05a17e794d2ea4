import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FILE_POLL_MS, SETTLE_MS, fileSource } from '../../../../../src/control-plane/list-sync/sources/file-source.ts';
import type { ListSource } from '../../../../../src/control-plane/list-sync/sources/list-source.ts';

// A file system without events: every look is one that the test's clock makes.
vi.mock('node:fs', async (original) => ({
  ...(await original<object>()),
  watch: () => {
    throw new Error('no events here');
  },
}));

describe('a file that is being written', () => {
  let folder: string;
  let path: string;
  let source: ListSource;
  const changes: unknown[] = [];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    folder = await mkdtemp(join(tmpdir(), 'weir-file-source-'));
    path = join(folder, 'list.txt');
    changes.length = 0;
    await writeFile(path, 'old\n');
    source = fileSource.create({ location: path, refreshSeconds: 0, bytesMax: 1000, fetchTimeoutMs: 0 });
    await source.read({ validators: undefined, force: false });
    source.watch(() => void changes.push(path));
  });
  afterEach(async () => {
    source.close();
    vi.useRealTimers();
    await rm(folder, { recursive: true, force: true });
  });

  /** Until a look has announced a change, or put off the decision: its timer stands beside that of the poll. */
  async function looked(waitMs: number): Promise<number> {
    vi.advanceTimersByTime(waitMs);
    vi.advanceTimersByTime(1);
    while (changes.length === 0 && vi.getTimerCount() < 2) await new Promise((resolve) => setImmediate(resolve));
    return changes.length;
  }

  test('in place is announced when it has been quiet, not while it grows', async () => {
    await writeFile(path, 'half of the new ');
    expect(await looked(FILE_POLL_MS)).toBe(0);
    await appendFile(path, 'list, and ');
    expect(await looked(SETTLE_MS)).toBe(0);
    await appendFile(path, 'the rest\n');
    expect(await looked(SETTLE_MS)).toBe(0);
    expect(await looked(SETTLE_MS)).toBe(1);
  });

  test('and renamed into place is announced at once', async () => {
    await writeFile(join(folder, 'new'), 'new list\n');
    await rename(join(folder, 'new'), path);
    expect(await looked(FILE_POLL_MS)).toBe(1);
  });
});
