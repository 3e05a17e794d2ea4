/**
 * The policy that a configuration would have in force now, made once and in the caller's thread: for `weir check` and
 * tests. Uses the same parser, guard and compiler as list-sync. Writes nothing: version numbers are those that list-sync
 * has given or would give next.
 */
import { monotonicMs } from '../../clock.ts';
import type { Config, ListConfig } from '../../config/config.ts';
import type { PublishedPolicy } from '../../policy/published.ts';
import { ledgerAudience } from '../ledger-audience.ts';
import { openLedgerReader } from '../ledger/ledger-reader.ts';
import type { ListApprovals } from '../ledger/ledger.ts';
import { CompileWorkshop } from './compile-jobs.ts';
import { guardFilesOf, type GuardFiles } from './guard-files.ts';
import { isOfLedger } from './ledger-list.ts';
import type { ListHolds } from './list-holds.ts';
import type { ListStatus, SyncFailure } from './list-status.ts';
import { ListStore } from './list-store.ts';
import { isOfSetting, versionOf } from './list-content.ts';
import { updateHold } from './guard/update-guard.ts';
import { beforeOfCopy } from './list-update.ts';
import type { ListFacts } from './parse-list.ts';
import { publishedAudience, type Audience } from './published-audience.ts';
import { publishedLists } from './published-lists.ts';
import { keptRedirectHosts } from './redirect-hosts.ts';
import type { SegmentData } from './segment-data.ts';
import { shownLocation } from './sources/shown-location.ts';
import { openSource } from './sources/sources.ts';

/** One list as it was found; `payload` is its segment. */
export interface LoadedList {
  readonly config: ListConfig;
  readonly version: number;
  readonly facts: ListFacts | undefined;
  readonly payload: Uint8Array | undefined;
  readonly holds: ListHolds | undefined;
  readonly fromLastGoodCopy: boolean;
  readonly failure: SyncFailure | undefined;
}

export interface LoadedPolicy {
  readonly policy: PublishedPolicy;
  readonly statuses: readonly ListStatus[];
  readonly lists: readonly LoadedList[];
  /** Odd things in the guard's files, and allow files that could not be used. */
  readonly warnings: readonly string[];
}

