/** A process that starts with the compiled index that the one before has left. */
import { existsSync } from 'node:fs';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../../../src/config/config.ts';
import { fingerprintOf, identitiesOf } from '../../../../src/control-plane/list-sync/policy-inputs.ts';
import { LocalRunner, SyncHarness, testConfig, type ListInput } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;

beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

const snapshotPath = () => join(harness.folder, 'state', 'lists', 'compiled.index');

/** Runs until the compiled index lies on the disk. */
async function runOnce(config: Config): Promise<void> {
  await rm(snapshotPath(), { force: true });
  await harness.start(config);
  while (!existsSync(snapshotPath())) await new Promise((resolve) => setImmediate(resolve));
  await harness.close();
}

/** The kinds of jobs that the compile thread got before the first policy. */
async function startAgain(config: Config): Promise<string[]> {
  const runner = new LocalRunner();
  harness.policies.length = 0;
  await harness.start(config, runner);
  return [...runner.kinds].filter((kind) => kind !== 'persist' && kind !== 'snapshot');
}

async function twoLists(rest: Partial<Config> = {}, first: Partial<ListInput> = {}): Promise<Config> {
  const a = await harness.file('a.txt', 'bad.example\ncom\n');
  const b = await harness.file('b.txt', 'worse.example\n');
  const lists = [
    { name: 'a', source: a, badLinesPercentMax: 100, ...first },
    { name: 'b', source: b },
  ];
  return testConfig(harness.folder, lists, rest);
}

describe('a restart', () => {
  test('with nothing changed reads and compiles no list, and has the same in force', async () => {
    const allow = [await harness.file('allow.txt', 'good.bad.example\n')];
    const config = await twoLists({ allow });
    await runOnce(config);
    const before = harness.status('a');
    expect(await startAgain(config)).toEqual([]);
    expect(harness.verdict('www.bad.example')).toBe('blocked by a');
    expect(harness.verdict('worse.example')).toBe('blocked by b');
    expect(harness.verdict('good.bad.example')).toMatch('allowlisted');
    expect(harness.verdict('x.com')).toBe('allowed');
    const { version, entries, sha256, holdsByGuard, heldSamples } = harness.status('a')!;
    expect({ version, entries, sha256, holdsByGuard, heldSamples }).toEqual({
      version: before?.version,
      entries: before?.entries,
      sha256: before?.sha256,
      holdsByGuard: before?.holdsByGuard,
      heldSamples: before?.heldSamples,
    });
    expect(holdsByGuard).toEqual({ tld: 1 });
    expect(harness.status('a')).toMatchObject({ fromLastGoodCopy: false, attempted: true });
  });

  test('reads the one list that has changed, as an overlay over the rest', async () => {
    const config = await twoLists();
    await runOnce(config);
    await writeFile(join(harness.folder, 'b.txt'), 'new.example\n');
    expect(await startAgain(config)).toEqual(['parse', 'overlay']);
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(harness.verdict('new.example')).toBe('blocked by b');
    expect(harness.verdict('worse.example')).toBe('allowed');
    expect(harness.status('b')?.version).toBe(2);
    expect(harness.policies).toHaveLength(1);
  });

  test('after a change that was in an overlay keeps that change and its version', async () => {
    const config = await twoLists();
    await runOnce(config);
    await writeFile(join(harness.folder, 'b.txt'), 'new.example\n');
    await startAgain(config);
    await harness.close();
    expect(await startAgain(config)).toEqual(['parse', 'overlay']);
    expect(harness.verdict('new.example')).toBe('blocked by b');
    expect(harness.status('b')?.version).toBe(2);
  });

  test('follows a later change: the last good copies and allow files are read when they are needed', async () => {
    const allow = [await harness.file('allow.txt', 'good.bad.example\n')];
    const config = await twoLists({ allow });
    await runOnce(config);
    const sync = await harness.start(config, new LocalRunner());
    await writeFile(join(harness.folder, 'a.txt'), 'changed.example\n');
    await sync.reload(config);
    expect(harness.verdict('changed.example')).toBe('blocked by a');
    expect(harness.verdict('bad.example')).toBe('allowed');
    expect(harness.verdict('worse.example')).toBe('blocked by b');
    expect(harness.verdict('good.bad.example')).toMatch('allowlisted');
  });

  test('without the source has the index in force, says so, and takes the source up again', async () => {
    const config = await twoLists();
    await runOnce(config);
    await rm(join(harness.folder, 'a.txt'));
    expect(await startAgain(config)).toEqual([]);
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(harness.status('a')).toMatchObject({ fromLastGoodCopy: true, failure: { reason: 'unreadable' } });
  });

  test('parses a file that was only touched, and gives it no new version', async () => {
    const config = await twoLists();
    await runOnce(config);
    await utimes(join(harness.folder, 'a.txt'), 1, 1);
    expect(await startAgain(config)).toEqual(['parse']);
    expect(harness.status('a')?.version).toBe(1);
  });

  test.each<[string, (config: Config) => Config]>([
    ['a list less', (config) => ({ ...config, lists: config.lists.slice(1) })],
    ['the lists in another order', (config) => ({ ...config, lists: config.lists.toReversed() })],
    ['another mode', (config) => withFirst(config, { mode: 'shadow' })],
    ['another action', (config) => withFirst(config, { action: 'nxdomain' })],
    ['another category', (config) => withFirst(config, { category: 'scam' })],
    ['another format', (config) => withFirst(config, { format: 'plain' })],
    ['an approved name', (config) => withFirst(config, { approved: ['com'] })],
    ['another limit of bad lines', (config) => withFirst(config, { badLinesPercentMax: 20 })],
    ['another file of protected names', (config) => ({ ...config, protected: config.popular })],
    ['no allow list', (config) => ({ ...config, allow: [] })],
  ])('with %s compiles anew', async (_, change) => {
    const popular = [await harness.file('popular.txt', 'popular.example\n')];
    const allow = [await harness.file('allow.txt', 'good.bad.example\n')];
    const config = await twoLists({ popular, allow });
    await runOnce(config);
    expect(await startAgain(change(config))).toContain('build');
    expect(harness.logged.join('\n')).toContain('of other lists or settings');
  });

  test.each(['allow.txt', 'popular.txt', 'protected.txt', 'shared.txt'])(
    'with another %s compiles anew',
    async (file) => {
      const config = await twoLists({
        allow: [await harness.file('allow.txt', 'a.example\n')],
        popular: [await harness.file('popular.txt', 'b.example\n')],
        protected: [await harness.file('protected.txt', 'c.example\n')],
        sharedHosts: [await harness.file('shared.txt', 'd.example\n')],
      });
      await runOnce(config);
      await harness.file(file, 'bad.example\n');
      expect(await startAgain(config)).toContain('build');
      expect(harness.verdict('bad.example')).not.toBe('blocked by a');
    },
  );

  test('with a damaged index compiles anew, says so, and replaces it', async () => {
    const config = await twoLists();
    await runOnce(config);
    const bytes = await readFile(snapshotPath());
    await writeFile(snapshotPath(), bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1));
    expect(await startAgain(config)).toContain('build');
    expect(harness.verdict('bad.example')).toBe('blocked by a');
    expect(harness.logged.join('\n')).toContain('its checksum does not match');
    await harness.close();
    await runOnce(config);
    expect(await startAgain(config)).toEqual([]);
  });

  test('where a last good copy has gone reads its list again for the next compile', async () => {
    const config = await twoLists();
    await runOnce(config);
    await rm(join(harness.folder, 'state', 'lists', 'b.segment'));
    const sync = await harness.start(config, new LocalRunner());
    const changed = { ...config, allow: [await harness.file('allow.txt', 'bad.example\n')] };
    await sync.reload(changed);
    await harness.until(() => harness.verdict('bad.example').startsWith('allowlisted'));
    expect(harness.verdict('worse.example')).toBe('blocked by b');
  });
});

