/**
 * The ledger itself, over its file: what is asked of it as transactions, one writer at a time, and reads beside that on a
 * connection of their own. Lives in the ledger's thread (ledger-thread.ts); everyone else has a LedgerClient. What a
 * method here resolves to is on the disk. What the disk refuses is a refusal, or, where none can be said, LedgerUnavailable.
 */
import { monotonicMs, wallClockMs } from '../../clock.ts';
import { estimateQueries } from '../../telemetry/query-sketch.ts';
import type { GuardFiles } from '../list-sync/guard-files.ts';
import { AppealStore } from './appeal-store.ts';
import { tidyAppeals } from './tidy-appeals.ts';
import { AuditChain } from './audit-chain.ts';
import { BulkChange } from './bulk-change.ts';
import { BulkChanges } from './bulk-changes.ts';
import { ClockWatch } from './clock-watch.ts';
import { changeSteps, replayed } from './change-transaction.ts';
import { decideSteps } from './decide-hold.ts';
import { ExceptionStore, forgetExceptions } from './exception-store.ts';
import { approvedNames, EntryGuard, type QueryEstimator } from './entry-guard.ts';
import { entriesAfter, entriesOfRollout } from './entry-rows.ts';
import { holdsPage } from './hold-rows.ts';
import { answerTo, RequestHash } from './idempotent-answers.ts';
import { findIncident } from './incident-finder.ts';
import { LedgerConnection } from './ledger-connection.ts';
import { mayAct, pushList, refuse } from './ledger-context.ts';
import type { LedgerContext, ListContext } from './ledger-context.ts';
import { LedgerUnavailable, storeRefusal, unavailable } from './ledger-failure.ts';
import { lookUpNames } from './ledger-reader.ts';
import type * as Contract from './ledger.ts';
import { deltaSince } from './list-deltas.ts';
import { ensureListHead, FIRST_DIGEST, listHead, type ListHead } from './list-heads.ts';
import { listApprovals, takeListHolds } from './list-holds.ts';
import { moveSteps } from './move-rollout.ts';
import { nameHistory } from './name-history.ts';
import { openLedgerDatabase } from './open-database.ts';
import { tidyStep } from './retention.ts';
import { rollbackOrder } from './rollback-order.ts';
import { newestRollouts, rolloutById } from './rollout-rows.ts';
import { deleteLeftovers, MemoryStage } from './staged-change.ts';
import { TokenStore } from './token-store.ts';
import { versionRows } from './version-rows.ts';
import { WriteQueue } from './write-queue.ts';

/** A change of more entries gives way to others while it is written. */
const SMALL_ENTRIES_MAX = 500;
/** Units: milliseconds from one look for what is to be forgotten to the next, and between two steps of it. */
const TIDY_INTERVAL_MS = 30_000;
const TIDY_STEP_MS = 50;

export interface LedgerStoreOptions {
  readonly stateDirectory: string;
  /** For tests. */
  readonly estimateQueries?: QueryEstimator | undefined;
  readonly nowSeconds?: () => number;
  readonly pagesMax?: number;
}

const NO_SETTINGS: Contract.LedgerSettings = {
  lists: [],
  guard: undefined,
  entriesMax: 0,
  queryCounts: [],
  blastRadius: { sharePercent: 100, queriesMin: 1 },
};

export class LedgerStore implements Contract.Ledger {
  readonly #write: LedgerConnection;
  readonly #read: LedgerConnection;
  readonly #queue: WriteQueue;
  readonly #bulk: BulkChanges;
  readonly #tokens: TokenStore;
  /** Over the reading connection. */
  readonly #events: AuditChain;
  readonly #appeals: AppealStore;
  readonly #exceptions: ExceptionStore;
  #context: LedgerContext;
  readonly #clock = new ClockWatch();
  #searching: Promise<unknown> = Promise.resolve();
  #tidying: NodeJS.Timeout;

