/**
 * The manifest that comes next, from the one before and the files that were written: which deltas stay, how the chain
 * goes on. Pure. For `weir feed build` and for a node that serves its push lists.
 */
import type { AcceptedManifest } from './feed-check.ts';
import type { WrittenFile } from './feed-file-writer.ts';
import { DELTAS_MAX, nextContentSha256, type DeltaFile, type Manifest, type SnapshotFile } from './manifest.ts';

export interface Release {
  readonly list: string;
  readonly version: number;
  readonly entryCount: number;
  readonly nowMs: number;
  readonly lifetimeMs: number;
  /** At this version; undefined: the one before goes on serving, with the delta behind it. */
  readonly snapshot: WrittenFile | undefined;
  /** From the version before; undefined: there is none, and whoever follows needs the snapshot. */
  readonly delta: WrittenFile | undefined;
  readonly deltasMax: number;
}

/** Errors: throws (a bug) where there is neither a snapshot nor a delta to lead to it. */
export function nextManifest(before: AcceptedManifest | undefined, release: Release): Manifest {
  const { list, version, entryCount, nowMs, lifetimeMs } = release;
  const changes = before === undefined ? release.snapshot : (release.delta ?? release.snapshot);
  if (changes === undefined) throw new Error(`nothing leads to version ${version} of ${list}`);
  const previous = before?.manifest;
  const snapshot = release.snapshot === undefined ? previous?.snapshot : snapshotFile(release.snapshot, version);
  if (snapshot === undefined) throw new Error(`version ${version} of ${list} has no snapshot`);
  const previousContentSha256 = previous?.contentSha256 ?? '';
  return {
    list,
    version,
    previousVersion: previous?.version ?? 0,
    previousSha256: before?.sha256 ?? '',
    previousContentSha256,
    contentSha256: nextContentSha256(previousContentSha256, version, changes.linesSha256),
    createdMs: nowMs,
    expiresMs: nowMs + lifetimeMs,
    entryCount,
    snapshot,
    deltas: deltasOf(previous, release, snapshot.version),
  };
}

/** The same version, signed anew with a later end. */
export function renewedManifest(before: Manifest, nowMs: number, lifetimeMs: number): Manifest {
  return { ...before, createdMs: nowMs, expiresMs: nowMs + lifetimeMs };
}

/** The same version over a fresher snapshot, which is of it or of one that a delta begins at. */
export function rebasedManifest(before: Manifest, file: WrittenFile, snapshotVersion: number): Manifest {
  const isNewest = snapshotVersion === before.version;
  return {
    ...before,
    snapshot: snapshotFile(file, snapshotVersion),
    entryCount: isNewest ? file.lines : before.entryCount,
  };
}

function snapshotFile({ url, bytes, sha256 }: WrittenFile, version: number): SnapshotFile {
  return { url, bytes, sha256, version };
}

function deltasOf(previous: Manifest | undefined, release: Release, snapshotVersion: number): DeltaFile[] {
  if (previous === undefined || release.delta === undefined) return [];
  const { url, bytes, sha256 } = release.delta;
  const all = [...previous.deltas, { from: previous.version, to: release.version, url, bytes, sha256 }];
  const kept = Math.min(Math.max(release.deltasMax, 0), DELTAS_MAX);
  const first = all.length - kept;
  // Why: those that lead on from the snapshot are no choice.
  return all.filter(({ from }, index) => index >= first || from >= snapshotVersion);
}
