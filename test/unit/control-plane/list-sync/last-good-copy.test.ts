import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadPolicyOnce } from '../../../../src/control-plane/list-sync/load-policy-once.ts';
import { SyncHarness, judged, testConfig } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

const segmentOf = (list: string) => join(harness.folder, 'state', 'lists', `${list}.segment`);

/** Runs list-sync until the last good copy of the list lies on disk. */
async function runOnce(source: string): Promise<void> {
  await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
  await harness.runner.drained();
  for (;;) {
    try {
      await readFile(segmentOf('a'));
      break;
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await harness.close();
}

describe('the last good copy', () => {
  test('is used at a start whose file is gone, with its version', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    await rm(source);
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.verdict('old.example')).toBe('blocked by a');
    expect(harness.status('a')).toMatchObject({
      version: 1,
      fromLastGoodCopy: true,
      failure: { reason: 'unreadable' },
    });
  });

  test('gives the next content the next version after a restart', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    await writeFile(source, 'new.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.status('a')?.version).toBe(2);
  });

  test('keeps the version of an unchanged content over a restart', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.status('a')).toMatchObject({ version: 1, fromLastGoodCopy: false });
  });

  test('with one bit changed is not used', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    const bytes = await readFile(segmentOf('a'));
    bytes[bytes.length - 40]! ^= 1;
    await writeFile(segmentOf('a'), bytes);
    await rm(source);
    await rm(join(harness.folder, 'state', 'lists', 'compiled.index'), { force: true });
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    expect(harness.verdict('old.example')).toBe('allowed');
    expect(harness.logged.join('\n')).toContain('the last good copy is damaged');
  });

  test('of a URL is in force at once where the URL cannot be reached', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    const unreachable = 'http://127.0.0.1:1/list.txt';
    await harness.start(testConfig(harness.folder, [{ name: 'a', source: unreachable }]));
    expect(harness.verdict('old.example')).toBe('blocked by a');
    await harness.until(() => harness.status('a')?.failure?.reason === 'network');
    expect(harness.status('a')).toMatchObject({ version: 1, entries: 1 });
  });

  test('is what weir check looks at, with the version of the running process', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await runOnce(source);
    const config = testConfig(harness.folder, [{ name: 'a', source }]);
    const fresh = await loadPolicyOnce(config);
    expect(fresh.statuses[0]).toMatchObject({ version: 1, fromLastGoodCopy: false });
    await rm(source);
    const copy = await loadPolicyOnce(config);
    expect(copy.statuses[0]).toMatchObject({ version: 1, fromLastGoodCopy: true, failure: { reason: 'unreadable' } });
    expect(judged(copy.policy, 'old.example')).toBe('blocked by a');
  });
});

describe('a state directory that takes nothing', () => {
  test('(a file is in its place) is a warning and a failure that says so; the list is in force', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    const stateDirectory = await harness.file('state', 'not a folder');
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }], { stateDirectory }));
    expect(harness.verdict('old.example')).toBe('blocked by a');
    await harness.until(() => harness.status('a')?.failure?.reason === 'store');
    expect(harness.status('a')).toMatchObject({ version: 1, entries: 1 });
    expect(harness.logged.join('\n')).toContain(`the state directory ${stateDirectory}/lists is not writable`);
  });

  test('(a folder is in the place of the copy) likewise', async () => {
    const source = await harness.file('a.txt', 'old.example\n');
    await mkdir(join(segmentOf('a'), 'in-the-way'), { recursive: true });
    await harness.start(testConfig(harness.folder, [{ name: 'a', source }]));
    await harness.until(() => harness.status('a')?.failure?.reason === 'store');
    expect(harness.verdict('old.example')).toBe('blocked by a');
  });
});