  /** Errors: throws LedgerUnusable, or what the file system says. */
  constructor(options: LedgerStoreOptions) {
    const { stateDirectory, pagesMax } = options;
    this.#write = new LedgerConnection(openLedgerDatabase(stateDirectory, pagesMax === undefined ? {} : { pagesMax }));
    this.#read = new LedgerConnection(openLedgerDatabase(stateDirectory, { readOnly: true }));
    this.#queue = new WriteQueue(this.#write);
    this.#bulk = new BulkChanges(stateDirectory);
    this.#tokens = new TokenStore(this.#read.db);
    this.#events = new AuditChain(this.#read.db);
    this.#context = {
      write: this.#write,
      read: this.#read,
      audit: new AuditChain(this.#write.db),
      guard: new EntryGuard(options.estimateQueries ?? estimateQueries),
      lists: new Map(),
      settings: NO_SETTINGS,
      nowSeconds: options.nowSeconds ?? (() => Math.floor(wallClockMs() / 1000)),
    };
    this.#appeals = new AppealStore(() => this.#context, this.#queue);
    this.#exceptions = new ExceptionStore(() => this.#context, this.#queue);
    deleteLeftovers(stateDirectory);
    const writtenSeconds = this.#events.lastAtSeconds();
    const writtenMs = writtenSeconds === undefined ? undefined : writtenSeconds * 1000;
    this.#clock.begin(this.#context.nowSeconds() * 1000, monotonicMs(), writtenMs);
    this.#tidying = setTimeout(() => void this.#tidy(), TIDY_INTERVAL_MS).unref();
  }

  async authenticate(token: string): Promise<Contract.Actor | undefined> {
    return this.#tokens.find(token, this.#context.nowSeconds());
  }

  async configure(settings: Contract.LedgerSettings): Promise<void> {
    const lists = settings.lists.map((list): [string, ListContext] => [
      list.name,
      { settings: list, approved: approvedNames(list) },
    ]);
    this.#context = { ...this.#context, settings, lists: new Map(lists) };
  }

