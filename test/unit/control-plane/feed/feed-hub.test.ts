/**
 * A hub and who follows it, each with a real ledger, over the real routes: what is pushed at the hub is in the ledgers of
 * all; the hub dies and comes back. Not whole processes: nothing serves or follows feeds yet.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FeedStatus } from '../../../../src/control-plane/feed/feed-follower.ts';
import { FeedService } from '../../../../src/control-plane/feed/feed-service.ts';
import { parseSignature } from '../../../../src/control-plane/feed/minisign.ts';
import { generateKey } from '../../../../src/control-plane/feed/minisign-secret-key.ts';
import type { Actor, ChangeDone, LedgerDelta } from '../../../../src/control-plane/ledger/ledger.ts';
import { LedgerStore } from '../../../../src/control-plane/ledger/ledger-store.ts';
import { ACTORS, createApi, closeApis } from '../../../support/api-harness.ts';
import { testConfig } from '../../../support/list-sync-harness.ts';

const PUSHER: Actor = { id: 'aaaaaaaa', name: 'Fraud desk', lists: ['*'], rights: ['push', 'read'] };
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const open: { close(): Promise<unknown> }[] = [];
let folder: string;
let publicKey: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-hub-'));
  const { secretKeyFile, publicKey: made } = await generateKey(undefined);
  publicKey = made.text;
  writeFileSync(join(folder, 'feed.key'), secretKeyFile);
  writeFileSync(join(folder, 'token'), 'reader');
});
afterEach(async () => {
  // Why backwards: who follows goes before whom it asks.
  for (const one of open.splice(0).toReversed()) await one.close();
  await closeApis();
  rmSync(folder, { recursive: true, force: true });
});

async function openLedger(stateDirectory: string, source: 'push' | 'feed'): Promise<LedgerStore> {
  const ledger = new LedgerStore({
    stateDirectory,
  });
  open.push(ledger);
  const limits = { shrinkPercentMax: 100, growthPercentMax: 1_000_000, rolloutStages: [], versionsMax: 100 };
  await ledger.configure({
    lists: [{ name: 'desk', source, category: 'fraud', twoPersons: false, approved: [], ...limits }],
    guard: { key: 1, protected: [], popular: [], sharedHosts: [], listSourceHosts: [] },
    entriesMax: 2_000_000,
    queryCounts: [],
    blastRadius: { sharePercent: 100, queriesMin: 1_000_000 },
  });
  return ledger;
}

interface Hub {
  readonly url: string;
  readonly server: Server;
  waiting(): number;
  /** As a reload does. */
  configure(): Promise<void>;
  push(add: readonly string[], remove?: readonly string[]): Promise<ChangeDone>;
  close(): Promise<void>;
}

async function startHub(port = 0): Promise<Hub> {
  const stateDirectory = join(folder, 'hub');
  const ledger = await openLedger(stateDirectory, 'push');
  const feeds = new FeedService({
    ledger,
    apply: () => Promise.resolve(),
    onStatus: () => undefined,
    onRedirects: () => undefined,
    log: quiet,
  });
  open.push(feeds);
  const secretKey = join(folder, 'feed.key');
  const configure = (): Promise<void> =>
    feeds.configure({
      lists: [],
      stateDirectory,
      feeds: { publish: ['desk'], secretKey, passwordFile: '', waitSecondsMax: 600 },
    });
  await configure();
  const api = createApi({ authenticate: (token) => Promise.resolve(ACTORS[token]) }, { feeds: () => feeds.publisher });
  await api.server.listen({ port, host: '127.0.0.1' });
  const { port: bound } = api.server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    server: api.server.server,
    waiting: () => feeds.publisher?.waiting ?? 0,
    configure,
    push: async (add, remove = []) => {
      const done = await ledger.change({
        list: 'desk',
        actor: PUSHER,
        reason: 'a test',
        idempotencyKey: undefined,
        add: add.map((name) => ({ name, reference: 'case 7' })),
        remove: remove.map((name) => ({ name })),
      });
      if (done.kind === 'refused') throw new Error(done.message);
      feeds.changed(done.delta);
      return done;
    },
    close: async () => {
      for (const one of [feeds, ledger]) {
        open.splice(open.indexOf(one), 1);
        await one.close();
      }
      await api.server.close();
    },
  };
}

