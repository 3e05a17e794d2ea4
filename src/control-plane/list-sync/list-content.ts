/** One version of one list, as it is kept, and its number. Data and pure functions; list-task.ts decides. */
import type { JobOutcome } from './compile-client.ts';
import type { ListHolds } from './list-holds.ts';
import type { StatusSample, SyncFailure } from './list-status.ts';
import type { ListRecord } from './list-store.ts';
import type { ListFacts } from './parse-list.ts';
import type { SegmentData } from './segment-data.ts';
import type { Validators } from './sources/list-source.ts';
import { shownLocation } from './sources/shown-location.ts';

/** One version of the list: what the compile thread needs of it and what people want to know. */
export interface ListContent {
  readonly version: number;
  readonly facts: ListFacts;
  /** A small one in shared memory of the segment pool, a large one on the disk. */
  readonly segment: SegmentData;
  readonly holds: ListHolds;
  readonly fromLastGoodCopy: boolean;
  readonly seenMs: number;
  /** What the source said of it. */
  readonly validators: Validators | undefined;
}

export function skippedSamples(facts: ListFacts): StatusSample[] {
  return Object.entries(facts.samples).flatMap(([code, samples]) => samples.map((sample) => ({ code, ...sample })));
}

/** The number that a content has already, or the next one. The same octets read otherwise are another content. */
export function versionOf(
  sha256: string,
  newest: Pick<ListContent, 'version' | 'facts'> | undefined,
  record: ListRecord | undefined,
  format = newest?.facts.format,
  isSameSegment = true,
): number {
  const isSameSource = newest?.facts.sourceSha256 === sha256;
  if (isSameSource && newest.facts.format === format && isSameSegment) return newest.version;
  // Why: behind a snapshot there may be a newer copy.
  if (!isSameSource && record?.sha256 === sha256 && record.version >= (newest?.version ?? 0)) return record.version;
  return Math.max(newest?.version ?? 0, record?.version ?? 0) + 1;
}

/**
 * Whether entries were left out because their host is shared: a guard that knows fewer such hosts reads another list out
 * of the same octets.
 */
export function dependsOnSharedHosts(facts: ListFacts | undefined): boolean {
  return (facts?.skippedByReason.urlWithPathOnSharedHost ?? 0) > 0;
}

/** Why nothing of what was parsed may be used; undefined: it is good. */
export function failureOfParse(
  location: string,
  done: JobOutcome<'parse'>,
  isStillSame: boolean,
  before: ListFacts | undefined,
): SyncFailure | undefined {
  const source = shownLocation(location);
  if (!isStillSame) return { reason: 'changing', message: `${source} changed while it was read` };
  if (done.kind === 'failed') return { reason: 'internal', message: done.message };
  const parsed = done.result;
  if (parsed.kind === 'refused') return { reason: parsed.code, message: `${source}: ${parsed.message}` };
  // Why also empty: somebody took every entry back, which is in the ledger.
  if (parsed.version !== undefined) return undefined;
  if (parsed.facts.entries > 0 || before === undefined || before.entries === 0) return undefined;
  return { reason: 'empty', message: `${source} has no entry; before it had ${before.entries}` };
}

/** Whether what the source said then, that its content is the one we have, is worth anything for these settings. */
export function isOfSetting(record: ListRecord, source: string, format: string): boolean {
  return record.location === source && record.format === format;
}
