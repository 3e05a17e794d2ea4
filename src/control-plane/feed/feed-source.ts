/**
 * A feed as a follower, or `weir feed verify`, gets at it: the signed manifest, whichever way the server has it, and files,
 * downloaded into a folder and verified there. Nothing is believed before its hash or its signature.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorCode } from '../list-sync/error-code.ts';
import type { SyncFailure } from '../list-sync/list-status.ts';
import type { Fetched, FeedFetch } from '../list-sync/sources/feed-fetch.ts';
import { refuseFeed } from './feed-check.ts';
import { verifyFile } from './feed-files.ts';
import { MANIFEST_BYTES_MAX, SIGNED_BYTES_MAX, type FeedFile } from './manifest.ts';
import { SIGNATURE_TEXT_MAX } from './minisign.ts';
import { MANIFEST_NAME, parseSigned, SIGNATURE_NAME, SIGNED_NAME, type SignedManifest } from './signed-manifest.ts';

export interface FeedFailure {
  readonly kind: 'failed';
  readonly failure: SyncFailure;
  readonly retryAfterMs: number;
  /** The server has no such file: what else leads there may be tried. */
  readonly isMissing?: true;
}

export interface WaitFor {
  /** A version after this one. */
  readonly after: number;
  readonly seconds: number;
}

export type ManifestFetched =
  | {
      readonly kind: 'manifest';
      readonly signed: SignedManifest;
      /** Longest wait that the server offers; 0: it does not wait. */
      readonly waitSecondsMax: number;
      /** From two documents, of which one may have been newer. */
      readonly isPair: boolean;
    }
  /** The feed has no version yet; the server says when it has. */
  | { readonly kind: 'nothingYet'; readonly waitSecondsMax: number }
  | FeedFailure;

export class FeedSource {
  readonly #fetch: FeedFetch;
  readonly #folder: string;

  /** @param folder for downloads; made when it is needed */
  constructor(fetch: FeedFetch, folder: string) {
    this.#fetch = fetch;
    this.#folder = folder;
  }

  async manifest(wait: WaitFor | undefined): Promise<ManifestFetched> {
    const signed = await this.#document(SIGNED_NAME, SIGNED_BYTES_MAX, wait);
    if (signed.kind === 'failed') return signed;
    if (signed.kind === 'missing') {
      const { waitSecondsMax } = signed;
      return waitSecondsMax > 0 ? { kind: 'nothingYet', waitSecondsMax } : this.#pair();
    }
    const parsed = parseSigned(signed.bytes);
    if (parsed.kind === 'bad')
      return failedFeed({ reason: 'feedFormat', message: `${SIGNED_NAME}: ${parsed.message}` });
    return { kind: 'manifest', signed: parsed.value, waitSecondsMax: signed.waitSecondsMax, isPair: false };
  }

  /** Downloads a file unless it is there already. Returns its path. */
  async download(file: FeedFile, bytesMax: number): Promise<string | FeedFailure> {
    const path = join(this.#folder, basename(file.url));
    if (file.bytes > bytesMax) {
      return failedFeed({
        reason: 'tooLarge',
        message: `${file.url} has ${file.bytes} bytes; bytesMax is ${bytesMax}`,
      });
    }
    if ((await verifyFile(path, file)) === undefined) return path;
    try {
      return (await this.#downloadTo(path, file)) ?? path;
    } catch (error) {
      return failedFeed({ reason: 'store', message: `${path} cannot be written (${errorCode(error)})` });
    }
  }

  async discardDownloads(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }

  close(): void {
    this.#fetch.close();
  }

  async #downloadTo(path: string, file: FeedFile): Promise<FeedFailure | undefined> {
    await mkdir(this.#folder, { recursive: true });
    const handle = await open(path, 'w', 0o600);
    const hash = createHash('sha256');
    let fetched: Fetched;
    let diskError: unknown;
    try {
      fetched = await this.#fetch.fetch({
        path: file.url,
        bytesMax: file.bytes,
        onChunk: async (chunk) => {
          hash.update(chunk);
          await handle.writeFile(chunk).catch((error: unknown) => {
            diskError = error;
            throw error;
          });
        },
      });
    } finally {
      await handle.close();
    }
    if (diskError !== undefined) throw diskError;
    if (fetched.kind === 'missing') return { ...failedFeed(fetched.failure), isMissing: true };
    if (fetched.kind === 'failed' && fetched.failure.reason !== 'tooLarge') return fetched;
    if (fetched.kind === 'fetched' && fetched.bytes === file.bytes && hash.digest('hex') === file.sha256)
      return undefined;
    await rm(path, { force: true });
    const { reason, message } = refuseFeed('feedHash', `${file.url} is not the file that the manifest names`);
    return failedFeed({ reason, message });
  }

  /** Of a server that has the two documents only. */
  async #pair(): Promise<ManifestFetched> {
    const signature = await this.#document(SIGNATURE_NAME, SIGNATURE_TEXT_MAX, undefined);
    if (signature.kind !== 'document') return failedFeed(signature.failure);
    const manifest = await this.#document(MANIFEST_NAME, MANIFEST_BYTES_MAX, undefined);
    if (manifest.kind !== 'document') return failedFeed(manifest.failure);
    const signatureText = Buffer.from(signature.bytes).toString('utf8');
    const signed = { signatureText, manifest: manifest.bytes };
    return { kind: 'manifest', signed, waitSecondsMax: 0, isPair: true };
  }

  async #document(path: string, bytesMax: number, wait: WaitFor | undefined) {
    const chunks: Uint8Array[] = [];
    const fetched = await this.#fetch.fetch({
      path,
      bytesMax,
      ...(wait === undefined
        ? {}
        : { waitMs: wait.seconds * 1000, query: { after: String(wait.after), wait: String(wait.seconds) } }),
      onChunk: (chunk) => void chunks.push(chunk),
    });
    if (fetched.kind !== 'fetched') return fetched;
    return { kind: 'document' as const, bytes: Buffer.concat(chunks), waitSecondsMax: fetched.waitSecondsMax };
  }
}

export function failedFeed(failure: SyncFailure): FeedFailure {
  return { kind: 'failed', failure, retryAfterMs: 0 };
}
