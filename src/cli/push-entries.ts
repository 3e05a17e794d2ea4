/**
 * The entries of a bulk push as NDJSON, read from list files of any format as fast as Weir takes them: memory follows
 * neither the size of the file nor the speed of the network. A list that turns out to be bad ends the stream with an error
 * before its end, so that nothing of it counts.
 *
 * file -> readListFile -> lines -> PassThrough (backpressure) -> request
 */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import type { ListEntry } from '../control-plane/list-sync/format/list-format.ts';
import { readListFile } from '../control-plane/list-sync/format/read-list-file.ts';
import type { ReadOutcome } from '../control-plane/list-sync/format/read-report.ts';

export const BAD_LINES_PERCENT_MAX = 10;
/** Read at a time; what they expand to is in memory at once. */
const CHUNK_BYTES = 64 * 1024;
const TEXT_CHARACTERS = 64 * 1024;

/** What is said of every entry on the command line. */
export interface EntryFields {
  readonly scope?: string;
  readonly category?: string;
  readonly reference?: string;
  readonly expiresAt?: string;
  readonly note?: string;
  readonly mode?: string;
}

export interface PushPlan {
  readonly reason: string;
  readonly idempotencyKey: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** List files; "-" is standard input. */
  readonly addFile: string | undefined;
  readonly removeFile: string | undefined;
  readonly format: string;
  readonly fields: EntryFields;
}

export interface PushProgress {
  /** Units: bytes of the files. 0: not known. */
  start(bytesTotal: number): void;
  read(bytes: number): void;
  entries(count: number): void;
  /** All is sent. */
  waiting(): void;
  end(): void;
}

/** One reading of the files for one attempt to send them. */
export class PushEntries {
  entries = 0;
  exceptions = 0;
  readonly skippedByReason: Record<string, number> = {};
  /** What is wrong with a file; the stream has ended with an error then. */
  problem: string | undefined;
  readonly #plan: PushPlan;
  readonly #progress: PushProgress;
  readonly #stream = new PassThrough({ highWaterMark: TEXT_CHARACTERS });
  #text = '';

  constructor(plan: PushPlan, progress: PushProgress) {
    this.#plan = plan;
    this.#progress = progress;
  }

  stream(): Readable {
    void this.#produce().catch((error: unknown) => this.#stream.destroy(error as Error));
    return this.#stream;
  }

  async #produce(): Promise<void> {
    const { reason, idempotencyKey, add, remove, addFile, removeFile, fields } = this.#plan;
    this.#progress.start(sizeOf(addFile) + sizeOf(removeFile));
    this.#line({ reason, idempotencyKey });
    for (const name of add) this.#line({ add: { name, ...fields } });
    for (const name of remove) this.#line({ remove: removalOf(name, fields) });
    this.entries = add.length + remove.length;
    if (addFile !== undefined && !(await this.#file(addFile, (entry) => ({ add: entryOf(entry, fields) })))) return;
    if (
      removeFile !== undefined &&
      !(await this.#file(removeFile, ({ name }) => ({ remove: removalOf(name, fields) })))
    ) {
      return;
    }
    this.#flush();
    this.#progress.entries(this.entries);
    this.#progress.waiting();
    this.#stream.end();
  }

  /** False: the stream is at its end, for the file is bad or nobody reads any more. */
  async #file(file: string, lineOf: (entry: ListEntry) => unknown): Promise<boolean> {
    const outcome = await readListFile(
      this.#paced(file),
      { format: this.#plan.format, badLinesPercentMax: BAD_LINES_PERCENT_MAX },
      {
        entry: (entry) => {
          // Why: an exception lifts a list's own entries; what is pushed only blocks.
          if (entry.kind === 'exception') this.exceptions += 1;
          else {
            this.entries += 1;
            this.#line(lineOf(entry));
          }
        },
      },
    );
    if (this.#stream.destroyed) return false;
    this.#take(outcome);
    if (outcome.kind === 'read') return true;
    this.problem = `${file}: ${outcome.message}; nothing was pushed`;
    this.#stream.destroy(new Error(this.problem));
    return false;
  }

  #take(outcome: ReadOutcome): void {
    for (const [reason, count] of Object.entries(outcome.report?.skippedByReason ?? {})) {
      this.skippedByReason[reason] = (this.skippedByReason[reason] ?? 0) + count;
    }
  }

  /** The file's bytes; the next piece only when what came of the one before is on its way. */
  async *#paced(file: string): AsyncGenerator<Uint8Array> {
    const source: AsyncIterable<Uint8Array> =
      file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
    for await (const chunk of source) {
      this.#flush();
      this.#progress.entries(this.entries);
      if (this.#stream.writableNeedDrain) {
        const over = new AbortController();
        const signal = { signal: over.signal };
        await Promise.race([once(this.#stream, 'drain', signal), once(this.#stream, 'close', signal)]).catch(
          () => undefined,
        );
        over.abort();
      }
      if (this.#stream.destroyed) return;
      this.#progress.read(chunk.length);
      yield chunk;
    }
  }

  #line(value: unknown): void {
    this.#text += `${JSON.stringify(value)}\n`;
    if (this.#text.length >= TEXT_CHARACTERS) this.#flush();
  }

  #flush(): void {
    if (this.#text === '' || this.#stream.destroyed) return;
    this.#stream.write(this.#text);
    this.#text = '';
  }
}

/** What the list says of the entry; the command line fills in what it does not say, and has the last word on scope. */
export function entryOf(entry: ListEntry, fields: EntryFields): Record<string, unknown> {
  const { name, scope, category, expiresAtSeconds, provenance } = entry;
  const own = {
    category: provenance?.categoryWord ?? category,
    reference: provenance?.reference,
    note: provenance?.note,
    expiresAt: expiresAtSeconds === undefined ? undefined : new Date(expiresAtSeconds * 1000).toISOString(),
  };
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { name, ...fields, ...said, scope: fields.scope ?? scope };
}

/** Both scopes of the name, unless the command line says which. */
export function removalOf(name: string, { scope }: EntryFields): string | { name: string; scope: string } {
  return scope === undefined ? name : { name, scope };
}

function sizeOf(file: string | undefined): number {
  if (file === undefined || file === '-') return 0;
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