function withFirst(config: Config, change: Partial<ListInput>): Config {
  return { ...config, lists: config.lists.map((list, index) => (index === 0 ? { ...list, ...change } : list)) };
}

describe('the fingerprint of what an index was made of', () => {
  test('knows another version of Weir and another Public Suffix List', async () => {
    const config = await twoLists();
    const identities = await identitiesOf(config);
    const [publicSuffixes] = [...identities.keys()];
    expect(publicSuffixes).toContain('tldts');
    const print = fingerprintOf(config, identities, '1');
    expect(fingerprintOf(config, identities, '1')).toBe(print);
    expect(fingerprintOf(config, identities, '2')).not.toBe(print);
    expect(fingerprintOf(config, new Map([[publicSuffixes!, 'other']]), '1')).not.toBe(print);
  });

  test.each<Partial<ListInput>>([
    { name: 'other' },
    { source: '/other.txt' },
    { sourceKind: 'https' },
    { format: 'plain' },
    { category: 'scam' },
    { mode: 'shadow' },
    { action: 'nxdomain' },
    { approved: ['com'] },
    { badLinesPercentMax: 20 },
    { bytesMax: 7 },
  ])('knows a list with %o', async (change) => {
    const config = await twoLists();
    expect(fingerprintOf(withFirst(config, change), new Map(), '')).not.toBe(fingerprintOf(config, new Map(), ''));
  });

  test('does not depend on what is no part of it', async () => {
    const config = await twoLists();
    const print = fingerprintOf(config, new Map(), '');
    expect(fingerprintOf(withFirst(config, { authority: 'x', refreshSeconds: 1 }), new Map(), '')).toBe(print);
  });
});
