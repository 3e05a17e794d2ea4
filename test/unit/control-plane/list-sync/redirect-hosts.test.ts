/** Hosts that a list's server redirects to are kept from being blocked, by whatever list, over restarts too. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GuardFiles } from '../../../../src/control-plane/list-sync/guard-files.ts';
import { ListStore } from '../../../../src/control-plane/list-sync/list-store.ts';
import { guardFilesOnce } from '../../../../src/control-plane/list-sync/load-policy-once.ts';
import {
  keptRedirectHosts,
  REDIRECT_HOSTS_MAX,
  RedirectHosts,
} from '../../../../src/control-plane/list-sync/redirect-hosts.ts';
import { SyncHarness, testConfig } from '../../../support/list-sync-harness.ts';
import { fixturePath, SERVER_NAME } from '../../../support/tls-fixture.ts';
import { TestServers } from '../../../support/tls-servers.ts';

let harness: SyncHarness;
const servers = new TestServers();
const asked: string[] = [];
let isSilent = false;

beforeEach(async () => {
  harness = await SyncHarness.create();
  asked.length = 0;
  isSilent = false;
});
afterEach(async () => {
  await harness.remove();
  await servers.close();
});

/** A list whose server redirects to a name (a proxy finds it), and a local list that blocks that name. */
async function redirected(refreshSeconds = 3600): Promise<ReturnType<typeof testConfig>> {
  const { port } = await servers.tls((request, response) => {
    asked.push(request.url ?? '');
    if (isSilent) return;
    const location = `https://${SERVER_NAME}:${port}/elsewhere`;
    if (request.url === '/list.txt') response.writeHead(302, { location }).end();
    else if (request.headers['if-none-match'] === '"same"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"same"' }).end('remote.example\n');
  });
  const { url: proxy } = await servers.proxy();
  const local = await harness.file('a.txt', `${SERVER_NAME}\nlocal.example\n`);
  const source = `https://127.0.0.1:${port}/list.txt`;
  return testConfig(harness.folder, [
    { name: 'local', source: local },
    { name: 'remote', source, proxy, ca: fixturePath('ca.pem'), refreshSeconds },
  ]);
}

const kept = async (): Promise<string> => readFile(join(harness.folder, 'state', 'lists', 'redirect.hosts'), 'utf8');
const hosts = (files: GuardFiles): readonly string[] => files.listSourceHosts;

describe('a list whose server redirects', () => {
  test('takes the name back that another list blocked, as soon as it was fetched', async () => {
    const sync = await harness.start(await redirected());
    await harness.until(() => harness.status('local')?.holdsByGuard['listSource'] === 1);
    expect(harness.verdict(SERVER_NAME)).toBe('allowed');
    expect(harness.verdict('local.example')).toBe('blocked by local');
    await harness.until(() => harness.status('remote')?.version === 1);
    expect(hosts(sync.guardFiles())).toEqual([SERVER_NAME]);
  });

  test('changes the key of the guard once, not with each fetch', async () => {
    const sync = await harness.start(await redirected(0.02));
    await harness.until(() => harness.status('remote')?.version === 1);
    const { key } = sync.guardFiles();
    expect(key).toBe(1);
    const before = asked.length;
    await harness.until(() => asked.length > before + 6);
    expect(sync.guardFiles()).toMatchObject({ key, listSourceHosts: [SERVER_NAME] });
  });

  test('is known for it after a restart before anything is fetched, and by weir check', async () => {
    const config = await redirected();
    await harness.start(config);
    await harness.until(() => harness.status('local')?.holdsByGuard['listSource'] === 1);
    await harness.close();
    expect(hosts(await guardFilesOnce(config))).toEqual([SERVER_NAME]);
    isSilent = true;
    const sync = await harness.start(config);
    expect(sync.guardFiles()).toMatchObject({ key: 0, listSourceHosts: [SERVER_NAME] });
    expect(harness.verdict(SERVER_NAME)).toBe('allowed');
    expect(harness.verdict('local.example')).toBe('blocked by local');
  });

  test('from another address is another list: nothing of the old one stays', async () => {
    const config = await redirected();
    const sync = await harness.start(config);
    await harness.until(() => harness.status('local')?.holdsByGuard['listSource'] === 1);
    const moved = config.lists.map((list) =>
      list.name === 'remote' ? { ...list, source: list.source.replace('list.txt', 'elsewhere') } : list,
    );
    await sync.reload({ ...config, lists: moved });
    await harness.until(() => harness.status('local')?.holdsByGuard['listSource'] === undefined);
    expect(harness.verdict(SERVER_NAME)).toBe('blocked by local');
  });
});

