/** A push list as a feed: each change is signed and announced, the chain goes on over a restart, waiting is bounded. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkManifest, openManifest } from '../../../../src/control-plane/feed/feed-check.ts';
import { FeedDiff } from '../../../../src/control-plane/feed/feed-diff.ts';
import { readFeedFile } from '../../../../src/control-plane/feed/feed-files.ts';
import { FeedPublication, LIFETIME_MS } from '../../../../src/control-plane/feed/feed-publication.ts';
import { FeedPublisher, WAITERS_MAX } from '../../../../src/control-plane/feed/feed-publisher.ts';
import { ledgerEntryLine } from '../../../../src/control-plane/feed/ledger-entries.ts';
import type { AcceptedManifest } from '../../../../src/control-plane/feed/feed-check.ts';
import { generateKey, type MinisignSecretKey } from '../../../../src/control-plane/feed/minisign-secret-key.ts';
import { parseSigned } from '../../../../src/control-plane/feed/signed-manifest.ts';
import type { LedgerDelta, LedgerEntry } from '../../../../src/control-plane/ledger/ledger.ts';
import { newKey } from '../../../support/feed-harness.ts';

/** A push list: its entries by version. */
class PushList {
  readonly #versions: ReadonlyMap<string, LedgerEntry>[] = [new Map()];
  /** Names that a delta may have. */
  namesMax = 1000;

  get version(): number {
    return this.#versions.length - 1;
  }

  push(add: readonly string[], remove: readonly string[] = [], rolloutSlot = 0): void {
    const next = new Map(this.#versions.at(-1));
    for (const name of remove) next.delete(name);
    for (const name of add) next.set(name, entry(name, rolloutSlot));
    this.#versions.push(next);
  }

  readonly deltaSince = async (list: string, from: number): Promise<LedgerDelta | undefined> => {
    const before = this.#versions[from];
    const now = this.#versions.at(-1)!;
    if (before === undefined) return undefined;
    const changed = [...new Set([...before.keys(), ...now.keys()])].filter(
      (name) => before.get(name) !== now.get(name),
    );
    const names = changed.map((name) => ({ name, entries: [now.get(name)].filter((one) => one !== undefined) }));
    return Promise.resolve({
      list,
      fromVersion: from,
      toVersion: this.version,
      digest: '',
      names: names.length > this.namesMax ? undefined : names,
      entryCount: now.size,
    });
  };

  readonly records: { readonly kind: string; readonly list: string | undefined; readonly data: unknown }[] = [];
  readonly record = async (_actor: string, kind: string, of: string | undefined, data: unknown): Promise<void> => {
    this.records.push({ kind, list: of, data });
  };

  readonly exportList = (_list: string, version = this.version) => ({
    version,
    lines: [...this.#versions[version]!.values()].filter(({ rolloutSlot }) => rolloutSlot === 0).map(ledgerEntryLine),
    close: () => undefined,
  });
}

function entry(name: string, rolloutSlot: number): LedgerEntry {
  return {
    name,
    scope: 'subtree',
    category: 'loan',
    categoryWord: undefined,
    reference: 'case 7',
    note: undefined,
    expiresAtSeconds: 0,
    mode: 'enforce',
    rolloutSlot,
    maintainer: 'Fraud desk',
    addedAtSeconds: 1,
    addedInVersion: 1,
    isApproved: false,
  };
}

let folder: string;
let key: MinisignSecretKey;
let list: PushList;
const open: FeedPublication[] = [];
const log = { info: () => undefined, warn: () => undefined, error: vi.fn<() => void>() };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-publication-'));
  key = await newKey();
  list = new PushList();
  log.error.mockReset();
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((one) => one.close()));
  rmSync(folder, { recursive: true, force: true });
});

function publication(onPublished = (): void => undefined): FeedPublication {
  const made = new FeedPublication('desk', folder, {
    ledger: list,
    key,
    exportList: list.exportList,
    log,
    onPublished,
  });
  open.push(made);
  return made;
}

function opened(bytes: Uint8Array | undefined): AcceptedManifest {
  const signed = parseSigned(bytes ?? new Uint8Array(0));
  if (signed.kind === 'bad') throw new Error(signed.message);
  const accepted = openManifest(signed.value, [key.publicKey]);
  if (accepted.kind === 'refused') throw new Error(accepted.message);
  return accepted;
}

/** The names that a follower who begins now comes to. */
async function namesFrom(accepted: AcceptedManifest): Promise<string[]> {
  const { snapshot, deltas } = accepted.manifest;
  const diff = new FeedDiff();
  for (const file of [snapshot, ...deltas.filter(({ from }) => from >= snapshot.version)]) {
    const kind = file === snapshot ? 'snapshot' : 'delta';
    const read = await readFeedFile(folder, file, kind, (all) => all.forEach((one) => diff.apply('after', one)));
    if (read.kind === 'refused') throw new Error(`${file.url}: ${read.message}`);
  }
  const lines = [...diff.snapshotLines()];
  diff.close();
  return lines.map((line) => (JSON.parse(line) as { name: string }).name);
}

