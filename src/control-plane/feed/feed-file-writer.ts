/**
 * Writes one file of a feed: lines through zstd into a temporary file, hashed on the way, synced, and renamed to a name
 * that says its version and the beginning of its hash: such a file never changes. Memory does not follow its size.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { FeedFile } from './manifest.ts';

/** Of a feed's folder: where its immutable files are. */
export const FILES_FOLDER = 'files';
const HASH_CHARS = 16;
const PIECE_CHARS = 64 * 1024;
const COMPRESSION_LEVEL = 6;

export interface WrittenFile extends FeedFile {
  /** Of the lines themselves. */
  readonly linesSha256: string;
  readonly lines: number;
}

/**
 * @param stem begin of the name: `snapshot-7`, `delta-6-7`
 * Errors: throws what the file system throws; a half-written file is removed.
 */
export async function writeFeedFile(
  folder: string,
  stem: string,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<WrittenFile> {
  const files = join(folder, FILES_FOLDER);
  await mkdir(files, { recursive: true });
  const temporary = join(files, `.${stem}.new`);
  const content = createHash('sha256');
  const compressed = createHash('sha256');
  const counts = { lines: 0, bytes: 0 };
  const hashing = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      compressed.update(chunk);
      counts.bytes += chunk.length;
      done(null, chunk);
    },
  });
  const compress = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  try {
    const pieces = Readable.from(piecesOf(lines, content, counts), { objectMode: false });
    await pipeline(pieces, new PassThrough(), compress, hashing, createWriteStream(temporary, { mode: 0o644 }));
    await syncFile(temporary);
    const sha256 = compressed.digest('hex');
    const name = `${stem}-${sha256.slice(0, HASH_CHARS)}.jsonl.zst`;
    await rename(temporary, join(files, name));
    const url = `${FILES_FOLDER}/${name}`;
    return { url, sha256, bytes: counts.bytes, linesSha256: content.digest('hex'), lines: counts.lines };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a file, or the entries of a folder, durable. */
export async function syncFile(path: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  const handle = await open(path, isFolder ? 'r' : 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* piecesOf(
  lines: Iterable<string> | AsyncIterable<string>,
  hash: ReturnType<typeof createHash>,
  counts: { lines: number },
): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += line;
    counts.lines += 1;
    if (text.length < PIECE_CHARS) continue;
    const piece = Buffer.from(text);
    hash.update(piece);
    text = '';
    yield piece;
  }
  const last = Buffer.from(text);
  hash.update(last);
  if (last.length > 0) yield last;
}
