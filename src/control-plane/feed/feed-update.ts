/**
 * Brings a list from the version that it has to the one that a believed manifest names: by deltas where they lead on from
 * it, else by the snapshot and the deltas behind that. Everything is downloaded and verified first; the ledger takes it as
 * one change or not at all. What several files say of one name is folded, so that the ledger hears of it once.
 */
import type { FeedUpdate as Begin, ChangeDone, Ledger, ProposedEntry, ProposedRemoval } from '../ledger/ledger.ts';
import type { AcceptedManifest, FeedRefusal, HeldVersion } from './feed-check.ts';
import { isCounted, refuseFeed } from './feed-check.ts';
import { readFeedLines, type FeedOperation } from './feed-lines.ts';
import { failedFeed, type FeedFailure, type FeedSource } from './feed-source.ts';
import { nextContentSha256, type DeltaFile, type Manifest, type SnapshotFile } from './manifest.ts';

/** Longer chains are not worth it; the snapshot is one file. */
export const CHAIN_MAX = 200;
/** Operations of deltas that are folded in memory. */
export const FOLDED_MAX = 250_000;
/** Entries handed to the ledger at a time. */
const STAGE_ENTRIES = 1000;

export type UpdateLedger = Pick<Ledger, 'beginFeed' | 'stage' | 'commit' | 'abandon'>;

export interface UpdateServices {
  readonly ledger: UpdateLedger;
  readonly source: FeedSource;
  /** Of the list's configuration: a file's size, compressed and decompressed. */
  readonly bytesMax: number;
}

export interface Route {
  readonly snapshot: SnapshotFile | undefined;
  readonly deltas: readonly DeltaFile[];
}

export type UpdateOutcome =
  { readonly kind: 'updated'; readonly done: ChangeDone; readonly route: Route } | FeedFailure;

export function routeTo(manifest: Manifest, heldVersion: number): Route {
  const start = heldVersion === 0 ? -1 : manifest.deltas.findIndex(({ from }) => from === heldVersion);
  const deltas = start < 0 ? [] : manifest.deltas.slice(start);
  const bytes = deltas.reduce((total, file) => total + file.bytes, 0);
  const isShort = deltas.length <= CHAIN_MAX && (bytes <= manifest.snapshot.bytes || deltas.length === 1);
  return deltas.length > 0 && isShort ? { snapshot: undefined, deltas } : routeBySnapshot(manifest);
}

function routeBySnapshot({ snapshot, deltas }: Manifest): Route {
  return { snapshot, deltas: deltas.filter(({ from }) => from >= snapshot.version) };
}

/** Errors: none; a refusal leaves what is in force as it is. */
export async function updateTo(
  accepted: AcceptedManifest,
  held: HeldVersion,
  services: UpdateServices,
): Promise<UpdateOutcome> {
  const { manifest } = accepted;
  let route = routeTo(manifest, held.version);
  let folded = await foldDeltas(route, manifest, held, services);
  const isNoWay = folded.kind === 'tooMany' || (folded.kind === 'failed' && folded.isMissing === true);
  if (isNoWay && route.snapshot === undefined) {
    route = routeBySnapshot(manifest);
    folded = await foldDeltas(route, manifest, held, services);
  }
  return stageAll(route, folded, accepted, held, services);
}

type Folded =
  | { readonly kind: 'folded'; readonly operations: ReadonlyMap<string, FeedOperation> }
  | { readonly kind: 'tooMany' }
  | FeedFailure;

async function foldDeltas(
  route: Route,
  manifest: Manifest,
  held: HeldVersion,
  services: UpdateServices,
): Promise<Folded> {
  const operations = new Map<string, FeedOperation>();
  let content = held.manifest?.value.contentSha256;
  for (const file of route.deltas) {
    const path = await services.source.download(file, services.bytesMax);
    if (typeof path !== 'string') return path;
    const read = await readLines(path, 'delta', services, (batch) => {
      // Why here too: one file may have far more, and would be in memory whole before it is found too long.
      if (operations.size > FOLDED_MAX) return;
      for (const operation of batch) fold(operations, operation);
    });
    if (read.kind === 'failed') return read;
    if (operations.size > FOLDED_MAX) return { kind: 'tooMany' };
    if (content !== undefined) content = nextContentSha256(content, file.to, read.linesSha256);
  }
  const isChain = route.snapshot !== undefined || content === undefined || content === manifest.contentSha256;
  if (isChain) return { kind: 'folded', operations };
  return failedBy(
    refuseFeed('feedChain', `what the deltas lead to is not version ${manifest.version} of the manifest`),
  );
}

