/**
 * A feed as a publisher makes it, a server that serves it and lies where a test wants it to, and the ledger of a follower
 * in memory. The real ledger with a real follower is in feed-hub.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListConfig } from '../../src/config/config.ts';
import type { AcceptedManifest } from '../../src/control-plane/feed/feed-check.ts';
import { writeFeedFile, type WrittenFile } from '../../src/control-plane/feed/feed-file-writer.ts';
import { FeedFollower, type FeedStatus } from '../../src/control-plane/feed/feed-follower.ts';
import { publishManifest } from '../../src/control-plane/feed/feed-folder.ts';
import { entryLine, operationLine, type FeedOperation } from '../../src/control-plane/feed/feed-lines.ts';
import type { Manifest } from '../../src/control-plane/feed/manifest.ts';
import {
  generateKey,
  readSecretKey,
  type MinisignSecretKey,
} from '../../src/control-plane/feed/minisign-secret-key.ts';
import { nextManifest } from '../../src/control-plane/feed/next-manifest.ts';
import type {
  ChangeDone,
  FeedUpdate,
  LedgerDelta,
  LedgerRefusal,
  ProposedEntry,
  ProposedRemoval,
} from '../../src/control-plane/ledger/ledger.ts';
import { HostileHttpServer, type Handler } from './hostile-http-server.ts';
import { testConfig } from './list-sync-harness.ts';

export const DAY_MS = 86_400_000;

export async function newKey(): Promise<MinisignSecretKey> {
  const { secretKeyFile } = await generateKey(undefined);
  const key = await readSecretKey(secretKeyFile, undefined);
  if (key.kind === 'bad') throw new Error(key.message);
  return key.value;
}

/** Publishes version after version into a folder. */
export class TestFeed {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-feed-'));
  readonly list: string;
  key: MinisignSecretKey;
  accepted: AcceptedManifest | undefined;
  names = new Set<string>();
  deltasMax = 100;

  constructor(key: MinisignSecretKey, list = 'test') {
    this.key = key;
    this.list = list;
  }

  /** A version with these names more and these less. `change`: the manifest before it is signed. */
  async release(
    add: readonly string[],
    remove: readonly string[] = [],
    change: (manifest: Manifest) => Manifest = (manifest) => manifest,
  ): Promise<Manifest> {
    for (const name of remove) this.names.delete(name);
    for (const name of add) this.names.add(name);
    const operations: FeedOperation[] = [
      ...remove.map((name): FeedOperation => ({ kind: 'remove', removal: { name, scope: 'subtree' } })),
      ...add.map((name): FeedOperation => ({ kind: 'add', entry: { name, scope: 'subtree' } })),
    ];
    const before = this.accepted;
    const version = (before?.manifest.version ?? 0) + 1;
    const lines = [...this.names].sort().map((name) => entryLine({ name, scope: 'subtree' }));
    const snapshot = await writeFeedFile(this.folder, `snapshot-${version}`, lines);
    const delta = before && (await this.#delta(version, operations));
    const nowMs = Date.now();
    const { list, deltasMax } = this;
    const entryCount = this.names.size;
    const next = { list, version, entryCount, nowMs, lifetimeMs: DAY_MS, snapshot, delta, deltasMax };
    return this.publish(change(nextManifest(before, next)));
  }

  async publish(manifest: Manifest): Promise<Manifest> {
    const { sha256 } = await publishManifest(this.folder, manifest, this.key);
    this.accepted = { kind: 'accepted', manifest, sha256, keyId: this.key.publicKey.id };
    return manifest;
  }

  get manifest(): Manifest {
    if (this.accepted === undefined) throw new Error('nothing is published');
    return this.accepted.manifest;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #delta(version: number, operations: readonly FeedOperation[]): Promise<WrittenFile> {
    return writeFeedFile(this.folder, `delta-${version - 1}-${version}`, operations.map(operationLine));
  }
}

/** Serves a feed's folder; `own` may answer a path itself. */
export class FeedServer {
  readonly http: HostileHttpServer;
  own: (path: string) => Handler | undefined = () => undefined;
  readonly #feed: TestFeed;

