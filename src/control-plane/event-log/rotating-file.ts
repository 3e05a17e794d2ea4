/**
 * A file of lines that is put aside when it is large or old, with as many kept as the configuration says. Synchronous,
 * for a thread that does nothing else. Why our own: the packages for it (rotating-file-stream, pino-roll) buffer without
 * a bound, and say nothing of lines lost to a full disk.
 *
 * What is written has been given to the kernel, not to the disk: synced when a file is put aside and at the end. A
 * failure (disk full, no permission) is an answer, not an exception; the next write tries again, with a new descriptor.
 * Put aside as NAME.2025-01-31T08-15-00.000Z, oldest removed first; none stays longer than all of them together would take
 * to fill by age, whether anything is written or not.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Only the operator's group may read what was blocked for whom. */
const FILE_MODE = 0o640;

export interface RotatingFileOptions {
  readonly file: string;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  /** Put aside. */
  readonly filesMax: number;
}

interface OpenFile {
  readonly descriptor: number;
  bytes: number;
  /** When its first line came. */
  bornAtMs: number;
}

export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #open: OpenFile | undefined;
  #lastAsideMs = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** Appends whole lines. The error of the system where it could not; then none of them is in the file. */
  append(lines: string, nowMs: number): NodeJS.ErrnoException | undefined {
    const bytes = Buffer.from(lines);
    try {
      this.#rotateIfDue(bytes.length, nowMs);
      const open = (this.#open ??= this.#openFile(nowMs));
      this.#writeAll(open, bytes);
      return undefined;
    } catch (error) {
      this.#closeQuietly();
      return error as NodeJS.ErrnoException;
    }
  }

  /** For now and then: puts the file aside where it is old, and removes what was put aside too long ago. As append. */
  tend(nowMs: number): NodeJS.ErrnoException | undefined {
    try {
      this.#rotateIfDue(0, nowMs);
      this.#removeOldest(nowMs);
      return undefined;
    } catch (error) {
      this.#closeQuietly();
      return error as NodeJS.ErrnoException;
    }
  }

  #openFile(nowMs: number): OpenFile {
    const descriptor = openSync(this.#options.file, 'a', FILE_MODE);
    const { size, birthtimeMs } = fstatSync(descriptor);
    return { descriptor, bytes: size, bornAtMs: size === 0 || birthtimeMs === 0 ? nowMs : birthtimeMs };
  }

  #writeAll(open: OpenFile, bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(open.descriptor, bytes, at);
    } catch (error) {
      // Why: a full disk takes a part; half a line would spoil the next one.
      ftruncateSync(open.descriptor, open.bytes);
      throw error;
    }
    open.bytes += bytes.length;
  }

  #rotateIfDue(bytesMore: number, nowMs: number): void {
    const open = (this.#open ??= this.#openFile(nowMs));
    const { file, bytesMax, ageMsMax } = this.#options;
    if (open.bytes === 0) {
      open.bornAtMs = nowMs;
      return;
    }
    if (open.bytes + bytesMore <= bytesMax && nowMs - open.bornAtMs < ageMsMax) return;
    fsyncSync(open.descriptor);
    this.#closeQuietly();
    // Why not simply now: two files put aside in one millisecond would become one, and the first be lost.
    this.#lastAsideMs = Math.max(nowMs, this.#lastAsideMs + 1);
    renameSync(file, `${file}.${timeOfName(this.#lastAsideMs)}`);
    this.#removeOldest(nowMs);
  }

  #removeOldest(nowMs: number): void {
    const { file, filesMax, ageMsMax } = this.#options;
    const prefix = `${basename(file)}.`;
    const isAside = (name: string): boolean =>
      name.startsWith(prefix) && /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/.test(name.slice(prefix.length));
    const aside = readdirSync(dirname(file)).filter(isAside).toSorted();
    // Names sort by their time.
    const keptSince = prefix + timeOfName(nowMs - filesMax * ageMsMax);
    for (const [at, name] of aside.entries()) {
      if (at < aside.length - filesMax || name < keptSince) unlinkSync(join(dirname(file), name));
    }
  }

  #closeQuietly(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    try {
      closeSync(open.descriptor);
    } catch {
      // Nothing is lost by it: what was written has been written.
    }
  }

  /** Syncs and closes. */
  close(): void {
    if (this.#open === undefined) return;
    try {
      fsyncSync(this.#open.descriptor);
    } catch {
      // The disk has failed; append has said so or there was nothing to say.
    }
    this.#closeQuietly();
  }
}

function timeOfName(ms: number): string {
  return new Date(ms).toISOString().replaceAll(':', '-');
}
