/**
 * A file of a feed on the disk, verified before anything of it is decompressed: its length and its SHA-256 are those that
 * the signed manifest names, then its lines are read.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../list-sync/error-code.ts';
import { DECOMPRESSED_BYTES_MAX } from '../list-sync/format/read-list-file.ts';
import { refuseFeed, type FeedRefusal } from './feed-check.ts';
import { readFeedLines, type FeedFileKind, type FeedLinesRead, type FeedOperation } from './feed-lines.ts';
import type { FeedFile } from './manifest.ts';

export interface FileLimits {
  /** Compressed. */
  readonly bytesMax: number;
  readonly decompressedBytesMax: number;
}

/** For one's own feeds, where the configuration names no bytesMax. */
export const OWN_LIMITS: FileLimits = {
  bytesMax: DECOMPRESSED_BYTES_MAX,
  decompressedBytesMax: 4 * DECOMPRESSED_BYTES_MAX,
};

export async function readFeedFile(
  folder: string,
  file: FeedFile,
  kind: FeedFileKind,
  onBatch: (operations: readonly FeedOperation[]) => Promise<void> | void,
  limits: FileLimits = OWN_LIMITS,
): Promise<FeedLinesRead | FeedRefusal> {
  const path = join(folder, file.url);
  const refusal = await verifyFile(path, file);
  return refusal ?? readFeedLines(path, kind, limits, onBatch);
}

/** Undefined: it is the file that the manifest names. */
export async function verifyFile(path: string, { bytes, sha256 }: FeedFile): Promise<FeedRefusal | undefined> {
  try {
    const { size } = await stat(path);
    if (size !== bytes) return refuseFeed('feedHash', `it has ${size} bytes, and the manifest says ${bytes}`);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk);
    if (hash.digest('hex') === sha256) return undefined;
    return refuseFeed('feedHash', 'its SHA-256 is not the one in the manifest');
  } catch (error) {
    return refuseFeed('feedHash', `it cannot be read (${errorCode(error)})`);
  }
}
