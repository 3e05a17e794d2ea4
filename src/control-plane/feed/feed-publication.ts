/**
 * One push list as a signed feed, in a folder below the state directory: the newest version is signed as soon as it is in
 * force here, as a delta on the one before; a snapshot is made in the background when the deltas have outgrown the last.
 * A restart goes on with the version and the chain that the folder has. Version numbers are those of the list.
 */
import { join } from 'node:path';
import { wallClockMs } from '../../clock.ts';
import { FEED_ACTOR } from '../ledger/hold-rows.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { RetryTimer } from '../list-sync/retry-timer.ts';
import type { SyncLog } from '../list-sync/sync-log.ts';
import type { AcceptedManifest } from './feed-check.ts';
import { writeFeedFile, type WrittenFile } from './feed-file-writer.ts';
import { verifyFile } from './feed-files.ts';
import { publishManifest, pruneFeedFolder, readFeedFolder } from './feed-folder.ts';
import { deltaLinesOf } from './ledger-entries.ts';
import type { LedgerExport } from './ledger-export.ts';
import type { Manifest } from './manifest.ts';
import type { MinisignSecretKey } from './minisign-secret-key.ts';
import { nextManifest, rebasedManifest, renewedManifest } from './next-manifest.ts';

/** From a signature to the end of what it signs; signed anew at half of it. */
export const LIFETIME_MS = 7 * 86_400_000;
const RENEWAL_LOOK_MS = 3_600_000;
/** Deltas that a manifest names; who is further behind takes the snapshot. */
export const DELTAS_KEPT = 150;
/** A new snapshot is made when so many deltas lie behind the last, or so many bytes, as a share of it. */
const DELTAS_BEHIND_SNAPSHOT_MAX = 100;
const DELTA_BYTES_SHARE_MAX = 0.5;
const DELTA_BYTES_MIN = 256 * 1024;

export interface PublicationServices {
  readonly ledger: Pick<Ledger, 'deltaSince' | 'record'>;
  readonly key: MinisignSecretKey;
  readonly exportList: (list: string, version?: number) => LedgerExport;
  readonly log: SyncLog;
  /** A manifest was published. */
  readonly onPublished: () => void;
}

export class FeedPublication {
  readonly #list: string;
  readonly #folder: string;
  readonly #services: PublicationServices;
  readonly #retry: RetryTimer;
  readonly #renewal: NodeJS.Timeout;
  #current: AcceptedManifest | undefined;
  #signed: Uint8Array | undefined;
  #beforeCurrent: Manifest | undefined;
  /** The key that signed last. */
  #signer: string | undefined;
  #isOpen = false;
  #isWanted = false;
  #working: Promise<void> | undefined;
  #snapshotting: Promise<void> | undefined;
  /** Written, and named by no manifest yet. */
  #fresh: { readonly version: number; readonly file: WrittenFile } | undefined;
  #closed = false;

  constructor(list: string, folder: string, services: PublicationServices) {
    this.#list = list;
    this.#folder = folder;
    this.#services = services;
    this.#retry = new RetryTimer(() => void this.update());
    this.#renewal = setInterval(() => void this.update(), RENEWAL_LOOK_MS);
    this.#renewal.unref();
  }

  get folder(): string {
    return this.#folder;
  }

  /** Undefined: nothing is published yet. */
  get manifest(): Manifest | undefined {
    return this.#current?.manifest;
  }

  get signed(): Uint8Array | undefined {
    return this.#signed;
  }

  /** Publishes what is newest; calls meanwhile lead to one more look. Resolves when it is done. Errors: none, logged. */
  update(): Promise<void> {
    this.#isWanted = true;
    this.#working ??= this.#work();
    return this.#working;
  }

