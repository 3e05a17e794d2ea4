/**
 * A list in a local file. Watches the folder (a rename over the file, or a symbolic link turned elsewhere, replaces what
 * a watch on the file itself would hold) and polls slowly as a safety net for file systems without events. A file
 * replaced by rename is whole and is read at once; one written in place is read when it has been quiet for SETTLE_MS,
 * and what was parsed is dropped if it changed meanwhile. Must not parse.
 */
import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { identityOf } from '../file-identity.ts';
import type { SyncFailure } from '../list-status.ts';
import type { ListSource, ReadOutcome, ReadRequest, SourceKind, SourceSettings } from './list-source.ts';

/** From an event in the folder to the look at the file; events within it count as one. */
const DEBOUNCE_MS = 100;
/** How long a file that is written in place must have been quiet. */
export const SETTLE_MS = 1000;
/** A file that never is quiet is read after this many looks all the same; a torn read is then refused by isStillSame. */
const SETTLE_LOOKS_MAX = 30;
/** The safety net where the file system sends no events. */
export const FILE_POLL_MS = 10_000;

interface Fingerprint {
  readonly inode: bigint;
  readonly bytes: bigint;
  readonly modifiedNs: bigint;
  /** As Validators have it. */
  readonly identity: string;
}

export const fileSource: SourceKind = {
  kind: 'file',
  description: 'a local file, watched',
  create: (settings) => new FileSource(settings),
};

class FileSource implements ListSource {
  readonly #path: string;
  readonly #bytesMax: number;
  #onChange: (() => void) | undefined;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #closed = false;
  /** What read() last gave out. */
  #read: Fingerprint | undefined;
  /** What the last look saw while it waits for quiet. */
  #pending: Fingerprint | undefined;
  #looks = 0;
  /** The last change announced, so that one bad version is announced once. */
  #announced: Fingerprint | 'missing' | undefined;

  constructor(settings: SourceSettings) {
    this.#path = settings.location;
    this.#bytesMax = settings.bytesMax;
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange;
    this.#watchFolder();
    this.#poll = setInterval(() => {
      if (this.#watcher === undefined) this.#watchFolder();
      this.#lookSoon(0);
    }, FILE_POLL_MS);
  }

  async read(request: ReadRequest): Promise<ReadOutcome> {
    const seen = await fingerprintOf(this.#path);
    if ('reason' in seen) {
      this.#read = undefined;
      this.#announced = 'missing';
      return { kind: 'failed', failure: seen };
    }
    if (!request.force && same(seen, this.#read)) return { kind: 'unchanged', confirmed: false };
    this.#read = seen;
    this.#announced = seen;
    if (!request.force && seen.identity === request.validators?.identity) return { kind: 'unchanged', confirmed: true };
    if (seen.bytes > BigInt(this.#bytesMax)) {
      const message = `${this.#path} has ${seen.bytes} bytes; bytesMax is ${this.#bytesMax}`;
      return { kind: 'failed', failure: { reason: 'tooLarge', message } };
    }
    return {
      kind: 'content',
      input: { kind: 'path', path: this.#path },
      validators: { identity: seen.identity },
      isStillSame: async () => {
        const now = await fingerprintOf(this.#path);
        const unchanged = !('reason' in now) && same(now, seen);
        if (!unchanged) {
          this.#announced = undefined;
          this.#lookSoon(DEBOUNCE_MS);
        }
        return unchanged;
      },
    };
  }

  settle(): void {
    // Nothing: the watch and the poll go on as they are.
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#look);
  }

  #watchFolder(): void {
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, () => this.#lookSoon(DEBOUNCE_MS));
      watcher.on('error', () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // Why: a folder that is not there yet is the poll's business, which tries again.
      this.#watcher = undefined;
    }
  }

  #lookSoon(delayMs: number): void {
    if (this.#closed || this.#onChange === undefined || this.#look !== undefined) return;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      void this.#lookNow();
    }, delayMs);
  }

  async #lookNow(): Promise<void> {
    const seen = await fingerprintOf(this.#path);
    if (this.#closed) return;
    if ('reason' in seen) {
      this.#pending = undefined;
      if (this.#announced !== 'missing') this.#announce('missing');
      return;
    }
    if (this.#announced !== undefined && this.#announced !== 'missing' && same(seen, this.#announced)) {
      this.#pending = undefined;
      return;
    }
    // Why: another inode means that someone renamed a finished file into place.
    const replaced = this.#read !== undefined && seen.inode !== this.#read.inode;
    if (replaced || same(seen, this.#pending) || this.#looks >= SETTLE_LOOKS_MAX) {
      this.#announce(seen);
      return;
    }
    this.#pending = seen;
    this.#looks += 1;
    // Why: an event that came during this look must not make the next one early, and a half-written file quiet.
    clearTimeout(this.#look);
    this.#look = undefined;
    this.#lookSoon(SETTLE_MS);
  }

  #announce(what: Fingerprint | 'missing'): void {
    this.#announced = what;
    this.#pending = undefined;
    this.#looks = 0;
    this.#onChange?.();
  }
}

function same(a: Fingerprint, b: Fingerprint | undefined): boolean {
  return b !== undefined && a.inode === b.inode && a.bytes === b.bytes && a.modifiedNs === b.modifiedNs;
}

async function fingerprintOf(path: string): Promise<Fingerprint | SyncFailure> {
  try {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return { reason: 'unreadable', message: `${path} is not a regular file` };
    return { inode: found.ino, bytes: found.size, modifiedNs: found.mtimeNs, identity: identityOf(found) };
  } catch (error) {
    const code = errorCode(error);
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : `cannot be read (${code})`;
    return { reason: 'unreadable', message: `${path} ${why}` };
  }
}