function fold(operations: Map<string, FeedOperation>, operation: FeedOperation): void {
  if (operation.kind === 'add') {
    operations.set(keyOf(operation.entry.name, operation.entry.scope), operation);
    return;
  }
  const { name, scope } = operation.removal;
  for (const one of scope === undefined ? ['exact', 'subtree'] : [scope]) {
    operations.set(keyOf(name, one), { kind: 'remove', removal: { name, scope: one } });
  }
}

function keyOf(name: string, scope = 'subtree'): string {
  return `${scope} ${name}`;
}

async function stageAll(
  route: Route,
  folded: Folded,
  { manifest, sha256, keyId }: AcceptedManifest,
  held: HeldVersion,
  services: UpdateServices,
): Promise<UpdateOutcome> {
  if (folded.kind === 'failed') return folded;
  if (folded.kind === 'tooMany') {
    return failedBy(refuseFeed('tooLarge', `the deltas behind the snapshot have over ${FOLDED_MAX} lines`));
  }
  const { ledger } = services;
  const begin: Begin = {
    list: manifest.list,
    version: manifest.version,
    manifestSha256: sha256,
    fromVersion: route.snapshot === undefined ? held.version : undefined,
    keyId,
  };
  // Why before: a server that redirects this file elsewhere is known to the guard, which looks at entries from here on.
  const snapshot = route.snapshot && (await services.source.download(route.snapshot, services.bytesMax));
  if (typeof snapshot === 'object') return snapshot;
  const begun = await ledger.beginFeed(begin);
  if (begun.kind === 'refused') return refusedByLedger(begun);
  let failure: FeedFailure | undefined;
  try {
    failure =
      (snapshot === undefined
        ? undefined
        : await stageSnapshot(snapshot, folded.operations, manifest, begun.id, services)) ??
      (await stageOperations(folded.operations, begun.id, ledger));
  } catch (error) {
    // Why: the ledger takes one bulk change of a list at a time, and waits for this one for minutes.
    await ledger.abandon(begun.id).catch(() => undefined);
    throw error;
  }
  if (failure !== undefined) {
    await ledger.abandon(begun.id);
    return failure;
  }
  const done = await ledger.commit(begun.id);
  return done.kind === 'refused' ? refusedByLedger(done) : { kind: 'updated', done, route };
}

async function stageSnapshot(
  path: string,
  operations: ReadonlyMap<string, FeedOperation>,
  manifest: Manifest,
  id: number,
  services: UpdateServices,
): Promise<FeedFailure | undefined> {
  let entries = 0;
  const read = await readLines(path, 'snapshot', services, async (batch) => {
    const add: ProposedEntry[] = [];
    for (const operation of batch) {
      if (operation.kind !== 'add' || operations.has(keyOf(operation.entry.name, operation.entry.scope))) continue;
      add.push(operation.entry);
    }
    entries += add.length;
    if (add.length > 0) await services.ledger.stage(id, add, []);
  });
  if (read.kind === 'failed') return read;
  if (!isCounted(manifest) || entries === manifest.entryCount) return undefined;
  return failedBy(refuseFeed('feedFormat', `it has ${entries} entries, and the manifest says ${manifest.entryCount}`));
}

async function stageOperations(
  operations: ReadonlyMap<string, FeedOperation>,
  id: number,
  ledger: UpdateLedger,
): Promise<undefined> {
  let add: ProposedEntry[] = [];
  let remove: ProposedRemoval[] = [];
  for (const operation of operations.values()) {
    if (operation.kind === 'add') add.push(operation.entry);
    else remove.push(operation.removal);
    if (add.length + remove.length < STAGE_ENTRIES) continue;
    await ledger.stage(id, add, remove);
    add = [];
    remove = [];
  }
  if (add.length + remove.length > 0) await ledger.stage(id, add, remove);
}

async function readLines(
  path: string,
  kind: 'snapshot' | 'delta',
  { bytesMax }: UpdateServices,
  onBatch: (operations: readonly FeedOperation[]) => Promise<void> | void,
) {
  const read = await readFeedLines(path, kind, { bytesMax, decompressedBytesMax: bytesMax }, onBatch);
  return read.kind === 'refused' ? failedBy(read) : read;
}

function failedBy({ reason, message }: FeedRefusal): FeedFailure {
  return failedFeed({ reason, message });
}

function refusedByLedger({ code, message }: { readonly code: string; readonly message: string }): FeedFailure {
  const reason =
    code === 'storeFull' || code === 'storeUnavailable' ? 'store' : code === 'tooManyEntries' ? code : 'internal';
  return failedFeed({ reason, message: `the ledger: ${message}` });
}
