/** Updates of pulled lists that change too much at once wait whole, and entries that many ask for wait one by one. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askedBy } from '../../../support/asked-by.ts';
import { HostileHttpServer } from '../../../support/hostile-http-server.ts';
import { SyncHarness, testConfig, type ListInput } from '../../../support/list-sync-harness.ts';

let harness: SyncHarness;
beforeEach(async () => {
  harness = await SyncHarness.create();
});
afterEach(async () => {
  await harness.remove();
});

/** Names n<from>.example up to n<to - 1>.example. */
function names(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `n${from + index}.example\n`).join('');
}

/** Until the last good copy lies on the disk. */
async function kept(): Promise<void> {
  const path = join(harness.folder, 'state', 'lists', 'list.segment');
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
}

async function start(list: Partial<ListInput>, content: string) {
  const path = await harness.file('list.txt', content);
  const lists = [{ name: 'list', source: path, shrinkPercentMax: 50, growthPercentMax: 200, ...list }];
  const config = testConfig(harness.folder, lists);
  const sync = await harness.start(config);
  return { sync, config, update: (text: string) => harness.file('list.txt', text).then(() => sync.reload(config)) };
}

describe('an update that removes or adds too much', () => {
  test('is held whole: the last good version stays in force, and readyz stays ready', async () => {
    const { sync, update } = await start({}, names(0, 3000));
    await update(names(0, 1000));
    expect(harness.verdict('n2000.example')).toBe('blocked by list');
    const { ready, lists } = sync.readiness();
    expect(ready).toBe(true);
    expect(lists[0]).toMatchObject({ version: 1, entries: 3000, holdsByGuard: { shrink: 1 } });
    expect(lists[0]?.failure).toBeUndefined();
    expect(lists[0]?.heldUpdate?.detail).toBe(
      'it removes 2000 of 3000 entries, more than 50 percent (shrinkPercentMax)',
    );
    expect(harness.logged).toContainEqual(expect.stringMatching(/^an update is held: .*version 1 stays in force/));
    expect(harness.holds.at(-1)).toMatchObject({ list: 'list', version: 1, update: { guard: 'shrink' } });
  });

  test.each([
    ['as many as go come instead', names(5000, 8000), 'shrink', /^it removes 3000 of 3000 entries/],
    ['it grows beyond growthPercentMax', names(0, 9001), 'growth', /^it adds 6001 entries to 3000/],
  ])('also where %s', async (_what, content, guard, detail) => {
    const { sync, update } = await start({}, names(0, 3000));
    await update(content);
    expect(sync.readiness().lists[0]?.heldUpdate).toMatchObject({ guard, detail: expect.stringMatching(detail) });
  });

  test.each([
    ['fewer than 1,000 entries go', names(0, 1900), names(0, 901)],
    ['the share is no more than the limit', names(0, 3000), names(0, 1500)],
    ['growth is no more than the limit', names(0, 3000), names(0, 9000)],
    ['there was no entry before', '# nothing yet\nn0.example\n', names(0, 900)],
  ])('is not held where %s', async (_what, before, after) => {
    const { sync, update } = await start({}, before);
    await update(after);
    expect(sync.readiness().lists[0]).toMatchObject({ version: 2, holdsByGuard: {} });
    expect(sync.readiness().lists[0]?.heldUpdate).toBeUndefined();
  });

  test('comes into force when a person lets it through, by its SHA-256 and no other', async () => {
    const { sync, update } = await start({}, names(0, 3000));
    await update(names(0, 1000));
    const sha256 = sync.readiness().lists[0]?.heldUpdate?.sha256 ?? '';
    harness.approvals.set('list', { names: [], updateSha256s: ['0'.repeat(64)] });
    await sync.approvalsChanged('list');
    expect(sync.readiness().lists[0]?.version).toBe(1);
    harness.approvals.set('list', { names: [], updateSha256s: [sha256] });
    await sync.approvalsChanged('list');
    await harness.until(() => harness.status('list')?.version === 2);
    expect(sync.readiness().lists[0]?.heldUpdate).toBeUndefined();
    expect(harness.verdict('n2000.example')).toBe('allowed');
    expect(harness.holds.at(-1)?.update).toBeUndefined();
  });

  test('comes into force when the limit is raised, and is gone when the source is as it was', async () => {
    const { sync, config, update } = await start({}, names(0, 3000));
    await update(names(0, 1000));
    await update(names(0, 3000));
    expect(sync.readiness().lists[0]).toMatchObject({ version: 1, holdsByGuard: {} });
    await update(names(0, 1000));
    expect(sync.readiness().lists[0]?.heldUpdate).toBeDefined();
    await sync.reload({ ...config, lists: config.lists.map((list) => ({ ...list, shrinkPercentMax: 70 })) });
    expect(sync.readiness().lists[0]).toMatchObject({ version: 2, entries: 1000, holdsByGuard: {} });
  });

  test('is held again after a restart, also without the compiled index, with the last good copy in force', async () => {
    const { config, update } = await start({}, names(0, 3000));
    await kept();
    await update(names(0, 1000));
    await harness.close();
    await rm(join(harness.folder, 'state', 'lists', 'compiled.index'), { force: true });
    const sync = await harness.start(config);
    expect(sync.readiness().lists[0]).toMatchObject({ version: 1, entries: 3000, holdsByGuard: { shrink: 1 } });
  });

  test('is none where the configuration names another source', async () => {
    const { sync, config } = await start({}, names(0, 3000));
    const other = await harness.file('other.txt', names(7000, 8000));
    await sync.reload({ ...config, lists: config.lists.map((list) => ({ ...list, source: other })) });
    expect(sync.readiness().lists[0]).toMatchObject({ entries: 1000, holdsByGuard: {} });
  });

  test('is not fetched again while the server says that it is the same', async () => {
    const server = await HostileHttpServer.start();
    try {
      let [content, etag] = [names(0, 3000), '"1"'];
      const sent: number[] = [];
      server.handler = (request, response) => {
        const status = request.headers['if-none-match'] === etag ? 304 : 200;
        sent.push(status);
        response.writeHead(status, { etag }).end(status === 200 ? content : '');
      };
      await start({ source: server.url(), sourceKind: 'https', refreshSeconds: 0.02 }, '');
      await harness.until(() => harness.status('list')?.version === 1);
      [content, etag] = [names(0, 1000), '"2"'];
      await harness.until(() => harness.status('list')?.heldUpdate !== undefined);
      const before = sent.length;
      await harness.until(() => sent.length > before + 3);
      expect(sent.slice(before)).not.toContain(200);
      expect(harness.status('list')).toMatchObject({ version: 1, holdsByGuard: { shrink: 1 } });
      [content, etag] = [names(0, 2000), '"3"'];
      await harness.until(() => harness.status('list')?.version === 2);
      expect(harness.status('list')).toMatchObject({ entries: 2000, holdsByGuard: {} });
    } finally {
      await server.close();
    }
  });
});