class Follower {
  readonly statuses: FeedStatus[] = [];
  readonly deltas: LedgerDelta[] = [];
  readonly #ledger: LedgerStore;
  #waiting: { readonly passes: (status: FeedStatus) => boolean; readonly resolve: () => void }[] = [];

  private constructor(ledger: LedgerStore) {
    this.#ledger = ledger;
  }

  static async start(url: string, name: string): Promise<Follower> {
    const stateDirectory = join(folder, name);
    const ledger = await openLedger(stateDirectory, 'feed');
    const follower = new Follower(ledger);
    const feeds = new FeedService({
      ledger,
      apply: (delta) => {
        follower.deltas.push(delta);
        return Promise.resolve();
      },
      onStatus: (status) => {
        follower.statuses.push(status);
        for (const waiting of follower.#waiting) if (waiting.passes(status)) waiting.resolve();
      },
      onRedirects: () => undefined,
      log: quiet,
    });
    open.push(feeds);
    const source = `feed+${url}/v1/feeds/desk/`;
    const list = { name: 'desk', source, sourceKind: 'feed' as const, feedKeys: [publicKey] };
    const extra = { tokenFile: join(folder, 'token'), refreshSeconds: 0 };
    const config = testConfig(folder, [{ ...list, ...extra }]);
    await feeds.configure({ ...config, stateDirectory });
    return follower;
  }

  async until(passes: (status: FeedStatus) => boolean): Promise<void> {
    if (this.statuses.some(passes)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ passes, resolve }));
  }

  async names(): Promise<string[]> {
    return (await this.#ledger.entries('desk', '', 100)).map(({ name }) => name);
  }

  async versions(): Promise<number[]> {
    return (await this.#ledger.versions('desk', 100)).map(({ version }) => version);
  }

  async audit(): Promise<{ kind: string; data: unknown }[]> {
    return (await this.#ledger.audit(0, 100)).map(({ kind, data }) => ({ kind, data }));
  }
}

test('a key that is replaced in place signs from the next reload on, and nobody waits for the old one', async () => {
  const hub = await startHub();
  await hub.push(['a.top']);
  const keyId = async (): Promise<string | undefined> => {
    const signature = parseSignature(await (await ask(hub.url, 'desk/manifest.json.minisig')).text());
    return signature.kind === 'ok' ? signature.value.keyId : undefined;
  };
  await expect.poll(keyId).toBeDefined();
  const before = await keyId();
  await hub.configure();
  expect(await keyId()).toBe(before);
  const waiting = ask(hub.url, 'desk/manifest.signed?after=1&wait=600');
  await expect.poll(() => hub.waiting()).toBe(1);
  const next = await generateKey(undefined);
  writeFileSync(join(folder, 'feed.key'), next.secretKeyFile);
  await hub.configure();
  expect((await waiting).status).toBe(200);
  await expect.poll(keyId).toBe(next.publicKey.id);
});

describe('one hub, three followers', () => {
  test('have what is pushed, also what was pushed before they came, and what is withdrawn', async () => {
    const hub = await startHub();
    const early = await Follower.start(hub.url, 'early');
    await early.until(({ attempted }) => attempted);
    expect(early.statuses.at(-1)).toMatchObject({ version: 0, failure: undefined });
    await hub.push(['a.top', 'b.top']);
    await early.until(({ version }) => version === 1);
    const followers = [early, await Follower.start(hub.url, 'late'), await Follower.start(hub.url, 'later')];
    await hub.push(['c.top'], ['a.top']);
    for (const follower of followers) {
      await follower.until(({ version }) => version === 2);
      expect(await follower.names()).toEqual(['b.top', 'c.top']);
      expect(follower.statuses.filter(({ failure }) => failure !== undefined)).toEqual([]);
    }
    expect(await early.versions()).toEqual([2, 1]);
    const { data } = (await early.audit()).at(-1)!;
    expect(data).toMatchObject({ feedVersion: 2 });
  });

  test('go on when the hub dies, and catch up when it is back', async () => {
    const hub = await startHub();
    const follower = await Follower.start(hub.url, 'one');
    await hub.push(['a.top']);
    await follower.until(({ version }) => version === 1);
    const { port } = new URL(hub.url);
    await hub.close();
    await follower.until(({ failure }) => failure !== undefined);
    expect(await follower.names()).toEqual(['a.top']);
    const again = await startHub(Number(port));
    await again.push(['b.top'], ['a.top']);
    await follower.until(({ version }) => version === 2);
    expect(await follower.names()).toEqual(['b.top']);
    expect((await follower.audit()).filter(({ kind }) => kind === 'feedRefused')).toEqual([]);
  });

  test('a bulk push comes by a snapshot', async () => {
    const hub = await startHub();
    const follower = await Follower.start(hub.url, 'one');
    await hub.push(['gone.top', 'a.top']);
    await follower.until(({ version }) => version === 1);
    await hub.push(
      Array.from({ length: 6000 }, (_, at) => `bulk-${at}.top`),
      ['gone.top'],
    );
    await follower.until(({ version }) => version === 2);
    expect(follower.deltas.at(-1)?.entryCount).toBe(6001);
    expect(await follower.names()).not.toContain('gone.top');
  });
});

async function ask(url: string, path: string, token = 'reader') {
  return fetch(`${url}/v1/feeds/${path}`, { headers: { authorization: `Bearer ${token}` } });
}

describe('the routes', () => {
  test('leave nothing on a connection over which many requests have waited', async () => {
    const hub = await startHub();
    await hub.push(['a.top']);
    const connected = once(hub.server, 'connection') as Promise<[Socket]>;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const wait = async (): Promise<void> => {
      const request = get(`${hub.url}/v1/feeds/desk/manifest.signed?after=0&wait=60`, {
        agent,
        headers: { authorization: 'Bearer reader' },
      });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      await once(response.resume(), 'end');
    };
    await wait();
    const [socket] = await connected;
    const before = socket.listenerCount('close');
    for (let request = 0; request < 5; request += 1) await wait();
    expect(socket.listenerCount('close')).toBe(before);
    agent.destroy();
  });

  test('serve the documents and the files that the manifest names', async () => {
    const hub = await startHub();
    await hub.push(['a.top']);
    const signed = await ask(hub.url, 'desk/manifest.signed?after=0&wait=60');
    expect(signed.status).toBe(200);
    expect(signed.headers.get('weir-feed-wait')).toBe('600');
    const text = await signed.text();
    const manifest = await (await ask(hub.url, 'desk/manifest.json')).text();
    expect(text).toBe((await (await ask(hub.url, 'desk/manifest.json.minisig')).text()) + manifest);
    const { snapshot } = JSON.parse(manifest) as { snapshot: { url: string; bytes: number } };
    const file = await ask(hub.url, `desk/${snapshot.url}`);
    expect((await file.arrayBuffer()).byteLength).toBe(snapshot.bytes);
  });

  test.each([
    ['desk/manifest.signed', 'elsewhere', 403],
    ['desk/manifest.signed', 'proposer', 403],
    ['desk/files/x', 'elsewhere', 403],
    ['desk/manifest.signed', 'nobody', 401],
    ['desk/manifest.signed', 'reader', 404],
    ['desk/manifest.json', 'reader', 404],
    ['other/manifest.signed', 'reader', 404],
    ['desk/files/..%2f..%2fledger.sqlite', 'reader', 404],
    ['desk/manifest.signed?wait=soon', 'reader', 400],
    ['desk/manifest.signed?wait=100000', 'reader', 400],
  ])('%s for %s: %d', async (path, token, status) => {
    const hub = await startHub();
    const response = await ask(hub.url, path, token);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    await response.text();
  });
});