test('a feed whose server redirects takes the name back as well, and is known for it after a restart', async () => {
  const local = await harness.file('a.txt', 'cdn.example\nlocal.example\n');
  const config = testConfig(harness.folder, [
    { name: 'local', source: local },
    { name: 'feed', source: 'feed+https://hub.example/feed/', sourceKind: 'feed' },
  ]);
  const sync = await harness.start(config);
  expect(harness.verdict('cdn.example')).toBe('blocked by local');
  sync.redirected(config.lists[1]!, ['cdn.example']);
  expect(hosts(sync.guardFiles())).toEqual(['hub.example', 'cdn.example']);
  await harness.until(() => harness.status('local')?.holdsByGuard['listSource'] === 1);
  expect(harness.verdict('cdn.example')).toBe('allowed');
  await harness.close();
  expect(hosts(await guardFilesOnce(config))).toEqual(['hub.example', 'cdn.example']);
});

describe('what is remembered', () => {
  const list = { name: 'fraud', source: 'https://lists.example/a' };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  let changes: number;
  const open = (store: ListStore): RedirectHosts =>
    new RedirectHosts({ store: () => store, lists: () => [list], onChange: () => (changes += 1), log });

  beforeEach(() => {
    changes = 0;
  });

  test(`the last ${REDIRECT_HOSTS_MAX} names, and no addresses`, async () => {
    const store = new ListStore(join(harness.folder, 'state'));
    const redirects = open(store);
    redirects.saw(list, ['192.0.2.1', '[2001:db8::1]', 'mirror-0.example.']);
    expect(redirects.current()).toEqual(['mirror-0.example']);
    for (let at = 1; at <= 20; at++) redirects.saw(list, [`mirror-${at}.example`]);
    redirects.saw(list, ['mirror-20.example']);
    expect(changes).toBe(21);
    expect(redirects.current()).toHaveLength(REDIRECT_HOSTS_MAX);
    expect(redirects.current()).toContain('mirror-20.example');
    expect(redirects.current()).not.toContain('mirror-12.example');
    await redirects.close();
    expect(await keptRedirectHosts(store, [list])).toEqual(redirects.current());
    expect(await keptRedirectHosts(store, [{ ...list, source: 'https://lists.example/b' }])).toEqual([]);
  });

  test.each(['', '[]', '{"lists":7}', '{"lists":[7,{"list":"fraud","location":7,"hosts":[]}]}'])(
    'of a damaged file nothing: %j',
    async (text) => {
      const store = new ListStore(join(harness.folder, 'state'));
      await store.open();
      await writeFile(join(store.stateDirectory, 'lists', 'redirect.hosts'), text);
      const redirects = open(store);
      await redirects.load();
      expect(redirects.current()).toEqual([]);
    },
  );

  test('of a damaged file what is a host, and not more than there may be', async () => {
    const store = new ListStore(join(harness.folder, 'state'));
    await store.open();
    const many = Array.from({ length: 100 }, (_, at) => `m${at}.example`);
    const row = { list: 'fraud', location: list.source, hosts: [7, 'a b', '192.0.2.1', ...many] };
    await writeFile(join(store.stateDirectory, 'lists', 'redirect.hosts'), JSON.stringify({ lists: [row] }));
    const redirects = open(store);
    await redirects.load();
    expect(redirects.current()).toEqual(many.slice(0, REDIRECT_HOSTS_MAX));
    expect(await kept()).toContain('m99.example');
  });
});
