/**
 * The compiled index on disk, so that a restart with ten million names is ready in seconds: a magic word, a JSON header,
 * the index's buffers and the held places as they lie in memory, and a SHA-256 over all of it. Written by the compile
 * thread behind a new base, read by list-sync at the start. A file that is damaged, of another machine's byte order, of
 * another version or of other inputs is not used; what is used is checked offset by offset (policy/name-set-check.ts).
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { SLOT_WORDS, usedSlots } from '../../policy/name-set.ts';
import type { SharedBufferPool } from '../../policy/name-set-builder.ts';
import { nameSetProblem, type RuleBounds } from '../../policy/name-set-check.ts';
import type { NameSetBuffers } from '../../policy/published.ts';
import { progressed } from './compile-progress.ts';
import { errorCode } from './error-code.ts';
import type { ListFacts } from './parse-list.ts';
import { isSnapshotHeader } from './snapshot-header.ts';
import type { HeldName } from './held-entries.ts';
import type { StatusSample } from './list-status.ts';
import type { Validators } from './sources/list-source.ts';

/** Grows with every change of the file or of the index's layout. */
const SNAPSHOT_FORMAT = 2;
const MAGIC = Buffer.from('WEIRIDX1', 'latin1');
const PREFIX_BYTES = MAGIC.length + 8;
const HASH_BYTES = 32;
const HEADER_BYTES_MAX = 64 * 1024 * 1024;
/** Sections begin at multiples of it. */
const GRAIN_BYTES = 8;
const PIECE_BYTES = 4 * 1024 * 1024;

/** What is known of one list in the index. */
export interface SnapshotList {
  readonly name: string;
  readonly version: number;
  readonly facts: ListFacts;
  readonly entriesInForce: number;
  readonly byGuard: Readonly<Record<string, number>>;
  readonly samples: readonly StatusSample[];
  readonly names?: readonly HeldName[];
  /** How many of the held places are this list's. */
  readonly held: number;
  /** What its source said of the content. */
  readonly validators?: Validators;
  /** Of its last good copy, for the next compile. */
  readonly payloadBytes: number;
  readonly payloadSha256: string;
}

export interface SnapshotHeader {
  readonly format: number;
  readonly endianness: string;
  readonly slotWords: number;
  readonly fingerprint: string;
  readonly seed: number;
  readonly slotCount: number;
  readonly entryCount: number;
  readonly tableBytes: number;
  readonly namesBytes: number;
  readonly rulesWords: number;
  readonly heldWords: number;
  /** In the order of the configuration; null: nothing of the list is in the index. */
  readonly lists: readonly (SnapshotList | null)[];
}

export interface Snapshot {
  readonly kind: 'snapshot';
  readonly base: NameSetBuffers;
  readonly header: SnapshotHeader;
  /** For each list. */
  readonly held: readonly Uint32Array[];
}

export type SnapshotOutcome =
  | Snapshot
  | { readonly kind: 'none' }
  /** Whole, but of other lists, settings or files. */
  | { readonly kind: 'other' }
  | { readonly kind: 'damaged'; readonly message: string };

/** Writes a snapshot in place of the one before; a sentence for people where that fails. Blocks the thread. */
export async function writeSnapshot(
  path: string,
  base: NameSetBuffers,
  fingerprint: string,
  lists: readonly (SnapshotList | null)[],
  held: readonly Uint32Array[],
): Promise<string | undefined> {
  const tableBytes = usedSlots(base) * SLOT_WORDS * 4;
  const { seed, slotCount, entryCount, namesBytes, rulesWords } = base;
  const heldWords = sum(held.map((places) => places.length));
  const sizes = { seed, slotCount, entryCount, tableBytes, namesBytes, rulesWords, heldWords };
  const layout = { format: SNAPSHOT_FORMAT, endianness: endianness(), slotWords: SLOT_WORDS };
  const json = Buffer.from(JSON.stringify({ ...layout, fingerprint, ...sizes, lists } satisfies SnapshotHeader));
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32BE(json.length, 0);
  const sections = [
    new Uint8Array(base.table, 0, tableBytes),
    new Uint8Array(base.names, 0, namesBytes),
    new Uint8Array(base.rules, 0, rulesWords * 4),
    ...held.map((places) => new Uint8Array(places.buffer, places.byteOffset, places.byteLength)),
  ];
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeSections(temporary, [Buffer.concat([MAGIC, prefix, json]), ...sections]);
    await rename(temporary, path);
    return undefined;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    return `the compiled index cannot be written to ${path}: ${errorCode(error)}`;
  }
}

