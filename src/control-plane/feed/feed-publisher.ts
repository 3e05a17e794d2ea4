/**
 * A node's push lists as signed feeds: which list is published where, and the requests that wait for a new version. Runs
 * in the control thread; the routes are admin/feed-routes.ts. Waiting is bounded in number and in time.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SyncLog } from '../list-sync/sync-log.ts';
import { FILES_FOLDER } from './feed-file-writer.ts';
import { FEEDS_FOLDER } from './feed-follower.ts';
import { FeedPublication, type PublicationServices } from './feed-publication.ts';
import { exportFromLedger } from './ledger-export.ts';
import { openSecretKey } from './secret-key-file.ts';

/** Requests that wait at a time; the others are answered at once. Below CONNECTIONS_MAX of the listener. */
export const WAITERS_MAX = 400;

export interface FeedPublisherOptions {
  readonly config: Pick<Config, 'feeds' | 'stateDirectory'>;
  readonly ledger: Pick<Ledger, 'deltaSince' | 'record'>;
  readonly log: SyncLog;
  /** For tests. */
  readonly exportList?: PublicationServices['exportList'];
}

export type PublishedManifest =
  | { readonly kind: 'manifest'; readonly version: number; readonly signed: Uint8Array }
  /** The list has never had an entry, or the first version is being made. */
  | { readonly kind: 'nothingYet' }
  | { readonly kind: 'unknown' };

interface Waiter {
  readonly list: string;
  readonly after: number;
  readonly done: () => void;
}

export class FeedPublisher {
  readonly #options: FeedPublisherOptions;
  readonly #publications = new Map<string, FeedPublication>();
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(options: FeedPublisherOptions) {
    this.#options = options;
  }

  get waitSecondsMax(): number {
    return this.#options.config.feeds.waitSecondsMax;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Resolves when what the ledger has is published. Errors: none; without a readable key nothing is, which is logged. */
  async start(): Promise<void> {
    const { config, ledger, log } = this.#options;
    const exportList =
      this.#options.exportList ?? ((name, version) => exportFromLedger(config.stateDirectory, name, version));
    const { publish, secretKey, passwordFile } = config.feeds;
    if (publish.length === 0) return;
    const key = await openSecretKey(secretKey, passwordFile === '' ? undefined : passwordFile);
    if (this.#closed) return;
    if (key.kind === 'bad') {
      log.error({}, `feeds.secretKey: ${key.message}; nothing is published`);
      return;
    }
    for (const list of publish) {
      const folder = join(config.stateDirectory, FEEDS_FOLDER, list);
      const publication = new FeedPublication(list, folder, {
        ledger,
        key: key.value,
        exportList,
        log,
        onPublished: () => this.#wake(list),
      });
      this.#publications.set(list, publication);
    }
    await Promise.all([...this.#publications.values()].map((publication) => publication.update()));
  }

  /** A change of the list is in force. Resolves when it is signed and announced. */
  async changed(list: string): Promise<void> {
    await this.#publications.get(list)?.update();
  }

  /** The newest manifest, signed. Waits for one after version `after` where there is none yet and room to wait. */
  async manifest(list: string, after: number, waitSeconds: number, signal: AbortSignal): Promise<PublishedManifest> {
    const publication = this.#publications.get(list);
    if (publication === undefined) {
      return this.#options.config.feeds.publish.includes(list) ? { kind: 'nothingYet' } : { kind: 'unknown' };
    }
    const isNew = (): boolean => (publication.manifest?.version ?? 0) > after;
    const seconds = Math.min(waitSeconds, this.waitSecondsMax);
    if (!isNew() && seconds > 0 && this.#waiters.size < WAITERS_MAX && !this.#closed) {
      await this.#wait(list, after, seconds * 1000, signal);
    }
    const { manifest, signed } = publication;
    if (manifest === undefined || signed === undefined) return { kind: 'nothingYet' };
    return { kind: 'manifest', version: manifest.version, signed };
  }

  /** One of the two documents of the pair. Undefined: there is none. */
  async document(list: string, name: string): Promise<Uint8Array | undefined> {
    const publication = this.#publications.get(list);
    if (publication?.manifest === undefined) return undefined;
    return readFile(join(publication.folder, name)).catch(() => undefined);
  }

  /** A file that the manifest names, or the one before named. Undefined: it names none such. */
  file(list: string, name: string): ReadStream | undefined {
    const publication = this.#publications.get(list);
    const url = `${FILES_FOLDER}/${name}`;
    // Why no look at the path itself: only what a manifest names is opened.
    if (publication?.has(url) !== true) return undefined;
    return createReadStream(join(publication.folder, url));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { done } of this.#waiters) done();
    await Promise.all([...this.#publications.values()].map((publication) => publication.close()));
  }

  #wake(list: string): void {
    const version = this.#publications.get(list)?.manifest?.version ?? 0;
    for (const waiter of this.#waiters) if (waiter.list === list && waiter.after < version) waiter.done();
  }

  async #wait(list: string, after: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { list, after, done: resolve };
    const timer = setTimeout(resolve, ms);
    const abort = (): void => resolve();
    signal.addEventListener('abort', abort, { once: true });
    this.#waiters.add(waiter);
    await promise;
    this.#waiters.delete(waiter);
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
