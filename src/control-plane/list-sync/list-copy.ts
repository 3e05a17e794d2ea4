/**
 * The jobs between a list's task and its last good copy on the disk: write it, take it back. Between list-task.ts, which
 * decides when, and list-store.ts, which knows how.
 */
import { wallClockMs } from '../../clock.ts';
import type { ListConfig } from '../../config/config.ts';
import type { CompileRunner } from './compile-client.ts';
import type { GuardFiles } from './guard-files.ts';
import type { ListContent } from './list-content.ts';
import type { SyncFailure } from './list-status.ts';
import type { ListRecord, ListStore } from './list-store.ts';
import type { RestoreOutcome } from './parse-list.ts';
import type { RedirectHosts } from './redirect-hosts.ts';
import type { Validators } from './sources/list-source.ts';
import type { SyncLog } from './sync-log.ts';

export function recordOf(
  { version, facts }: ListContent,
  { source, format }: Pick<ListConfig, 'source' | 'format'>,
  validators: Validators | undefined,
  lastSuccessSeconds: number,
): ListRecord {
  const known = { version, sha256: facts.sourceSha256, location: source, format, lastSuccessSeconds };
  return { ...known, ...(validators !== undefined && { validators }) };
}

/** Makes a state directory ready. One that cannot be written to is said in the log, and no more. */
export async function openStore(store: ListStore, redirects: RedirectHosts, log: SyncLog): Promise<void> {
  const failure = await store.open();
  if (failure !== undefined)
    log.warn({ reason: failure.reason }, `${failure.message}; lists work without last good copies`);
  await redirects.load();
}

/** Undefined where it is on the disk now. */
export async function writeCopy(
  compile: CompileRunner,
  store: ListStore,
  list: string,
  content: ListContent,
  record: ListRecord,
): Promise<SyncFailure | undefined> {
  const createdAt = new Date(wallClockMs()).toISOString();
  const done = await compile.run({
    kind: 'persist',
    stateDirectory: store.stateDirectory,
    record,
    header: { ...content.facts, list, version: content.version, createdAt },
    segment: content.segment,
  });
  return done.kind === 'failed' ? { reason: 'store', message: done.message } : done.result.failure;
}

/** Undefined where there is none that is good; the log says why. */
export async function readCopy(
  compile: CompileRunner,
  store: ListStore,
  list: { readonly name: string; readonly approved: readonly string[] },
  guard: GuardFiles,
  log: SyncLog,
): Promise<Extract<RestoreOutcome, { kind: 'restored' }> | undefined> {
  const { name, approved } = list;
  const path = store.segmentPath(name);
  const done = await compile.run({ kind: 'restore', path, approved, guard, inMemory: false });
  if (done.kind === 'failed') log.error({ list: name }, done.message);
  else if (done.result.kind === 'damaged')
    log.error({ list: name }, `the last good copy is damaged: ${done.result.message}`);
  else if (done.result.kind === 'restored') return done.result;
  return undefined;
}
