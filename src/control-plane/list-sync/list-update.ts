/**
 * From what a source gave to a content that may come into force: the compile thread parses it and compares it with the
 * version before, and an update that changes too much at once is held whole until a person lets it through. Between
 * list-task.ts, which keeps the contents, and the compile thread. Must not keep anything.
 */
import type { ListConfig } from '../../config/config.ts';
import type { ListApprovals, ListHoldsReport } from '../ledger/ledger.ts';
import type { CompileRunner } from './compile-client.ts';
import type { RadiusInput } from './guard/blast-radius.ts';
import { updateHold, type UpdateHold } from './guard/update-guard.ts';
import type { GuardFiles } from './guard-files.ts';
import { radiusHoldsFrom } from './held-entries.ts';
import { failureOfParse, type ListContent } from './list-content.ts';
import type { SyncFailure } from './list-status.ts';
import type { ListStore } from './list-store.ts';
import type { ParseOutcome } from './parse-list.ts';
import { removeSpilled, type SegmentMemory } from './segment-memory.ts';
import { readTrailer } from './segment-data.ts';
import type { ReadOutcome, Validators } from './sources/list-source.ts';
import type { BeforeUpdate } from './update-comparison.ts';

export interface UpdateServices {
  readonly compile: CompileRunner;
  readonly store: () => ListStore;
  readonly segments: SegmentMemory;
  readonly guardFiles: () => GuardFiles;
  readonly blastRadius: () => RadiusInput;
}

/** A whole update that waits for a person; what is in force stays. */
export interface HeldUpdate extends UpdateHold {
  /** Of its source: the name under which it is let through. */
  readonly sha256: string;
  /** With which the source says that this is still what it has. */
  readonly validators: Validators | undefined;
}

export interface UpdateRequest {
  readonly config: ListConfig;
  /** Names that the configuration or people have let through. */
  readonly approved: readonly string[];
  readonly approvals: ListApprovals;
  /** Undefined: its last good copy stands in for it. */
  readonly newest: ListContent | undefined;
  /** False: that was read from elsewhere, or as another format. */
  readonly isMeasured: boolean;
}

export type UpdateOutcome =
  | { readonly kind: 'parsed'; readonly parsed: Extract<ParseOutcome, { kind: 'parsed' }> }
  | { readonly kind: 'held'; readonly update: HeldUpdate }
  | { readonly kind: 'failed'; readonly failure: SyncFailure };

/** A spilled segment is the caller's where the outcome is `parsed`, and gone else. */
export async function readUpdate(
  read: Extract<ReadOutcome, { kind: 'content' }>,
  { config, approved, approvals, newest, isMeasured }: UpdateRequest,
  { compile, store, segments, guardFiles, blastRadius }: UpdateServices,
): Promise<UpdateOutcome> {
  const { name, source, format, bytesMax, badLinesPercentMax } = config;
  const spill = { path: store().spillPath(name), copyPath: store().segmentPath(name) };
  const before = newest === undefined ? beforeOfCopy(spill.copyPath, isMeasured) : beforeUpdate(newest, isMeasured);
  // Why: what comes into force meanwhile lets go of it.
  if (newest !== undefined) segments.hold([newest.segment]);
  try {
    const done = await compile.run({
      kind: 'parse',
      input: read.input,
      settings: { format, bytesMax, badLinesPercentMax, approved, allowEmpty: false, spill },
      guard: guardFiles(),
      before,
      radius: blastRadius(),
    });
    const failure = failureOfParse(source, done, await read.isStillSame(), newest?.facts);
    if (failure !== undefined || done.kind === 'failed' || done.result.kind === 'refused') {
      await removeSpilled(spill.path);
      return { kind: 'failed', failure: failure ?? { reason: 'internal', message: 'nothing was parsed' } };
    }
    const parsed = done.result;
    const { sourceSha256: sha256 } = parsed.facts;
    const isLetThrough = sha256 === newest?.facts.sourceSha256 || approvals.updateSha256s.includes(sha256);
    const hold = parsed.change === undefined || isLetThrough ? undefined : updateHold(parsed.change, config);
    if (hold === undefined) return { kind: 'parsed', parsed };
    await removeSpilled(spill.path);
    return { kind: 'held', update: { ...hold, sha256, validators: read.validators } };
  } finally {
    if (newest !== undefined) segments.release([newest.segment]);
  }
}

function beforeUpdate({ segment, facts, holds }: ListContent, isMeasured: boolean): BeforeUpdate {
  const { entries, radiusHeld = [] } = facts;
  return { segment, entries, held: holds.held, radiusHeld, isMeasured };
}

/** Why: at a start without a compiled index a file is read first, and its last good copy only if that leads to nothing. */
export function beforeOfCopy(path: string, isMeasured: boolean): BeforeUpdate | undefined {
  const trailer = readTrailer(path);
  if (trailer.kind !== 'ok') return undefined;
  const { header, payloadBytes, payloadSha256 } = trailer;
  const segment = { kind: 'disk' as const, path, copyPath: path, payloadBytes, payloadSha256 };
  const held = new Uint32Array(0);
  return { segment, entries: header.entries, held, radiusHeld: radiusHoldsFrom(header.radiusHeld), isMeasured };
}

/** What a person should know and can do. */
export function heldUpdateText({ guard, detail }: UpdateHold, version: number): string {
  const key = guard === 'shrink' ? 'shrinkPercentMax' : guard === 'growth' ? 'growthPercentMax' : 'blastRadius';
  const letThrough = `let it through (weir holds release), or raise ${key} and reload`;
  return `an update is held: ${detail}; version ${version} stays in force. If it is right, ${letThrough}`;
}

export function shownUpdate({ sha256, guard, detail }: HeldUpdate): Omit<HeldUpdate, 'validators'> {
  return { sha256, guard, detail };
}

/** For whoever decides about it. */
export function holdsReport(
  list: string,
  inForce: ListContent | undefined,
  heldUpdate: HeldUpdate | undefined,
): ListHoldsReport {
  const { version = 0, holds } = inForce ?? {};
  return { list, version, entries: holds?.names ?? [], update: heldUpdate && shownUpdate(heldUpdate) };
}
