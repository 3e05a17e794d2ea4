/**
 * What the control thread asks of the compile thread, and the one function that does it. Plain data both ways: it
 * crosses threads by structured clone. `weir check` runs the same jobs in its own thread. Jobs run one at a time.
 */
import { createHash } from 'node:crypto';
import { wallClockMs } from '../../clock.ts';
import type { NameSetBuffers } from '../../policy/published.ts';
import { BufferPool } from './buffer-pool.ts';
import { compileBase, type CompiledListSettings } from './compiler.ts';
import { placesOf, type EntryPlaces } from './entry-places.ts';
import { findEntries, type FoundEntry } from './find-entries.ts';
import { readListFile } from './format/read-list-file.ts';
import { BlastRadius, type RadiusInput } from './guard/blast-radius.ts';
import type { Guard } from './guard/guard.ts';
import { loadGuard, type GuardFiles } from './guard-files.ts';
import type { RadiusHold } from './held-entries.ts';
import { holdsKey, holdsOfSegment, type ListHolds } from './list-holds.ts';
import { SegmentWriter } from './list-segment.ts';
import { compileOverlay, type OverlayChange, type OverlayResult } from './overlay.ts';
import {
  movable,
  parseList,
  restoreList,
  type ParseOutcome,
  type ParseSettings,
  type RestoreOutcome,
} from './parse-list.ts';
import { SEGMENT_MAGIC, encodeSegmentFile, segmentTrailer, type SegmentHeader } from './list-segment-file.ts';
import type { SyncFailure } from './list-status.ts';
import { writeSnapshot, type SnapshotList } from './policy-snapshot.ts';
import { ListStore, type ListRecord } from './list-store.ts';
import { SegmentLost, type SegmentData } from './segment-data.ts';
import { UpdateComparison, type BeforeUpdate } from './update-comparison.ts';
import type { SourceInput } from './sources/list-source.ts';

export interface BuildList {
  readonly settings: CompiledListSettings;
  readonly segment: SegmentData | undefined;
  readonly entries: number;
  readonly nameBytes: number | undefined;
  readonly approved: readonly string[];
  /** Found again where its key is no longer right. */
  readonly holds: ListHolds | undefined;
  readonly radiusHeld?: readonly RadiusHold[] | undefined;
}

export interface JobResults {
  readonly parse: ParseOutcome;
  readonly restore: RestoreOutcome;
  readonly allow:
    | { readonly kind: 'parsed'; readonly payload: Uint8Array<ArrayBuffer>; readonly entries: number }
    | { readonly kind: 'refused'; readonly message: string };
  readonly build: BuildResult | { readonly kind: 'lost'; readonly listIndex: number; readonly message: string };
  readonly overlay: OverlayResult & { readonly unused: readonly SharedArrayBuffer[] };
  /** Undefined: the segment is not there any more. */
  readonly find: { readonly entries: readonly FoundEntry[] | undefined };
  /** Undefined: no entry has a reference, or the segment is not there any more. */
  readonly places: { readonly places: EntryPlaces | undefined };
  readonly persist: { readonly failure: SyncFailure | undefined };
  /** A sentence for people where it failed. */
  readonly snapshot: { readonly failure: string | undefined };
}

export interface BuildResult {
  readonly kind: 'built';
  readonly base: NameSetBuffers;
  readonly entriesInForce: readonly number[];
  readonly holds: readonly ListHolds[];
  readonly unused: readonly SharedArrayBuffer[];
}

export type CompileJob =
  | {
      readonly kind: 'parse';
      readonly input: SourceInput;
      readonly settings: ParseSettings;
      readonly guard: GuardFiles;
      /** Undefined: there is none, or none that may be compared. */
      readonly before: BeforeUpdate | undefined;
      /** Undefined: a person has let the update through. */
      readonly radius: RadiusInput | undefined;
    }
  | {
      readonly kind: 'restore';
      readonly path: string;
      readonly approved: readonly string[];
      readonly guard: GuardFiles;
      /** Also a large one; else that stays on the disk. */
      readonly inMemory: boolean;
    }
  | { readonly kind: 'allow'; readonly path: string }
  | {
      readonly kind: 'build';
      readonly seed: number;
      readonly lists: readonly BuildList[];
      readonly allow: readonly (Uint8Array | undefined)[];
      readonly guard: GuardFiles;
      /** Lent for this build. */
      readonly buffers: readonly SharedArrayBuffer[];
    }
  | {
      readonly kind: 'overlay';
      readonly base: NameSetBuffers;
      readonly overlay: NameSetBuffers | undefined;
      readonly changes: readonly OverlayChange[];
      /** Lent for this overlay. */
      readonly buffers: readonly SharedArrayBuffer[];
    }
  | {
      readonly kind: 'find';
      readonly segment: SegmentData;
      readonly held: Uint32Array;
      /** Wire format, lower case. */
      readonly name: Uint8Array;
    }
  | {
      readonly kind: 'places';
      readonly segment: SegmentData;
      readonly held: Uint32Array;
    }
  | {
      readonly kind: 'snapshot';
      readonly path: string;
      readonly base: NameSetBuffers;
      readonly fingerprint: string;
      readonly lists: readonly (UnhashedSnapshotList | null)[];
      readonly held: readonly Uint32Array[];
    }
  | {
      readonly kind: 'persist';
      readonly stateDirectory: string;
      readonly record: ListRecord;
      readonly header: SegmentHeader;
      readonly segment: SegmentData;
    };

/** The hash of a segment in memory is the compile thread's work. */
export interface UnhashedSnapshotList extends Omit<SnapshotList, 'payloadBytes' | 'payloadSha256'> {
  readonly segment: SegmentData;
}

