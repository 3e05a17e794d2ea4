/**
 * The bytes of a list source: a file or a stream, gzip or zstd by their magic numbers, hashed as given, bounded on both
 * sides of the decompressor. Ends a read by throwing ListRefusal, which read-list-file.ts turns into a value.
 */
import { createHash, type Hash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ListRefusal } from './list-refusal.ts';
import { printable } from './read-report.ts';

const CHUNK_BYTES = 256 * 1024;

const OTHER_COMPRESSIONS: readonly (readonly [string, readonly number[]])[] = [
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf]],
];

export interface ListBytesLimits {
  readonly bytesMax: number;
  readonly decompressedBytesMax: number;
}

export class ListBytes {
  bytes = 0;
  compression: 'none' | 'gzip' | 'zstd' = 'none';
  readonly #source: string | AsyncIterable<Uint8Array>;
  readonly #limits: ListBytesLimits;
  readonly #hash: Hash = createHash('sha256');
  /** Whoever asks for the next piece has no more use for the last one. */
  #isPassedOn = false;

  constructor(source: string | AsyncIterable<Uint8Array>, limits: ListBytesLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Of everything read so far. Call once, at the end. */
  sha256(): string {
    return this.#hash.digest('hex');
  }

  /** The decompressed bytes. Errors: ListRefusal. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const raw = this.#raw();
    const head: Uint8Array[] = [];
    let headBytes = 0;
    while (headBytes < 4) {
      const next = await raw.next();
      if (next.done === true) break;
      head.push(next.value);
      headBytes += next.value.length;
    }
    const whole = rejoin(head, raw);
    const first = Buffer.concat(head);
    const decompressor = this.#decompressor(first);
    if (decompressor === undefined) {
      this.#isPassedOn = true;
      yield* whole;
      return;
    }
    yield* this.#decompressed(whole, decompressor);
  }

  #decompressor(first: Uint8Array): Transform | undefined {
    if (startsWith(first, [0x1f, 0x8b])) {
      this.compression = 'gzip';
      return createGunzip({ chunkSize: CHUNK_BYTES });
    }
    if (startsWith(first, [0x28, 0xb5, 0x2f, 0xfd])) {
      this.compression = 'zstd';
      return createZstdDecompress({ chunkSize: CHUNK_BYTES });
    }
    const other = OTHER_COMPRESSIONS.find(([, magic]) => startsWith(first, magic));
    if (other === undefined) return undefined;
    throw new ListRefusal('unsupportedCompression', `it is compressed with ${other[0]}; gzip and zstd are read`);
  }

  async *#decompressed(source: AsyncIterable<Uint8Array>, decompressor: Transform): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES });
    pipeline(input, decompressor, () => {});
    try {
      for await (const chunk of decompressor as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > this.#limits.decompressedBytesMax) {
          throw new ListRefusal('tooLarge', `decompressed it is over ${this.#limits.decompressedBytesMax} bytes`);
        }
        yield chunk;
      }
    } catch (error) {
      throw decompressionRefusal(error, this.compression);
    } finally {
      input.destroy();
    }
  }

  async *#raw(): AsyncGenerator<Uint8Array> {
    const source = typeof this.#source === 'string' ? filePieces(this.#source, () => this.#isPassedOn) : this.#source;
    try {
      for await (const chunk of source) {
        this.bytes += chunk.length;
        if (this.bytes > this.#limits.bytesMax) {
          throw new ListRefusal('tooLarge', `it is over ${this.#limits.bytesMax} bytes`);
        }
        this.#hash.update(chunk);
        yield chunk;
      }
    } catch (error) {
      throw error instanceof ListRefusal ? error : new ListRefusal('unreadable', reasonOf(error));
    }
  }
}

/**
 * @param isPassedOn whether the memory of a piece is free again when the next one is asked for
 * Why not a stream: its pieces are garbage that lies outside of the heap, so that tens of megabytes gather before V8 looks.
 */
async function* filePieces(path: string, isPassedOn: () => boolean): AsyncGenerator<Uint8Array> {
  const file = await openFile(path);
  try {
    let piece = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
      if (!isPassedOn()) piece = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Why before: opening a FIFO would wait for a writer for ever.
    const isFile = (await stat(path)).isFile();
    if (!isFile) throw new ListRefusal('unreadable', 'it is not a regular file');
    return await open(path, 'r');
  } catch (error) {
    throw error instanceof ListRefusal ? error : new ListRefusal('unreadable', reasonOf(error));
  }
}

function decompressionRefusal(error: unknown, compression: string): ListRefusal {
  if (error instanceof ListRefusal) return error;
  const reason = reasonOf(error);
  return /unexpected end|premature|buf_error|truncated/i.test(reason)
    ? new ListRefusal('truncated', `its ${compression} data ends in the middle: the download or copy was cut short`)
    : new ListRefusal('corrupt', `its ${compression} data is damaged (${printable(reason)})`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  return code === undefined ? error.message : `${error.message} (${code})`;
}

async function* rejoin(head: readonly Uint8Array[], rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* rest;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
