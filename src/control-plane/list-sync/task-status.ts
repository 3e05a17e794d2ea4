/** What people and metrics are told of a list: its status, and the log lines of a new version. No decisions. */
import { skippedSamples, type ListContent } from './list-content.ts';
import { shownUpdate, type HeldUpdate } from './list-update.ts';
import type { ListStatus, SyncFailure } from './list-status.ts';
import type { PushedVersion } from './push/push-lanes.ts';
import type { SyncLog } from './sync-log.ts';

export interface TaskFacts {
  readonly name: string;
  /** In force. */
  readonly content: ListContent | undefined;
  readonly entriesInForce: number;
  /** What was pushed on top of it, of a list of the ledger. */
  readonly pushed: PushedVersion | undefined;
  readonly heldUpdate: HeldUpdate | undefined;
  readonly lastSuccessSeconds: number;
  readonly activationSeconds: number;
  readonly attempted: boolean;
  readonly failure: SyncFailure | undefined;
}

/** Held entries that go to the log with each new version; the status has more. */
const HELD_LOGGED_MAX = 5;

export function statusOfTask(facts: TaskFacts): ListStatus {
  const { name, content, heldUpdate, lastSuccessSeconds, activationSeconds, attempted, failure } = facts;
  const isPushedNewer = (facts.pushed?.version ?? 0) > (content?.version ?? 0);
  const pushed = isPushedNewer ? facts.pushed : undefined;
  return {
    name,
    entries: pushed?.entryCount ?? facts.entriesInForce,
    version: pushed?.version ?? content?.version ?? 0,
    sha256: pushed?.digest ?? content?.facts.sourceSha256 ?? '',
    format: content?.facts.format ?? '',
    lastSuccessSeconds,
    activationSeconds,
    rejectedByReason: content?.facts.skippedByReason ?? {},
    holdsByGuard: { ...content?.holds.byGuard, ...(heldUpdate !== undefined && { [heldUpdate.guard]: 1 }) },
    skippedSamples: content === undefined ? [] : skippedSamples(content.facts),
    heldSamples: content?.holds.samples ?? [],
    attempted,
    fromLastGoodCopy: content?.fromLastGoodCopy === true,
    ...(heldUpdate !== undefined && { heldUpdate: shownUpdate(heldUpdate) }),
    ...(failure !== undefined && { failure }),
  };
}

export function logInForce(log: SyncLog, list: string, content: ListContent | undefined, entries: number): void {
  if (content === undefined) return;
  const { version, facts, holds } = content;
  log.info({ list, version, entries, skipped: facts.skippedByReason, held: holds.byGuard }, 'the list is in force');
  for (const sample of holds.samples.slice(0, HELD_LOGGED_MAX)) {
    log.warn({ list, guard: sample.code, line: sample.lineNumber }, `held: ${sample.text}`);
  }
}
