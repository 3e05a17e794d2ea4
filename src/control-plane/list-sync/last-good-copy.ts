/**
 * A list's last good copy on the disk and what is known of it: its record, and which version it is. Between list-task.ts,
 * which decides when it is written and taken back, and list-store.ts, which knows how.
 */
import { wallClockMs } from '../../clock.ts';
import type { ListConfig } from '../../config/config.ts';
import type { CompileRunner } from './compile-client.ts';
import type { GuardFiles } from './guard-files.ts';
import type { ListContent } from './list-content.ts';
import type { SyncFailure } from './list-status.ts';
import type { ListRecord, ListStore } from './list-store.ts';
import type { RestoreOutcome } from './parse-list.ts';
import type { SegmentMemory } from './segment-memory.ts';
import type { Validators } from './sources/list-source.ts';
import type { SyncLog } from './sync-log.ts';

export interface CopyServices {
  readonly compile: CompileRunner;
  readonly store: () => ListStore;
  readonly segments: SegmentMemory;
  readonly guardFiles: () => GuardFiles;
  readonly log: SyncLog;
}

export class LastGoodCopy {
  readonly #list: string;
  readonly #services: CopyServices;
  #record: ListRecord | undefined;
  #version = 0;

  constructor(list: string, services: CopyServices) {
    this.#list = list;
    this.#services = services;
  }

  /** What was last read or written beside the copy. */
  get record(): ListRecord | undefined {
    return this.#record;
  }

  async readRecord(): Promise<ListRecord | undefined> {
    this.#record = await this.#services.store().readRecord(this.#list);
    return this.#record;
  }

  /** What the copy holds; 0: it has to be written. */
  get version(): number {
    return this.#version;
  }

  /** The copy is known to be of this version, or, at 0, to be lost. */
  is(version: number): void {
    this.#version = version;
  }

  /** Undefined where the content is on the disk now. */
  async write(
    content: ListContent,
    { source, format }: Pick<ListConfig, 'source' | 'format'>,
    validators: Validators | undefined,
    lastSuccessSeconds: number,
  ): Promise<SyncFailure | undefined> {
    const { compile, segments, store } = this.#services;
    const { version, facts, segment } = content;
    const known = { version, sha256: facts.sourceSha256, location: source, format, lastSuccessSeconds };
    const record: ListRecord = { ...known, ...(validators !== undefined && { validators }) };
    const createdAt = new Date(wallClockMs()).toISOString();
    const header = { ...facts, list: this.#list, version, createdAt };
    segments.hold([segment]);
    const { stateDirectory } = store();
    const done = await compile.run({ kind: 'persist', stateDirectory, record, header, segment });
    segments.release([segment]);
    if (done.kind === 'failed') return { reason: 'store', message: done.message };
    if (done.result.failure !== undefined) return done.result.failure;
    this.#record = record;
    this.#version = version;
    return undefined;
  }

  /** Undefined where there is none that is good; the log says why. */
  async read(approved: readonly string[]): Promise<Extract<RestoreOutcome, { kind: 'restored' }> | undefined> {
    const { compile, guardFiles, log, store } = this.#services;
    const list = this.#list;
    const path = store().segmentPath(list);
    const done = await compile.run({ kind: 'restore', path, approved, guard: guardFiles(), inMemory: false });
    if (done.kind === 'failed') log.error({ list }, done.message);
    else if (done.result.kind === 'damaged')
      log.error({ list }, `the last good copy is damaged: ${done.result.message}`);
    else if (done.result.kind === 'restored') return done.result;
    return undefined;
  }
}