export type JobKind = CompileJob['kind'];
export type JobOf<K extends JobKind> = Extract<CompileJob, { kind: K }>;

/** A guard file that cannot be used: nothing is compiled without it, what is in force stays. */
export class GuardUnavailable extends Error {}

/** Does jobs; keeps the guard between them. */
export class CompileWorkshop {
  #guard: Guard | undefined;
  #protectedNames: readonly string[] = [];
  #guardKey = -1;
  readonly #onWarning: (text: string) => void;

  constructor(onWarning: (text: string) => void) {
    this.#onWarning = onWarning;
  }

  /** Errors: GuardUnavailable; anything else thrown is a bug or memory at its end. */
  async run<K extends JobKind>(job: JobOf<K>): Promise<JobResults[K]>;
  async run(job: CompileJob): Promise<JobResults[JobKind]> {
    switch (job.kind) {
      case 'parse': {
        const key = holdsKey(job.guard.key, job.settings.approved);
        const radius = job.radius && new BlastRadius(job.radius, wallClockMs() / 1000);
        const comparison = new UpdateComparison(job.before, radius, job.settings.approved);
        return parseList(job.input, job.settings, await this.#guardOf(job.guard), key, comparison);
      }
      case 'restore': {
        const key = holdsKey(job.guard.key, job.approved);
        return restoreList(job.path, job.approved, await this.#guardOf(job.guard), key, job.inMemory);
      }
      case 'allow':
        return readAllowFile(job.path);
      case 'build':
        return this.#build(job);
      case 'overlay':
        return overlayIn(new BufferPool(job.buffers), job);
      case 'find':
        return { entries: found(job) };
      case 'places':
        return { places: orLost(() => placesOf(job.segment, job.held)) };
      case 'snapshot': {
        const lists = job.lists.map((list) => (list === null ? null : withHash(list)));
        return { failure: await writeSnapshot(job.path, job.base, job.fingerprint, lists, job.held) };
      }
      case 'persist':
        break;
    }
    const { stateDirectory, header, record, segment } = job;
    const store = new ListStore(stateDirectory);
    if (segment.kind === 'memory') {
      return { failure: await store.write(header.list, record, [encodeSegmentFile(header, segment.payload)]) };
    }
    const trailer = segmentTrailer(header, segment.payloadBytes, segment.payloadSha256);
    const end = SEGMENT_MAGIC.length + segment.payloadBytes;
    return { failure: await store.adoptSpilled(header.list, record, segment.path, trailer, end) };
  }

  async #build(job: JobOf<'build'>): Promise<JobResults['build']> {
    const guard = await this.#guardOf(job.guard);
    const pool = new BufferPool(job.buffers);
    let listIndex = -1;
    try {
      const holds = job.lists.map((list, index) => {
        listIndex = index;
        const key = holdsKey(job.guard.key, list.approved);
        if (list.holds?.key === key) return list.holds;
        const segment = list.segment ?? { kind: 'memory', payload: new Uint8Array(0) };
        return holdsOfSegment(segment, guard, list.approved, key, list.radiusHeld);
      });
      const lists = job.lists.map((list, index) => ({ ...list, held: holds[index]!.held }));
      const onList = (index: number): void => void (listIndex = index);
      const input = { seed: job.seed, lists, allow: job.allow, protectedNames: this.#protectedNames };
      const { base, entriesInForce } = compileBase(input, pool, onList);
      return { kind: 'built', base, entriesInForce, holds, unused: pool.lendAll() };
    } catch (error) {
      if (!(error instanceof SegmentLost)) throw error;
      return { kind: 'lost', listIndex, message: error.message };
    }
  }

  async #guardOf(files: GuardFiles): Promise<Guard> {
    if (this.#guard !== undefined && this.#guardKey === files.key) return this.#guard;
    const outcome = await loadGuard(files);
    if (outcome.kind === 'unreadable') throw new GuardUnavailable(outcome.message);
    for (const warning of outcome.warnings) this.#onWarning(warning);
    this.#guard = outcome.guard;
    this.#protectedNames = outcome.protectedNames;
    this.#guardKey = files.key;
    return outcome.guard;
  }
}

function overlayIn(pool: BufferPool, { base, overlay, changes }: JobOf<'overlay'>): JobResults['overlay'] {
  const result = compileOverlay(base, overlay, changes, pool);
  return { ...result, unused: pool.lendAll() };
}

function found({ segment, held, name }: JobOf<'find'>): readonly FoundEntry[] | undefined {
  return orLost(() => findEntries(segment, held, name));
}

function orLost<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SegmentLost) return undefined;
    throw error;
  }
}

function withHash({ segment, ...list }: UnhashedSnapshotList): SnapshotList {
  if (segment.kind === 'disk') {
    const { payloadBytes, payloadSha256 } = segment;
    return { ...list, payloadBytes, payloadSha256 };
  }
  const payloadSha256 = createHash('sha256').update(segment.payload).digest('hex');
  return { ...list, payloadBytes: segment.payload.length, payloadSha256 };
}

/** Allow lists need no guard: they only ever unblock. */
async function readAllowFile(path: string): Promise<JobResults['allow']> {
  const writer = new SegmentWriter();
  const outcome = await readListFile(
    path,
    { format: 'auto', allowEmpty: true },
    { entry: (entry) => writer.add(entry) },
  );
  if (outcome.kind === 'refused') return { kind: 'refused', message: `the allow list ${path}: ${outcome.message}` };
  return { kind: 'parsed', payload: movable(writer.payload()), entries: writer.entryCount };
}
