import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../../../src/config/config.ts';
import { HostileHttpServer } from '../../../support/hostile-http-server.ts';
import { LocalRunner, SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';

const LIST = 'https://bad.example/\nhttps://pages.example/someone/\n';

let harness: SyncHarness;
let server: HostileHttpServer;

beforeEach(async () => {
  harness = await SyncHarness.create();
  server = await HostileHttpServer.start();
  server.handler = (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"same"';
    response.writeHead(isKnown ? 304 : 200, { etag: '"same"' }).end(isKnown ? '' : LIST);
  };
});
afterEach(async () => {
  await harness.remove();
  await server.close();
});

async function sharedHosts(names: string): Promise<string> {
  const path = join(harness.folder, 'shared.txt');
  await writeFile(`${path}.new`, names);
  await rename(`${path}.new`, path);
  return path;
}

async function sourceOf(kind: 'file' | 'url'): Promise<string> {
  return kind === 'url' ? server.url() : harness.file('a.txt', LIST);
}

/** The page's host is skipped, for it is shared. */
async function startShared(kind: 'file' | 'url'): Promise<Config> {
  const shared = await sharedHosts('pages.example\n');
  const config = testConfig(harness.folder, [{ name: 'a', source: await sourceOf(kind), format: 'url-list' }], {
    sharedHosts: [shared],
  });
  await harness.start(config);
  await harness.until(() => harness.status('a')?.version === 1);
  expect(harness.status('a')?.rejectedByReason).toMatchObject({ urlWithPathOnSharedHost: 1 });
  expect(harness.verdict('pages.example')).toBe('allowed');
  return config;
}

async function isBlockedNow(version: number): Promise<void> {
  await harness.until(() => harness.status('a')?.version === version);
  expect(harness.verdict('pages.example')).toBe('blocked by a');
  expect(harness.verdict('bad.example')).toBe('blocked by a');
  expect(harness.status('a')).toMatchObject({ entries: 2, rejectedByReason: {} });
}

describe.each(['file', 'url'] as const)('a name that is no shared host any more (list: a %s)', (kind) => {
  test('has its entries back at a reload, under a new version', async () => {
    const config = await startShared(kind);
    const sync = harness.current();
    await sync.reload({ ...config, sharedHosts: [] });
    await isBlockedNow(2);
  });

  test('has them back as soon as the file of the names changes', async () => {
    await startShared(kind);
    await sharedHosts('other.example\n');
    await isBlockedNow(2);
  });
});

test('a URL is fetched whole after a restart where shared hosts left entries out of its copy', async () => {
  const config = await startShared('url');
  await vi.waitFor(() => stat(join(harness.folder, 'state', 'lists', 'a.segment')), { timeout: 20_000 });
  await harness.close();
  await harness.start({ ...config, sharedHosts: [] }, new LocalRunner());
  await isBlockedNow(2);
});

test('a list that left nothing out keeps its version', async () => {
  const config = testConfig(harness.folder, [{ name: 'a', source: server.url(), format: 'url-list' }]);
  server.handler = (_request, response) => void response.end('https://bad.example/\n');
  const sync = await harness.start(config);
  await harness.until(() => harness.status('a')?.version === 1);
  await sync.reload({ ...config, sharedHosts: [await sharedHosts('pages.example\n')] });
  expect(harness.status('a')).toMatchObject({ version: 1, entries: 1 });
});
