/** One version of one list, as it is kept, and its number. Data and pure functions; list-task.ts decides. */
import type { ListHolds } from './list-holds.ts';
import type { StatusSample } from './list-status.ts';
import type { ListRecord } from './list-store.ts';
import type { ListFacts } from './parse-list.ts';
import type { SegmentData } from './segment-data.ts';
import type { Validators } from './sources/list-source.ts';

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

/** The number that a content has already, or the next one. The same octets read as another format are another content. */
export function versionOf(
  sha256: string,
  newest: Pick<ListContent, 'version' | 'facts'> | undefined,
  record: ListRecord | undefined,
  format = newest?.facts.format,
): number {
  const isSameSource = newest?.facts.sourceSha256 === sha256;
  if (isSameSource && newest.facts.format === format) return newest.version;
  // Why: behind a snapshot there may be a newer copy.
  if (!isSameSource && record?.sha256 === sha256 && record.version >= (newest?.version ?? 0)) return record.version;
  return Math.max(newest?.version ?? 0, record?.version ?? 0) + 1;
}

/** Whether what the source said then, that its content is the one we have, is worth anything for these settings. */
export function isOfSetting(record: ListRecord, source: string, format: string): boolean {
  return record.location === source && record.format === format;
}