  async change(request: Contract.ChangeRequest): Promise<Contract.ChangeDone | Contract.LedgerRefusal> {
    const target = this.#pushTarget(request, ['push', 'propose']);
    if ('kind' in target) return target;
    const refusal = request.add.length === 0 ? undefined : await this.#prepareGuard();
    if (refusal !== undefined) return refusal;
    const change = new BulkChange(this.#context, target, { kind: 'push', request }, new MemoryStage());
    change.add(request.add, request.remove);
    return this.#commit(change);
  }

  async begin(
    request: Parameters<Contract.Ledger['begin']>[0],
  ): Promise<{ kind: 'begun'; id: number } | Contract.LedgerRefusal> {
    const target = this.#pushTarget(request, ['push', 'propose']);
    if ('kind' in target) return target;
    const { head } = new RequestHash(request.list, request.reason);
    const before = answerTo(this.#read, request.actor.id, request.idempotencyKey, { head });
    if (before?.kind === 'replay') return this.#bulk.repeat(request);
    const refusal = before ?? (await this.#prepareGuard());
    return refusal ?? this.#bulk.begin(this.#context, target, { kind: 'push', request });
  }

  async stage(
    id: number,
    add: readonly Contract.ProposedEntry[],
    remove: readonly Contract.ProposedRemoval[],
  ): Promise<void> {
    this.#bulk.stage(id, add, remove);
  }

  async commit(id: number): Promise<Contract.ChangeDone | Contract.LedgerRefusal> {
    const change = this.#bulk.take(id);
    if (change instanceof BulkChange) return this.#commit(change);
    const before = change?.answer(this.#read);
    if (change !== undefined && before?.kind === 'replay') {
      return this.#queue.small(() => replayed(this.#context, ensureListHead(this.#write, change.list), before));
    }
    if (before?.kind === 'refused') return before;
    return unavailable('The ledger has given up this bulk change. Nothing was changed; send it again.');
  }

  async abandon(id: number): Promise<void> {
    this.#bulk.abandon(id);
  }

  async beginFeed(update: Contract.FeedUpdate): Promise<{ kind: 'begun'; id: number } | Contract.LedgerRefusal> {
    const target = this.#context.lists.get(update.list);
    if (target?.settings.source !== 'feed') return refuse('listUnknown', `There is no feed ${update.list}.`);
    const refusal = await this.#prepareGuard();
    return refusal ?? this.#bulk.begin(this.#context, target, { kind: 'feed', update });
  }

  async feedPosition(list: string): Promise<Contract.FeedPosition> {
    const head = listHead(this.#read, list);
    if (head === undefined) return { version: 0, manifestSha256: '', keyId: '' };
    return { version: head.feedVersion, manifestSha256: head.feedManifest, keyId: head.feedKey };
  }

  async rollback(
    list: string,
    toVersion: number,
    reason: string,
    actor: Contract.Actor,
  ): Promise<Contract.ChangeDone | Contract.LedgerRefusal> {
    const target = this.#pushTarget({ list, actor }, ['push']);
    if ('kind' in target) return target;
    const refusal = await this.#prepareGuard();
    if (refusal !== undefined) return refusal;
    return this.#run(() =>
      changeSteps(this.#context, rollbackOrder(this.#context, target, { toVersion, reason, actor })),
    );
  }

  async versions(list: string, limit: number): Promise<readonly Contract.VersionRow[]> {
    const head = listHead(this.#read, list);
    return head === undefined ? [] : versionRows(this.#read, head.id, limit);
  }

  async deltaSince(list: string, version: number): Promise<Contract.LedgerDelta | undefined> {
    const head = listHead(this.#read, list) ?? emptyHead(list);
    return deltaSince(this.#read, head, version, this.#context.nowSeconds());
  }

  async entries(list: string, after: string, limit: number): Promise<readonly Contract.LedgerEntry[]> {
    const head = listHead(this.#read, list);
    return head === undefined ? [] : entriesAfter(this.#read, head.id, after, limit, this.#context.nowSeconds());
  }

  async lookUp(names: readonly string[]): Promise<readonly (Contract.NameState & { readonly list: string })[]> {
    return lookUpNames(this.#read, names, this.#context.nowSeconds());
  }

  async history(name: string, limit: number): Promise<readonly Contract.NameEvent[]> {
    return nameHistory(this.#read, name, limit);
  }

  async findIncident(incident: string): ReturnType<Contract.Ledger['findIncident']> {
    // Why one after the other: each is a walk through a list.
    const search = this.#searching.then(() => findIncident(this.#read, incident));
    this.#searching = search.catch(() => undefined);
    return search;
  }

  async holds(filter: Parameters<Contract.Ledger['holds']>[0]): Promise<readonly Contract.HoldRow[]> {
    return holdsPage(this.#read, filter);
  }

  async decideHold(
    id: string,
    decision: 'release' | 'reject',
    reason: string,
    actor: Contract.Actor,
  ): ReturnType<Contract.Ledger['decideHold']> {
    return this.#run(() => decideSteps(this.#context, { id, decision, reason, actor }));
  }

  async reportListHolds(report: Contract.ListHoldsReport): Promise<void> {
    await this.#writeOrThrow(() => {
      const head = ensureListHead(this.#write, report.list);
      const at = this.#context.nowSeconds();
      const data = { version: report.version, ...takeListHolds(this.#write, head, report, at) };
      if (data.opened + data.closed === 0) return;
      this.#context.audit.append({ actor: 'system', kind: 'hold', list: report.list, data }, at);
    });
  }

  async approvals(list: string): Promise<Contract.ListApprovals> {
    return listApprovals(this.#read, listHead(this.#read, list), list);
  }

  async rollouts(): Promise<readonly Contract.RolloutRow[]> {
    return newestRollouts(this.#read);
  }

  async rolloutEntries(id: string, limit: number): Promise<readonly Contract.LedgerEntry[]> {
    const row = rolloutById(this.#read, id);
    return row === undefined ? [] : entriesOfRollout(this.#read, row.id, limit);
  }

  async moveRollout(
    id: string,
    to: 'promote' | 'abort',
    reason: string,
    actor: Contract.Actor,
  ): ReturnType<Contract.Ledger['moveRollout']> {
    return this.#run(() => moveSteps(this.#context, { id, to, reason, actor }));
  }

  fileAppeal: Contract.Ledger['fileAppeal'] = async (sent) => this.#appeals.file(sent);
  appealBySecret: Contract.Ledger['appealBySecret'] = async (secret) => this.#appeals.bySecret(secret);
  appeal: Contract.Ledger['appeal'] = async (id) => this.#appeals.byId(id);
  appeals: Contract.Ledger['appeals'] = async (filter) => this.#appeals.page(filter);
  reviewAppeal: Contract.Ledger['reviewAppeal'] = async (id, actor) => this.#appeals.review(id, actor);
  decideAppeal: Contract.Ledger['decideAppeal'] = async (...verdict) => this.#appeals.decide(...verdict);
  proveOwner: Contract.Ledger['proveOwner'] = async (id, by) => this.#appeals.prove(id, by);

  createException: Contract.Ledger['createException'] = async (...sent) => this.#exceptions.create(...sent);
  endException: Contract.Ledger['endException'] = async (...ended) => this.#exceptions.end(...ended);
  exceptions: Contract.Ledger['exceptions'] = async (filter) => this.#exceptions.page(filter);

  async audit(after: number, limit: number): Promise<readonly Contract.AuditRecord[]> {
    return this.#events.read(after, limit);
  }

  async figures(): Promise<Contract.LedgerFigures> {
    const holds = `SELECT l.name AS list, guard, count(*) AS count FROM holds JOIN lists l ON l.id = holds.list
      WHERE state = 'open' GROUP BY holds.list, guard`;
    const last = this.#read.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM audit');
    return {
      auditRecords: last?.seq ?? 0,
      openHolds: this.#read.all(holds),
      appeals: this.#appeals.figures(),
      activeExceptions: this.#exceptions.activeCount(),
    };
  }

  async record(
    actor: string,
    kind: string,
    list: string | undefined,
    data: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#writeOrThrow(() => this.#context.audit.append({ actor, kind, list, data }, this.#context.nowSeconds()));
  }

  /** Lets what is being written end. */
  async close(): Promise<void> {
    clearTimeout(this.#tidying);
    this.#bulk.close();
    await this.#queue.settled();
    await this.#searching;
    this.#read.close();
    this.#write.close();
  }

  #pushTarget(
    { list, actor }: Pick<Contract.ChangeRequest, 'list' | 'actor'>,
    rights: readonly Contract.Right[],
  ): ListContext | Contract.LedgerRefusal {
    const target = pushList(this.#context.lists, list);
    return 'kind' in target ? target : (mayAct(actor, rights, list) ?? target);
  }

  #prepareGuard(): Promise<Contract.LedgerRefusal | undefined> {
    return this.#context.guard.prepare(this.#context.settings.guard as GuardFiles | undefined);
  }

  async #commit(change: BulkChange): Promise<Contract.ChangeDone | Contract.LedgerRefusal> {
    try {
      if (change.failure !== undefined) return change.failure;
      return await this.#run(() => changeSteps(this.#context, change.order()), change.entries <= SMALL_ENTRIES_MAX);
    } finally {
      change.discard();
    }
  }

  /** Long work, and small work, which is not interrupted; a refusal takes everything back. */
  async #run<T extends { readonly kind: string }>(
    steps: () => Generator<void, T | Contract.LedgerRefusal>,
    isSmall = false,
  ): Promise<T | Contract.LedgerRefusal> {
    try {
      return await this.#queue.long(steps, ({ kind }) => kind !== 'refused', isSmall);
    } catch (error) {
      const refusal = storeRefusal(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  async #writeOrThrow(work: () => void): Promise<void> {
    try {
      await this.#queue.small(work);
    } catch (error) {
      const refusal = storeRefusal(error);
      throw refusal === undefined ? error : new LedgerUnavailable(refusal.message);
    }
  }

  /** Everything that is to be forgotten, step by step. */
  async tidyAll(): Promise<void> {
    while ((await this.#tidyStep()) > 0);
  }

  #tidyStep(): Promise<number> {
    const { lists, nowSeconds } = this.#context;
    return this.#queue.small(
      () =>
        tidyStep(this.#write, (list) => lists.get(list)?.settings.versionsMax, nowSeconds()) +
        tidyAppeals(this.#context) +
        forgetExceptions(this.#write, nowSeconds()),
    );
  }

  /** One step, while nobody else writes and the clock can be believed. Errors: none; a disk that fails is tried again later. */
  async #tidy(): Promise<void> {
    const isSteady = this.#clock.isSteady(this.#context.nowSeconds() * 1000, monotonicMs());
    const rows = isSteady && this.#queue.isIdle ? await this.#tidyStep().catch(() => 0) : 0;
    if (!this.#write.db.isOpen) return;
    this.#tidying = setTimeout(() => void this.#tidy(), rows > 0 ? TIDY_STEP_MS : TIDY_INTERVAL_MS).unref();
  }
}

function emptyHead(name: string): ListHead {
  const counts = { id: 0, version: 0, oldest: 0, entryCount: 0, feedVersion: 0 };
  return { ...counts, name, digest: FIRST_DIGEST, feedManifest: '', feedKey: '' };
}
