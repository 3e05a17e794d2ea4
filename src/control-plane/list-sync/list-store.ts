/**
 * The state directory's part for lists: of each list one last good copy (a segment file) and a small record with the
 * version number and what the source said of the content. Used by list-sync at a start without network or with a bad
 * file. Every write goes to a temporary name, is flushed and renamed; a directory that is read-only or full is a value
 * that says so, for lists work without it. Everything read back is checked as if a stranger had written it.
 */
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './error-code.ts';
import type { SyncFailure } from './list-status.ts';
import { REDIRECTS_BYTES_MAX, type ListRedirects } from './redirect-hosts.ts';
import type { Validators } from './sources/list-source.ts';

/** A record larger than this is not one of ours. */
export const RECORD_BYTES_MAX = 64 * 1024;
const TEMPORARY_SUFFIX = '.tmp';

/** Of this thread; those of one before it are removed when the store is opened. */
let spills = 0;

export interface ListRecord {
  /** Grows by one with each changed content. */
  readonly version: number;
  /** Of the source. */
  readonly sha256: string;
  /** Where the content came from; validators are worth nothing for another place. */
  readonly location: string;
  /** As the configuration named it; read as another one, the same content is another list. */
  readonly format?: string;
  readonly validators?: Validators;
  readonly lastSuccessSeconds: number;
}

export class ListStore {
  readonly stateDirectory: string;
  readonly #folder: string;

  constructor(stateDirectory: string) {
    this.stateDirectory = stateDirectory;
    this.#folder = join(stateDirectory, 'lists');
  }

  /** Makes the folder and removes what an interrupted write left. */
  async open(): Promise<SyncFailure | undefined> {
    try {
      await mkdir(this.#folder, { recursive: true });
      for (const file of await readdir(this.#folder)) {
        if (file.endsWith(TEMPORARY_SUFFIX)) await rm(join(this.#folder, file), { force: true });
      }
      const probe = join(this.#folder, `probe${TEMPORARY_SUFFIX}`);
      await writeWhole(probe, [new Uint8Array(1)]);
      await rm(probe, { force: true });
      return undefined;
    } catch (error) {
      return this.#failure('is not writable', error);
    }
  }

  /** Undefined where there is none, or none that can be understood. */
  async readRecord(list: string): Promise<ListRecord | undefined> {
    return recordFrom(await readJson(this.#recordPath(list), RECORD_BYTES_MAX));
  }

  /**
   * Replaces the last good copy.
   * Why the record goes first: if the machine stops between the two, the version number has grown and is not given
   * twice, and the validators do not count, for the segment's own header has another sha256.
   */
  async write(list: string, record: ListRecord, segment: readonly Uint8Array[]): Promise<SyncFailure | undefined> {
    return (await this.writeRecord(list, record)) ?? (await this.#replace(this.segmentPath(list), segment));
  }

  /** The same for a segment that lies in the folder already: `trailer` comes behind its `end` octets. */
  async adoptSpilled(
    list: string,
    record: ListRecord,
    path: string,
    trailer: Uint8Array,
    end: number,
  ): Promise<SyncFailure | undefined> {
    const failure = await this.writeRecord(list, record);
    if (failure !== undefined) return failure;
    try {
      const file = await open(path, 'r+');
      try {
        await file.truncate(end);
        await file.write(trailer, 0, trailer.length, end);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(path, this.segmentPath(list));
      await flushFolder(this.#folder);
      return undefined;
    } catch (error) {
      return this.#failure('did not take the last good copy', error);
    }
  }

  async writeRecord(list: string, record: ListRecord): Promise<SyncFailure | undefined> {
    return this.#replace(this.#recordPath(list), [new TextEncoder().encode(`${JSON.stringify(record)}\n`)]);
  }

  /** Whatever the file holds; undefined where there is none. */
  async readRedirects(): Promise<unknown> {
    return readJson(this.#redirectsPath, REDIRECTS_BYTES_MAX);
  }

  async writeRedirects(redirects: { readonly lists: readonly ListRedirects[] }): Promise<SyncFailure | undefined> {
    return this.#replace(this.#redirectsPath, [new TextEncoder().encode(`${JSON.stringify(redirects)}\n`)]);
  }

  /** Where the next content's segment may be written; gone with the next start if nothing comes of it. */
  spillPath(list: string): string {
    spills += 1;
    return join(this.#folder, `${list}.${process.pid}-${spills}.segment${TEMPORARY_SUFFIX}`);
  }

  segmentPath(list: string): string {
    return join(this.#folder, `${list}.segment`);
  }

  /** The compiled index of all lists. No list's file can have this name: theirs end otherwise. */
  get snapshotPath(): string {
    return join(this.#folder, 'compiled.index');
  }

  /** As above: no list's file ends like this. */
  get #redirectsPath(): string {
    return join(this.#folder, 'redirect.hosts');
  }

  #recordPath(list: string): string {
    return join(this.#folder, `${list}.json`);
  }

  async #replace(path: string, pieces: readonly Uint8Array[]): Promise<SyncFailure | undefined> {
    const temporary = `${path}.${process.pid}${TEMPORARY_SUFFIX}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeWhole(temporary, pieces);
      await rename(temporary, path);
      await flushFolder(this.#folder);
      return undefined;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      return this.#failure('did not take the last good copy', error);
    }
  }

  #failure(what: string, error: unknown): SyncFailure {
    const code = errorCode(error);
    const why = code === 'ENOSPC' ? 'it is full' : code === 'EROFS' ? 'it is read-only' : code;
    return { reason: 'store', message: `the state directory ${this.#folder} ${what}: ${why}` };
  }
}

async function readJson(path: string, bytesMax: number): Promise<unknown> {
  try {
    if ((await stat(path)).size > bytesMax) return undefined;
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

async function writeWhole(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w', 0o640);
  try {
    for (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function recordFrom(value: unknown): ListRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const version = fields.get('version');
  const sha256 = fields.get('sha256');
  const location = fields.get('location');
  const format = fields.get('format');
  const lastSuccessSeconds = fields.get('lastSuccessSeconds');
  if (!Number.isSafeInteger(version) || Number(version) < 1) return undefined;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || typeof location !== 'string') return undefined;
  const read = validatorsFrom(fields.get('validators'));
  return {
    version: Number(version),
    sha256,
    location,
    ...(typeof format === 'string' && { format }),
    ...(read !== undefined && { validators: read }),
    lastSuccessSeconds: typeof lastSuccessSeconds === 'number' && lastSuccessSeconds > 0 ? lastSuccessSeconds : 0,
  };
}

function validatorsFrom(value: unknown): Validators | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const etag = fields.get('etag');
  const lastModified = fields.get('lastModified');
  const identity = fields.get('identity');
  if (!fits(etag) && !fits(lastModified) && !fits(identity)) return undefined;
  return {
    ...(fits(etag) && { etag }),
    ...(fits(lastModified) && { lastModified }),
    ...(fits(identity) && { identity }),
  };
}

/** Why the pattern: what goes into a request header must not end it. */
function fits(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e ]{1,1024}$/.test(text);
}
