/**
 * Where a list's segment is: a small one in memory, a large one in a file of the state directory, where it is written
 * while the list is parsed and read piece by piece whenever an index is built. So that neither at rest nor during a
 * reload a large list is in memory twice. Where the directory takes nothing, a large one is in memory as well.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  ENTRY_BYTES_MAX,
  SPILL_BYTES,
  readSegment,
  readSegmentPieces,
  type SegmentSpill,
  type SegmentVisitor,
  type SegmentWriter,
} from './list-segment.ts';
import {
  SEGMENT_MAGIC,
  SEGMENT_TAIL_BYTES,
  decodeTrailer,
  isSegmentMagic,
  trailerBytes,
  type Damaged,
  type SegmentTrailer,
} from './list-segment-file.ts';

export interface SegmentInMemory {
  readonly kind: 'memory';
  readonly payload: Uint8Array;
}

export interface SegmentOnDisk {
  readonly kind: 'disk';
  /** Where it was written; later, as the last good copy, at `copyPath`. */
  readonly path: string;
  readonly copyPath: string;
  readonly payloadBytes: number;
  /** Hexadecimal: a file that is not this segment (any more) is known by it. */
  readonly payloadSha256: string;
}

/** Plain data: crosses threads. */
export type SegmentData = SegmentInMemory | SegmentOnDisk;

/** The segment is not where it was, or damaged: its list has to be read again. */
export class SegmentLost extends Error {}

/** Shows every entry to a visitor. Errors: SegmentLost, perhaps after all entries have been seen. */
export function readSegmentData(data: SegmentData, visit: SegmentVisitor): number {
  if (data.kind === 'memory') return readSegment(data.payload, visit);
  const file = openEither(data);
  try {
    const hash = createHash('sha256');
    let left = data.payloadBytes;
    let position = SEGMENT_MAGIC.length;
    let isStopped = false;
    const count = readSegmentPieces(
      (into) => {
        const bytes = readSync(file, into, 0, Math.min(into.length, left), position);
        hash.update(into.subarray(0, bytes));
        position += bytes;
        left -= bytes;
        return bytes;
      },
      (entry) => {
        const goesOn = visit(entry);
        isStopped = goesOn === false;
        return goesOn;
      },
    );
    if (!isStopped && (count < 0 || hash.digest('hex') !== data.payloadSha256)) {
      throw new SegmentLost(`${data.copyPath} is not the segment that was written`);
    }
    return count;
  } catch (error) {
    throw error instanceof SegmentLost ? error : new SegmentLost(`${data.copyPath}: ${String(error)}`);
  } finally {
    closeSync(file);
  }
}

/** Octets of the payload from an offset, enough for one entry where there are so many. Errors: SegmentLost. */
export function readSegmentPart(data: SegmentData, offset: number): Uint8Array {
  if (data.kind === 'memory') return data.payload.subarray(offset, offset + ENTRY_BYTES_MAX);
  const file = openEither(data);
  try {
    return readAt(file, Math.min(ENTRY_BYTES_MAX, data.payloadBytes - offset), SEGMENT_MAGIC.length + offset);
  } catch (error) {
    throw new SegmentLost(`${data.copyPath}: ${String(error)}`);
  } finally {
    closeSync(file);
  }
}

/** Whether two segments say the same, wherever they lie. */
export function isSameSegment(a: SegmentData, b: SegmentData): boolean {
  if (a.kind === 'memory' && b.kind === 'memory') return Buffer.compare(a.payload, b.payload) === 0;
  return bytesOf(a) === bytesOf(b) && sha256Of(a) === sha256Of(b);
}

function bytesOf(data: SegmentData): number {
  return data.kind === 'memory' ? data.payload.length : data.payloadBytes;
}

function sha256Of(data: SegmentData): string {
  return data.kind === 'memory' ? createHash('sha256').update(data.payload).digest('hex') : data.payloadSha256;
}

function openEither(data: SegmentOnDisk): number {
  for (const path of [data.path, data.copyPath]) {
    try {
      return openSync(path, 'r');
    } catch {
      // The other one, then.
    }
  }
  throw new SegmentLost(`${data.copyPath} cannot be opened`);
}

/** A last good copy's header and length; its payload is checked when it is read. */
export function readTrailer(path: string): SegmentTrailer | Damaged | { readonly kind: 'none' } {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return { kind: 'none' };
  }
  try {
    const { size } = fstatSync(file);
    if (size < SEGMENT_MAGIC.length + SEGMENT_TAIL_BYTES) return { kind: 'damaged', message: 'it is too short' };
    if (!isSegmentMagic(readAt(file, SEGMENT_MAGIC.length, 0)))
      return { kind: 'damaged', message: 'it is no list segment of this version' };
    const bytes = trailerBytes(readAt(file, SEGMENT_TAIL_BYTES, size - SEGMENT_TAIL_BYTES), size);
    return typeof bytes === 'number' ? decodeTrailer(readAt(file, bytes, size - bytes)) : bytes;
  } catch (error) {
    return { kind: 'damaged', message: `it cannot be read (${String(error)})` };
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, bytes: number, position: number): Uint8Array {
  const buffer = new Uint8Array(bytes);
  return buffer.subarray(0, readSync(file, buffer, 0, bytes, position));
}

/** The file that a writer's pieces go to. Errors: none; a disk that takes nothing gives back what it has. */
export class SegmentFileSpill implements SegmentSpill {
  readonly #path: string;
  readonly #copyPath: string;
  readonly #hash = createHash('sha256');
  #file: number | undefined;
  #bytes = 0;

  constructor(path: string, copyPath: string) {
    this.#path = path;
    this.#copyPath = copyPath;
  }

  write(bytes: Uint8Array): boolean {
    try {
      if (this.#file === undefined) {
        mkdirSync(dirname(this.#path), { recursive: true });
        this.#file = openSync(this.#path, 'wx+', 0o640);
        writeAll(this.#file, SEGMENT_MAGIC, 0);
      }
      writeAll(this.#file, bytes, SEGMENT_MAGIC.length + this.#bytes);
    } catch {
      return false;
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    return true;
  }

  takeBack(): Uint8Array {
    const taken = this.#file === undefined ? new Uint8Array(0) : readAt(this.#file, this.#bytes, SEGMENT_MAGIC.length);
    const isWhole = taken.length === this.#bytes;
    this.discard();
    if (!isWhole) throw new SegmentLost(`${this.#path} does not give back what was written`);
    return taken;
  }

  /** The whole segment: on disk, where the writer has outgrown its buffer. */
  finish(writer: SegmentWriter): SegmentData {
    if (this.#file === undefined) return { kind: 'memory', payload: writer.payload() };
    if (!this.write(writer.payload())) {
      const before = this.takeBack();
      return { kind: 'memory', payload: Buffer.concat([before, writer.payload()]) };
    }
    closeSync(this.#file);
    this.#file = undefined;
    return {
      kind: 'disk',
      path: this.#path,
      copyPath: this.#copyPath,
      payloadBytes: this.#bytes,
      payloadSha256: this.#hash.digest('hex'),
    };
  }

  discard(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#path, { force: true });
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, SPILL_BYTES), position + done);
}