function writeSections(path: string, sections: readonly Uint8Array[]): void {
  const file = openSync(path, 'w', 0o640);
  try {
    const hash = createHash('sha256');
    const write = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length; progressed())
        at += writeSync(file, bytes, at, Math.min(PIECE_BYTES, bytes.length - at));
    };
    for (const section of sections) {
      const padding = new Uint8Array((GRAIN_BYTES - (section.length % GRAIN_BYTES)) % GRAIN_BYTES);
      for (const bytes of [section, padding]) {
        hash.update(bytes);
        write(bytes);
      }
    }
    write(hash.digest());
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads a snapshot of these inputs into shared buffers. Errors: none; every way to fail is an outcome. */
export async function readSnapshot(
  path: string,
  fingerprint: string,
  bounds: RuleBounds,
  buffers: SharedBufferPool,
): Promise<SnapshotOutcome> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? { kind: 'none' } : damaged(`it cannot be opened (${errorCode(error)})`);
  }
  try {
    return await readOpen(new SectionReader(file, buffers), (await file.stat()).size, fingerprint, bounds);
  } catch (error) {
    return damaged(`it cannot be read (${String(error)})`);
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function readOpen(
  reader: SectionReader,
  size: number,
  fingerprint: string,
  bounds: RuleBounds,
): Promise<SnapshotOutcome> {
  if (size < PREFIX_BYTES + HASH_BYTES) return damaged('it is too short');
  const prefix = Buffer.from(await reader.raw(PREFIX_BYTES));
  if (!MAGIC.equals(prefix.subarray(0, MAGIC.length))) return damaged('it is no index of this version');
  const headerBytes = prefix.readUInt32BE(MAGIC.length);
  if (headerBytes > HEADER_BYTES_MAX || PREFIX_BYTES + headerBytes + HASH_BYTES > size)
    return damaged('its header has the wrong length');
  const text = Buffer.from(await reader.raw(headerBytes)).toString('utf8');
  await reader.pad(PREFIX_BYTES + headerBytes);
  const header = parsed(text);
  if (header === undefined) return damaged('its header is malformed');
  const isOurs =
    header.format === SNAPSHOT_FORMAT && header.endianness === endianness() && header.slotWords === SLOT_WORDS;
  // Why before anything is read: most snapshots that cannot be used are whole ones of other settings.
  if (!isOurs || header.fingerprint !== fingerprint) return { kind: 'other' };
  const { tableBytes, namesBytes, rulesWords, heldWords, lists, seed, slotCount, entryCount } = header;
  const heldBytes = lists.map((list) => (list?.held ?? 0) * 4);
  if (sum(heldBytes) !== heldWords * 4) return damaged('its sizes contradict each other');
  const sections = [tableBytes, namesBytes, rulesWords * 4, ...heldBytes];
  if (sum([padded(PREFIX_BYTES + headerBytes), ...sections.map(padded), HASH_BYTES]) !== size)
    return damaged('its length is wrong');
  const table = await reader.shared(tableBytes);
  const names = await reader.shared(namesBytes);
  const rules = await reader.shared(rulesWords * 4);
  const held: Uint32Array[] = [];
  for (const bytes of heldBytes) held.push(await reader.words(bytes / 4));
  if (!(await reader.isWhole())) return damaged('its checksum does not match');
  const base = { table, names, rules, slotCount, entryCount, namesBytes, rulesWords, seed };
  const problem = lists.length === bounds.lists ? nameSetProblem(base, tableBytes, bounds) : 'it has other lists';
  return problem === undefined ? { kind: 'snapshot', base, header, held } : damaged(problem);
}

/** Reads on and on, and hashes what it reads. */
class SectionReader {
  readonly #file: FileHandle;
  readonly #buffers: SharedBufferPool;
  readonly #hash = createHash('sha256');
  #position = 0;

  constructor(file: FileHandle, buffers: SharedBufferPool) {
    this.#file = file;
    this.#buffers = buffers;
  }

  async raw(bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(bytes);
    await this.#fill(into);
    return into;
  }

  async pad(bytes: number): Promise<void> {
    await this.raw(padded(bytes) - bytes);
  }

  async shared(bytes: number): Promise<SharedArrayBuffer> {
    const buffer = this.#buffers.take(bytes);
    await this.#fill(new Uint8Array(buffer, 0, bytes));
    await this.pad(bytes);
    return buffer;
  }

  async words(count: number): Promise<Uint32Array> {
    const words = new Uint32Array(count);
    await this.#fill(new Uint8Array(words.buffer));
    await this.pad(count * 4);
    return words;
  }

  async isWhole(): Promise<boolean> {
    const digest = this.#hash.digest();
    const stored = new Uint8Array(HASH_BYTES);
    await this.#file.read(stored, 0, HASH_BYTES, this.#position);
    return digest.equals(stored);
  }

  async #fill(into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length;) {
      const wanted = Math.min(PIECE_BYTES, into.length - at);
      const { bytesRead } = await this.#file.read(into, at, wanted, this.#position);
      if (bytesRead === 0) throw new Error('it ends too early');
      this.#hash.update(into.subarray(at, at + bytesRead));
      at += bytesRead;
      this.#position += bytesRead;
    }
  }
}

function parsed(text: string): SnapshotHeader | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isSnapshotHeader(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function damaged(message: string): SnapshotOutcome {
  return { kind: 'damaged', message };
}