export interface LoadPolicyOptions {
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** Errors: GuardUnavailable where a file of protected, popular or shared names cannot be used. */
export async function loadPolicyOnce(config: Config, options: LoadPolicyOptions = {}): Promise<LoadedPolicy> {
  const startMs = monotonicMs();
  const warnings: string[] = [];
  const workshop = new CompileWorkshop((text) => warnings.push(text));
  const guard = await guardFilesOnce(config);
  const { approvals, audience } = readLedger(config, warnings);
  const steps = config.lists.length + 1;
  const lists: LoadedList[] = [];
  for (const [index, list] of config.lists.entries()) {
    options.onProgress?.(index, steps, list.name);
    const { names, updateSha256s } = approvals.get(list.name) ?? { names: [], updateSha256s: [] };
    const letThrough = { ...list, approved: [...list.approved, ...names] };
    const store = new ListStore(config.stateDirectory);
    const { loaded, heldUpdate } = await loadList(letThrough, store, workshop, guard, updateSha256s);
    if (heldUpdate !== undefined)
      warnings.push(`list ${list.name}: ${heldUpdate}; what was in force before is looked at`);
    lists.push(loaded);
  }
  options.onProgress?.(config.lists.length, steps, 'index');
  const built = await workshop.run({
    kind: 'build',
    seed: 0,
    lists: lists.map(({ config: { name, category, mode, action, approved }, payload, facts, holds }) => ({
      settings: { name, category, mode, action },
      segment: payload && { kind: 'memory' as const, payload },
      entries: facts?.entries ?? 0,
      nameBytes: facts?.nameBytes,
      approved,
      holds,
    })),
    allow: await loadAllow(config.allow, workshop, warnings),
    guard,
    buffers: [],
  });
  if (built.kind === 'lost') throw new Error(built.message);
  options.onProgress?.(steps, steps, 'ready');
  const policy: PublishedPolicy = {
    generation: 1,
    base: built.base,
    overlay: undefined,
    lists: publishedLists(config.lists, lists, (name) => config.lists.findIndex((list) => list.name === name)),
    allowSources: config.allow,
    ...publishedAudience(audience, config.lists),
  };
  const seconds = (monotonicMs() - startMs) / 1000;
  return {
    policy,
    lists,
    warnings,
    statuses: lists.map((list, i) => statusOf(list, built.entriesInForce[i] ?? 0, seconds)),
  };
}

interface OfLedger {
  /** What people have let through, by pulled list. */
  readonly approvals: ReadonlyMap<string, ListApprovals>;
  readonly audience: Audience;
}

/** As the ledger has it, whether Weir runs or not. */
function readLedger({ stateDirectory, lists }: Config, warnings: string[]): OfLedger {
  try {
    const reader = openLedgerReader(stateDirectory);
    try {
      const approvals = new Map(lists.map(({ name }) => [name, reader.approvals(name)]));
      const { audience, warnings: more } = ledgerAudience(reader, stateDirectory);
      warnings.push(...more);
      return { approvals, audience };
    } finally {
      reader.close();
    }
  } catch (error) {
    warnings.push(`the ledger does not say what people have let through, nor for whom rules hold: ${String(error)}`);
    return { approvals: new Map(), audience: {} };
  }
}

/** As the files and the state directory have them now. */
export async function guardFilesOnce(config: Config): Promise<GuardFiles> {
  const store = new ListStore(config.stateDirectory);
  return guardFilesOf(config, 0, await keptRedirectHosts(store, config.lists));
}

async function loadAllow(
  paths: readonly string[],
  workshop: CompileWorkshop,
  warnings: string[],
): Promise<(Uint8Array | undefined)[]> {
  const segments: (Uint8Array | undefined)[] = [];
  for (const path of paths) {
    const outcome = await workshop.run({ kind: 'allow', path });
    if (outcome.kind === 'refused') warnings.push(outcome.message);
    segments.push(outcome.kind === 'parsed' ? outcome.payload : undefined);
  }
  return segments;
}

/** A file, or a list of the ledger, as it is now; a URL's last good copy, or the URL where there is none. */
async function loadList(
  config: ListConfig,
  store: ListStore,
  workshop: CompileWorkshop,
  guard: GuardFiles,
  updateSha256s: readonly string[],
): Promise<{ readonly loaded: LoadedList; readonly heldUpdate?: string }> {
  const nothing = {
    config,
    version: 0,
    facts: undefined,
    payload: undefined,
    holds: undefined,
    fromLastGoodCopy: false,
  };
  const isRead = config.sourceKind !== 'https';
  const restored = isRead ? undefined : await restore(config, store, workshop, guard);
  if (restored !== undefined) return { loaded: restored };
  const read = await readSource(config, store, workshop, guard, updateSha256s);
  if (!('message' in read)) return { loaded: read };
  const copy = isRead ? await restore(config, store, workshop, guard) : undefined;
  if (!('reason' in read)) return { loaded: { ...(copy ?? nothing), failure: undefined }, heldUpdate: read.message };
  return { loaded: { ...(copy ?? nothing), failure: read } };
}

async function restore(
  config: ListConfig,
  store: ListStore,
  workshop: CompileWorkshop,
  guard: GuardFiles,
): Promise<LoadedList | undefined> {
  const path = store.segmentPath(config.name);
  const outcome = await workshop.run({ kind: 'restore', path, approved: config.approved, guard, inMemory: true });
  if (outcome.kind !== 'restored') return undefined;
  const { version, facts, segment, holds } = outcome;
  const payload = payloadOf(segment);
  return { config, version, facts, payload, holds, fromLastGoodCopy: true, failure: undefined };
}

async function readSource(
  config: ListConfig,
  store: ListStore,
  workshop: CompileWorkshop,
  guard: GuardFiles,
  updateSha256s: readonly string[],
): Promise<LoadedList | SyncFailure | { readonly kind: 'held'; readonly message: string }> {
  const { source: location, bytesMax, format, badLinesPercentMax, approved } = config;
  const source = openSource(config, store.stateDirectory);
  try {
    const read = await source.read({ validators: undefined, force: true });
    if (read.kind === 'failed') return read.failure;
    if (read.kind === 'unchanged')
      return { reason: 'internal', message: `${shownLocation(location)} says that it is unchanged` };
    const settings = { format, bytesMax, badLinesPercentMax, approved, allowEmpty: false };
    const record = await store.readRecord(config.name);
    const isMeasured = record !== undefined && isOfSetting(record, location, format);
    const before = isOfLedger(config) ? undefined : beforeOfCopy(store.segmentPath(config.name), isMeasured);
    // Why nothing new for how many ask: whoever runs has the counts. What was held for that stays held.
    const comparison = { before, radius: undefined };
    const parsed = await workshop.run({ kind: 'parse', input: read.input, settings, guard, ...comparison });
    if (parsed.kind === 'refused')
      return { reason: parsed.code, message: `${shownLocation(location)}: ${parsed.message}` };
    const { facts, segment, holds } = parsed;
    const isLetThrough = record?.sha256 === facts.sourceSha256 || updateSha256s.includes(facts.sourceSha256);
    const hold = parsed.change === undefined || isLetThrough ? undefined : updateHold(parsed.change, config);
    if (hold !== undefined) return { kind: 'held', message: `an update is held: ${hold.detail}` };
    const payload = payloadOf(segment);
    const version = parsed.version ?? versionOf(facts.sourceSha256, undefined, record);
    return { config, version, facts, payload, holds, fromLastGoodCopy: false, failure: undefined };
  } finally {
    source.close();
  }
}

/** Nothing is spilled here. */
function payloadOf(segment: SegmentData): Uint8Array | undefined {
  return segment.kind === 'memory' ? segment.payload : undefined;
}

function statusOf(list: LoadedList, entries: number, activationSeconds: number): ListStatus {
  const { config, version, facts, holds, fromLastGoodCopy, failure } = list;
  return {
    name: config.name,
    entries,
    version,
    sha256: facts?.sourceSha256 ?? '',
    format: facts?.format ?? '',
    lastSuccessSeconds: 0,
    activationSeconds,
    rejectedByReason: facts?.skippedByReason ?? {},
    holdsByGuard: holds?.byGuard ?? {},
    skippedSamples: Object.entries(facts?.samples ?? {}).flatMap(([code, all]) => all.map((one) => ({ code, ...one }))),
    heldSamples: holds?.samples ?? [],
    attempted: true,
    fromLastGoodCopy,
    ...(failure !== undefined && { failure }),
  };
}