describe('a publication', () => {
  test('has nothing before the first push, then a snapshot, then a delta for each change', async () => {
    const feed = publication();
    await feed.update();
    expect(feed.manifest).toBeUndefined();
    list.push(['a.top']);
    await feed.update();
    expect(feed.manifest).toMatchObject({ version: 1, entryCount: 1, deltas: [] });
    list.push(['b.top'], ['a.top']);
    await feed.update();
    expect(feed.manifest).toMatchObject({
      version: 2,
      entryCount: 1,
      deltas: [{ from: 1, to: 2 }],
      snapshot: { version: 1 },
    });
    expect(await namesFrom(opened(feed.signed))).toEqual(['b.top']);
  });

  test('carries what an entry says, and not who pushed it', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    const lines: unknown[] = [];
    await readFeedFile(folder, feed.manifest!.snapshot, 'snapshot', (all) => void lines.push(...all));
    expect(lines).toEqual([
      { kind: 'add', entry: { name: 'a.top', scope: 'subtree', category: 'loan', reference: 'case 7' } },
    ]);
  });

  test('keeps what a rollout stages back until it is complete', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    list.push(['staged.top'], [], 7);
    await feed.update();
    expect(await namesFrom(opened(feed.signed))).toEqual(['a.top']);
    list.push(['staged.top']);
    await feed.update();
    expect(await namesFrom(opened(feed.signed))).toEqual(['a.top', 'staged.top']);
  });

  test('changes that come while one is published are one version', async () => {
    list.push(['a.top']);
    const published = vi.fn<() => void>();
    const feed = publication(published);
    const first = feed.update();
    list.push(['b.top']);
    list.push(['c.top']);
    await Promise.all([first, feed.update()]);
    expect(feed.manifest?.version).toBe(3);
    expect(published.mock.calls.length).toBeLessThanOrEqual(2);
    expect(await namesFrom(opened(feed.signed))).toEqual(['a.top', 'b.top', 'c.top']);
  });

  test('a bulk change is a snapshot', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    list.namesMax = 1;
    list.push(['b.top', 'c.top']);
    await feed.update();
    expect(feed.manifest).toMatchObject({ version: 2, deltas: [], snapshot: { version: 2 }, entryCount: 3 });
  });

  test('a restart goes on with version and chain; each manifest is one that a follower takes after the one before', async () => {
    let held: AcceptedManifest | undefined;
    for (let version = 1; version <= 4; version += 1) {
      list.push([`${version}.top`]);
      const feed = publication();
      await feed.update();
      const signed = parseSigned(feed.signed!);
      if (signed.kind === 'bad') throw new Error(signed.message);
      const before = held && { sha256: held.sha256, value: held.manifest };
      const checked = checkManifest(
        signed.value,
        [key.publicKey],
        'desk',
        { version: version - 1, manifest: before },
        Date.now(),
      );
      expect(checked).toMatchObject({ kind: 'accepted', manifest: { version, previousVersion: version - 1 } });
      held = checked.kind === 'accepted' ? checked : held;
      await feed.close();
    }
    expect(await namesFrom(held!)).toEqual(['1.top', '2.top', '3.top', '4.top']);
  });

  test('a restart mends what is lost', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    list.push(['b.top']);
    await feed.update();
    await feed.close();
    rmSync(join(folder, feed.manifest!.deltas[0]!.url));
    writeFileSync(join(folder, 'manifest.json'), 'half');
    const again = publication();
    await again.update();
    expect(again.manifest).toMatchObject({ version: 2, deltas: [], snapshot: { version: 2 } });
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toContain('"version": 2');
    expect(await namesFrom(opened(again.signed))).toEqual(['a.top', 'b.top']);
  });

  test('a new key signs what is there, which is a record', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    await feed.close();
    const before = key.publicKey.id;
    key = await newKey();
    const again = publication();
    await again.update();
    expect(opened(again.signed).manifest.version).toBe(1);
    const same = publication();
    await same.update();
    const record = { kind: 'feedKey', list: 'desk' };
    expect(list.records).toEqual([
      { ...record, data: { key: before, before: null } },
      { ...record, data: { key: key.publicKey.id, before } },
    ]);
  });

  test('is signed anew before it expires', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    const first = feed.manifest!;
    await feed.update();
    expect(feed.manifest).toBe(first);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + LIFETIME_MS / 2 + 1000 });
    await feed.update();
    expect(feed.manifest).toMatchObject({ version: 1, contentSha256: first.contentSha256 });
    expect(feed.manifest!.expiresMs).toBeGreaterThan(first.expiresMs);
  });

  test('is signed anew when the clock has been set back behind it', async () => {
    list.push(['a.top']);
    const feed = publication();
    await feed.update();
    const nowMs = feed.manifest!.createdMs - 3_600_000;
    vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
    await feed.update();
    expect(feed.manifest).toMatchObject({ version: 1, createdMs: nowMs });
  });

  test('a snapshot is made when a hundred deltas lie behind the last, and old files go', async () => {
    list.push(['first.top']);
    const feed = publication();
    await feed.update();
    for (let at = 0; at < 160; at += 1) {
      list.push([`${at}.top`]);
      await feed.update();
    }
    await feed.close();
    expect(feed.manifest!.snapshot.version).toBeGreaterThan(100);
    expect(await namesFrom(opened(feed.signed))).toHaveLength(161);
    list.push(['last.top']);
    const again = publication();
    await again.update();
    expect(readdirSync(join(folder, 'files')).length).toBeLessThanOrEqual(again.manifest!.deltas.length + 3);
    expect(await namesFrom(opened(again.signed))).toHaveLength(162);
  });

  test('a ledger that is behind what was published is said, and nothing older is served', async () => {
    list.push(['a.top']);
    list.push(['b.top']);
    const feed = publication();
    await feed.update();
    await feed.close();
    list = new PushList();
    list.push(['a.top']);
    const again = publication();
    await again.update();
    expect(again.manifest?.version).toBe(2);
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({ error: expect.stringMatching(/old backup/) as string }),
      expect.anything(),
    );
  });
});