  private constructor(http: HostileHttpServer, feed: TestFeed) {
    this.http = http;
    this.#feed = feed;
    http.handler = (request, response) => {
      const path = new URL(request.url ?? '/', 'http://x').pathname.slice('/feed/'.length);
      const own = this.own(path);
      if (own !== undefined) return own(request, response);
      try {
        response.end(readFileSync(join(this.#feed.folder, path)));
      } catch {
        response.statusCode = 404;
        response.end();
      }
    };
  }

  static async start(feed: TestFeed): Promise<FeedServer> {
    return new FeedServer(await HostileHttpServer.start(), feed);
  }

  get source(): string {
    return `feed+${this.http.url('/feed/')}`;
  }

  paths(): string[] {
    return this.http.requests.map(({ url }) => (url ?? '').replace('/feed/', ''));
  }

  async close(): Promise<void> {
    await this.http.close();
  }
}

/** What the follower asks of the ledger. `fault`, called with each step's name, may throw: the process dies there. */
class MemoryLedger {
  names = new Set<string>();
  position = { version: 0, manifestSha256: '', keyId: '' };
  readonly updates: FeedUpdate[] = [];
  readonly records: { readonly kind: string; readonly list: string | undefined; readonly data: unknown }[] = [];
  refuse: LedgerRefusal | undefined;
  fault: (step: string) => void = () => undefined;
  #open: { update: FeedUpdate; add: Set<string>; remove: Set<string> } | undefined;

  /** Whether a change was begun and neither committed nor abandoned. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  async feedPosition(): Promise<typeof this.position> {
    return Promise.resolve(this.position);
  }

  async beginFeed(update: FeedUpdate): Promise<{ kind: 'begun'; id: number } | LedgerRefusal> {
    this.fault('begin');
    if (this.refuse !== undefined) return this.refuse;
    if (update.fromVersion !== undefined && update.fromVersion !== this.position.version) throw new Error('a gap');
    // As the real one: one bulk change of a list at a time.
    if (this.#open !== undefined) return { kind: 'refused', code: 'changeRunning', message: 'another is under way' };
    this.#open = { update, add: new Set(), remove: new Set() };
    return Promise.resolve({ kind: 'begun', id: 1 });
  }

  async stage(_id: number, add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): Promise<void> {
    this.fault('stage');
    for (const { name } of add) this.#open?.add.add(name);
    for (const { name } of remove) this.#open?.remove.add(name);
    return Promise.resolve();
  }

  async commit(): Promise<ChangeDone | LedgerRefusal> {
    const open = this.#open;
    this.#open = undefined;
    this.fault('commit');
    if (open === undefined) throw new Error('nothing was begun');
    const { update, add, remove } = open;
    if (update.fromVersion === undefined) this.names.clear();
    for (const name of remove) this.names.delete(name);
    for (const name of add) this.names.add(name);
    this.updates.push(update);
    this.position = { version: update.version, manifestSha256: update.manifestSha256, keyId: update.keyId };
    const delta = {
      list: update.list,
      fromVersion: 0,
      toVersion: update.version,
      digest: '',
      names: [],
      entryCount: 0,
    };
    return Promise.resolve({ kind: 'done', version: update.version, heldTotal: 0, delta } as unknown as ChangeDone);
  }

  async abandon(): Promise<void> {
    this.#open = undefined;
    return Promise.resolve();
  }

  async record(_actor: string, kind: string, list: string | undefined, data: unknown): Promise<void> {
    this.records.push({ kind, list, data });
    return Promise.resolve();
  }
}

/** A follower of a test feed, whose turns a test waits for. */
export class FollowerHarness {
  readonly stateDirectory = mkdtempSync(join(tmpdir(), 'weir-follower-'));
  readonly ledger = new MemoryLedger();
  readonly statuses: FeedStatus[] = [];
  readonly deltas: LedgerDelta[] = [];
  readonly logged: string[] = [];
  /** Hosts that were redirected to, one text a fetch. */
  readonly redirects: string[] = [];
  onDelta: (delta: LedgerDelta) => Promise<void> = () => Promise.resolve();
  #follower: FeedFollower | undefined;
  #waiting: { readonly test: (status: FeedStatus) => boolean; readonly resolve: () => void }[] = [];

  /** One turn with a follower of its own, as a restart makes it; returns how it ended. */
  async turn(source: string, list: Partial<ListConfig>): Promise<FeedStatus> {
    const follower = this.open(source, list);
    await follower.start();
    await this.close();
    return follower.status();
  }

  open(source: string, list: Partial<ListConfig>): FeedFollower {
    const fresh = { name: 'test', source, sourceKind: 'feed' as const, ...list };
    const config = testConfig(this.stateDirectory, [fresh]).lists[0]!;
    const log = (_fields: unknown, message: string): void => void this.logged.push(message);
    this.#follower = new FeedFollower({
      list: config,
      stateDirectory: this.stateDirectory,
      ledger: this.ledger,
      onDelta: async (delta) => {
        this.deltas.push(delta);
        await this.onDelta(delta);
      },
      onStatus: (status) => {
        this.statuses.push(status);
        for (const waiting of this.#waiting) if (waiting.test(status)) waiting.resolve();
      },
      onRedirects: (hosts) => void this.redirects.push(hosts.join(' ')),
      log: { info: log, warn: log, error: log },
    });
    return this.#follower;
  }

  /** Resolves when a status from now on passes. */
  async until(test: (status: FeedStatus) => boolean): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push({ test, resolve }));
  }

  async close(): Promise<void> {
    await this.#follower?.close();
    this.#follower = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.stateDirectory, { recursive: true, force: true });
  }
}