describe('an entry that many ask for', () => {
  beforeEach(() => {
    harness.sketches = [askedBy('www.shop.example', 20_000)];
  });

  test('is held, says how many queries it would have hit, and the others are in force', async () => {
    const { sync } = await start({}, 'shop.example\nquiet.example\n');
    expect(harness.verdict('www.shop.example')).toBe('allowed');
    expect(harness.verdict('quiet.example')).toBe('blocked by list');
    expect(sync.readiness().lists[0]).toMatchObject({ entries: 1, holdsByGuard: { blastRadius: 1 } });
    const held = harness.holds.at(-1)?.entries ?? [];
    expect(held).toMatchObject([{ name: 'shop.example', scope: 'subtree', guard: 'blastRadius' }]);
    const queries = Number(/^it would have blocked about (\d+) of \d+ queries/.exec(held[0]?.detail ?? '')?.[1]);
    expect(Math.abs(queries - 20_000)).toBeLessThan(5000);
  });

  test('stays held when it is quiet, over a restart, and when other files of the guard change', async () => {
    const { config, update } = await start({}, 'shop.example\nquiet.example\n');
    harness.sketches = [];
    await kept();
    await harness.close();
    const protectedFile = await harness.file('protected.txt', 'bank.example\n');
    for (const next of [config, { ...config, protected: [protectedFile] }]) {
      const sync = await harness.start(next);
      expect(harness.verdict('shop.example')).toBe('allowed');
      expect(sync.readiness().lists[0]).toMatchObject({ holdsByGuard: { blastRadius: 1 } });
      await harness.close();
    }
    await harness.start(config);
    await update('shop.example\nquiet.example\nnew.example\n');
    await harness.current().reload(config);
    expect(harness.verdict('shop.example')).toBe('allowed');
    expect(harness.verdict('new.example')).toBe('blocked by list');
  });

  test('comes into force when a person has let the name through', async () => {
    const { sync } = await start({}, 'shop.example\nquiet.example\n');
    harness.approvals.set('list', { names: ['shop.example'], updateSha256s: [] });
    await sync.approvalsChanged('list');
    await harness.until(() => harness.status('list')?.entries === 2);
    expect(harness.verdict('www.shop.example')).toBe('blocked by list');
    expect(harness.status('list')).toMatchObject({ holdsByGuard: {} });
    await harness.close();
    await harness.start(testConfig(harness.folder, [{ name: 'list', source: `${harness.folder}/list.txt` }]));
    expect(harness.verdict('www.shop.example')).toBe('blocked by list');
  });

  test('and is in force already stays so', async () => {
    harness.sketches = [];
    const { config } = await start({}, 'shop.example\nquiet.example\n');
    await kept();
    await harness.close();
    harness.sketches = [askedBy('www.shop.example', 20_000)];
    const sync = await harness.start(config);
    await harness.file('list.txt', 'shop.example\nwww.shop.example\nquiet.example\nnew.example\n');
    await sync.reload(config);
    expect(harness.verdict('shop.example')).toBe('blocked by list');
    expect(harness.verdict('new.example')).toBe('blocked by list');
  });

  test.each([
    ['its share is below sharePercent', { sharePercent: 100, queriesMin: 1000 }, 'other.example'],
    ['its queries are below queriesMin', { sharePercent: 0, queriesMin: 100_000 }, 'www.shop.example'],
  ])('is in force where %s', async (_what, blastRadius, more) => {
    harness.sketches = [...harness.sketches, askedBy(more, 2000)];
    const path = await harness.file('list.txt', 'shop.example\n');
    await harness.start(testConfig(harness.folder, [{ name: 'list', source: path }], { blastRadius }));
    expect(harness.verdict('shop.example')).toBe('blocked by list');
  });
});