function newPublisher(publish: readonly string[], waitSecondsMax = 600): FeedPublisher {
  const feeds = { publish, secretKey: join(folder, 'feed.key'), passwordFile: '', waitSecondsMax };
  const config = { feeds, stateDirectory: folder };
  return new FeedPublisher({ config, ledger: list, log, exportList: list.exportList });
}

describe('a publisher', () => {
  let publisher: FeedPublisher;
  beforeEach(async () => {
    const { secretKeyFile } = await generateKey(undefined);
    writeFileSync(join(folder, 'feed.key'), secretKeyFile);
    publisher = newPublisher(['desk']);
    await publisher.start();
  });
  afterEach(() => publisher.close());

  const never = new AbortController().signal;

  test('wakes who waits when the change is signed', async () => {
    const waiting = publisher.manifest('desk', 0, 600, never);
    list.push(['a.top']);
    await publisher.changed('desk');
    expect(await waiting).toMatchObject({ kind: 'manifest', version: 1 });
    expect(publisher.waiting).toBe(0);
  });

  test('does not let wait who is behind', async () => {
    list.push(['a.top']);
    await publisher.changed('desk');
    expect(await publisher.manifest('desk', 0, 600, never)).toMatchObject({ kind: 'manifest', version: 1 });
  });

  test('forgets who has gone', async () => {
    const gone = new AbortController();
    const waiting = publisher.manifest('desk', 0, 600, gone.signal);
    expect(publisher.waiting).toBe(1);
    gone.abort();
    expect(await waiting).toEqual({ kind: 'nothingYet' });
    expect(publisher.waiting).toBe(0);
  });

  test('lets so many wait and answers the others at once', async () => {
    const all = Array.from({ length: WAITERS_MAX }, () => publisher.manifest('desk', 0, 600, never));
    expect(await publisher.manifest('desk', 0, 600, never)).toEqual({ kind: 'nothingYet' });
    expect(publisher.waiting).toBe(WAITERS_MAX);
    await publisher.close();
    expect(await Promise.all(all)).toHaveLength(WAITERS_MAX);
  });

  test('serves only what a manifest names', async () => {
    list.push(['a.top']);
    await publisher.changed('desk');
    const name = readdirSync(join(folder, 'feeds/desk/files'))[0]!;
    const stream = publisher.file('desk', name);
    expect(stream).toBeDefined();
    stream?.on('error', () => undefined).destroy();
    for (const other of ['..', '../manifest.json', `../../../${name}`, 'x', '', `./${name}`]) {
      expect(publisher.file('desk', other)).toBeUndefined();
    }
    expect(publisher.file('other', name)).toBeUndefined();
    expect(await publisher.manifest('other', 0, 0, never)).toEqual({ kind: 'unknown' });
  });

  test('without a readable key publishes nothing and says so', async () => {
    writeFileSync(join(folder, 'feed.key'), 'no key');
    const other = newPublisher(['desk']);
    await other.start();
    expect(log.error).toHaveBeenCalledWith({}, expect.stringMatching(/secretKey: .*nothing is published/));
    expect(await other.manifest('desk', 0, 0, never)).toEqual({ kind: 'nothingYet' });
  });
});