  /** Whether a file is one that a manifest names, now or just before. */
  has(url: string): boolean {
    return [this.#current?.manifest, this.#beforeCurrent].some(
      (manifest) => manifest !== undefined && [manifest.snapshot, ...manifest.deltas].some((file) => file.url === url),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry.reset();
    clearInterval(this.#renewal);
    await this.#snapshotting;
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#isWanted && !this.#closed) {
      this.#isWanted = false;
      try {
        if (!this.#isOpen) await this.#open();
        await this.#takeFreshSnapshot();
        await this.#publishNewest();
        this.#retry.reset();
      } catch (error) {
        if (!this.#closed) this.#failed(error);
      }
    }
    this.#working = undefined;
  }

  #failed(error: unknown): void {
    const { log } = this.#services;
    log.error(
      { list: this.#list, error: String(error) },
      'a version of a feed could not be published; tried again soon',
    );
    this.#retry.later();
  }

  async #open(): Promise<void> {
    const state = await readFeedFolder(this.#folder, undefined);
    if (state.kind === 'unusable') throw new Error(state.message);
    if (state.kind === 'accepted' && state.manifest.list === this.#list) {
      this.#current = state;
      this.#signer = state.keyId;
      // Why signed again: the key may be another than before, and half of the documents may have been replaced.
      await this.#publish(renewedManifest(await this.#mended(state.manifest), wallClockMs(), LIFETIME_MS));
    }
    this.#isOpen = true;
  }

  /** Where a file that the manifest names is lost: over a snapshot made again, without the deltas. */
  async #mended(manifest: Manifest): Promise<Manifest> {
    for (const file of [manifest.snapshot, ...manifest.deltas]) {
      const lost = await verifyFile(join(this.#folder, file.url), file);
      if (lost === undefined) continue;
      const { version } = manifest;
      return rebasedManifest({ ...manifest, deltas: [] }, (await this.#writeSnapshot(version)).file, version);
    }
    return manifest;
  }

  async #publishNewest(): Promise<void> {
    const before = this.#current;
    const known = before?.manifest.version ?? 0;
    const delta = await this.#services.ledger.deltaSince(this.#list, known);
    if (delta !== undefined && delta.toVersion <= known) {
      if (before !== undefined) await this.#renewIfDue(before.manifest);
      return;
    }
    if (before === undefined || delta?.names === undefined) {
      await this.#publishSnapshot(before);
      return;
    }
    const { toVersion: version, entryCount } = delta;
    const file = await writeFeedFile(this.#folder, `delta-${known}-${version}`, deltaLinesOf(delta.names));
    await this.#publish(
      nextManifest(before, { ...this.#release(version, entryCount), delta: file, snapshot: undefined }),
    );
    if (this.#isSnapshotDue()) this.#snapshotting ??= this.#makeSnapshot();
  }

  /** Where no delta leads to the newest version: the first, and after a bulk change. */
  async #publishSnapshot(before: AcceptedManifest | undefined): Promise<void> {
    const { version, file } = await this.#writeSnapshot(undefined);
    const known = before?.manifest.version ?? 0;
    if (version === 0 || version === known) return;
    if (version < known) {
      throw new Error(`the ledger is at version ${version}, and ${known} was published: is it an old backup?`);
    }
    await this.#publish(
      nextManifest(before, { ...this.#release(version, file.lines), snapshot: file, delta: undefined }),
    );
  }

  async #renewIfDue(manifest: Manifest): Promise<void> {
    const nowMs = wallClockMs();
    // Why also made in the future: the clock has been set back, and nobody believes such a one.
    if (manifest.createdMs <= nowMs && manifest.expiresMs - nowMs > LIFETIME_MS / 2) return;
    await this.#publish(renewedManifest(manifest, nowMs, LIFETIME_MS));
  }

  #isSnapshotDue(): boolean {
    const manifest = this.#current?.manifest;
    if (manifest === undefined) return false;
    const behind = manifest.deltas.filter(({ from }) => from >= manifest.snapshot.version);
    const bytes = behind.reduce((total, file) => total + file.bytes, 0);
    const bytesMax = Math.max(DELTA_BYTES_MIN, manifest.snapshot.bytes * DELTA_BYTES_SHARE_MAX);
    return behind.length > DELTAS_BEHIND_SNAPSHOT_MAX || bytes > bytesMax;
  }

  /** In the background: versions are published meanwhile; the next turn puts it under the newest. */
  async #makeSnapshot(): Promise<void> {
    try {
      this.#fresh = await this.#writeSnapshot(this.#current?.manifest.version ?? 0);
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    } finally {
      this.#snapshotting = undefined;
    }
    if (!this.#closed) void this.update();
  }

  async #takeFreshSnapshot(): Promise<void> {
    const fresh = this.#fresh;
    const manifest = this.#current?.manifest;
    this.#fresh = undefined;
    if (fresh === undefined || manifest === undefined) return;
    const { version, file } = fresh;
    const isReachable = manifest.version === version || manifest.deltas.some(({ from }) => from === version);
    if (!isReachable) return;
    await this.#publish(renewedManifest(rebasedManifest(manifest, file, version), wallClockMs(), LIFETIME_MS));
  }

  async #writeSnapshot(version: number | undefined): Promise<{ version: number; file: WrittenFile }> {
    const content = this.#services.exportList(this.#list, version);
    try {
      const file = await writeFeedFile(this.#folder, `snapshot-${content.version}`, content.lines);
      return { version: content.version, file };
    } finally {
      content.close();
    }
  }

  #release(version: number, entryCount: number) {
    const nowMs = wallClockMs();
    return { list: this.#list, version, entryCount, nowMs, lifetimeMs: LIFETIME_MS, deltasMax: DELTAS_KEPT };
  }

  async #publish(manifest: Manifest): Promise<void> {
    const { key, ledger, log, onPublished } = this.#services;
    if (this.#signer !== key.publicKey.id) {
      const data = { key: key.publicKey.id, before: this.#signer ?? null };
      await ledger.record(FEED_ACTOR, 'feedKey', this.#list, data);
      this.#signer = key.publicKey.id;
    }
    const { sha256, signed } = await publishManifest(this.#folder, manifest, key);
    const before = this.#current?.manifest;
    if (before?.version !== manifest.version)
      log.info({ list: this.#list, version: manifest.version }, 'a feed has a new version');
    this.#beforeCurrent = before;
    this.#current = { kind: 'accepted', manifest, sha256, keyId: key.publicKey.id };
    this.#signed = signed;
    onPublished();
    // Why not while a snapshot is written: nothing names it yet.
    if (this.#snapshotting === undefined && this.#fresh === undefined) {
      await pruneFeedFolder(this.#folder, before === undefined ? [manifest] : [manifest, before]);
    }
  }
}
