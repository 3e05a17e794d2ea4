/**
 * Keeps the lists of the configuration in force: one task a list (list-task.ts), one compile thread, one published
 * policy. Runs in the control thread. Never touches a query; whatever fails here, what was published stays in force.
 *
 * sources -> tasks -> compile thread: parse, guard -> newest contents -> build -> publish, acknowledged -> store, snapshot
 */
import { existsSync } from 'node:fs';
import type { Config, ListConfig } from '../../config/config.ts';
import type { PublishedPolicy } from '../../policy/published.ts';
import type { Ledger, LedgerDelta, ListApprovals, ListHoldsReport } from '../ledger/ledger.ts';
import { AllowFiles } from './allow-files.ts';
import { BuildLoop } from './build-loop.ts';
import { CompileClient, type CompileRunner } from './compile-client.ts';
import type { FoundEntry } from './find-entries.ts';
import { findInLists, type ListFinding } from './find-in-lists.ts';
import type { GuardFiles } from './guard-files.ts';
import { GuardInputs } from './guard-inputs.ts';
import { ledgerLists } from './ledger-list.ts';
import type { ListStatus } from './list-status.ts';
import { ListStore } from './list-store.ts';
import type { ListTask, TaskServices } from './list-task.ts';
import { ListTasks } from './list-tasks.ts';
import { ListedReferences } from './listed-references.ts';
import {
  fingerprintOf,
  guardPaths,
  identitiesOf,
  sharedHostsOf,
  watchedPaths,
  type FileIdentities,
} from './policy-inputs.ts';
import { PolicyPublisher, type PolicyParts } from './policy-publisher.ts';
import type { Audience } from './published-audience.ts';
import { PushLanes } from './push/push-lanes.ts';
import { SegmentMemory } from './segment-memory.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { logUntil, type SyncLog } from './sync-log.ts';
import { WatchedFiles } from './watched-files.ts';

export interface ListSyncOptions {
  readonly config: Config;
  /** Resolves when every thread that judges has acknowledged; buffers of the policy before are reused then. */
  readonly publish: (policy: PublishedPolicy) => Promise<void>;
  readonly onStatus: (status: ListStatus) => void;
  readonly counterSlotOf: (listName: string) => number;
  readonly log: SyncLog;
  /** Where lists that are changed entry by entry are kept; undefined: there are none. */
  readonly ledger?: Pick<Ledger, 'deltaSince'>;
  /** Files of the guard have changed, or a configuration names others. */
  readonly onGuardFiles?: (files: GuardFiles) => void;
  /** The compile thread died; it is started again with the next job. */
  readonly onCompileThreadDeath?: () => void;
  /** A control thread before this one has published: nothing older may take the place of that. */
  readonly isPolicyInForce?: boolean;
  /** Of Weir: an index that another version compiled is not used. */
  readonly version?: string;
  /** How often names are asked for (telemetry/query-sketch.ts); none: nothing is held for that. */
  readonly sketches?: readonly SharedArrayBuffer[];
  /** What people have let through of a pulled list; undefined: that cannot be told now. */
  readonly approvals?: (list: string) => Promise<ListApprovals | undefined>;
  /** Told what is held of a pulled list, after each version and each update that is held. */
  readonly onHolds?: (report: ListHoldsReport) => void;
  /** For tests: another compile thread. */
  readonly compile?: CompileRunner;
  /** For tests: see RETRY_FIRST_MS. */
  readonly retryFirstMs?: number;
}

export interface ListSync {
  /**
   * Resolves when the first policy is published: with the local lists and the last good copies, even with none; where one
   * is in force already, also when none can be made, or only one that may be older.
   */
  start(): Promise<void>;
  /** Takes a configuration and reads every local file again. Resolves when the outcome is published. */
  reload(config: Config): Promise<void>;
  /** A change of the ledger: resolves when every thread judges by it. Errors: NoSuchLane. */
  apply(delta: LedgerDelta): Promise<void>;
  /** The ledger was away, and changes may have been missed: asks it for them. Errors: none, they are logged. */
  catchUp(): Promise<void>;
  /** For whom rules hold. Resolves when every thread judges by it. */
  setAudience(audience: Audience): Promise<void>;
  /** Entries of pulled lists on the wire-format name or above it, held ones too. Cost: reads through all of them. */
  findEntries(name: Uint8Array): Promise<readonly ListFinding[]>;
  /** Those in force of one pulled list on the name itself; undefined: that cannot be told now. Cost: a look or two. */
  entriesOf(list: string, name: Uint8Array): readonly FoundEntry[] | undefined;
  /** A person has let something of a pulled list through, or has not. Errors: rejects where it is not in force. */
  approvalsChanged(list: string): Promise<void>;
  /** The server of a feed redirects to these hosts. */
  redirected(list: ListConfig, hosts: readonly string[]): void;
  /** Of now. */
  guardFiles(): GuardFiles;
  readiness(): { ready: boolean; lists: ListStatus[] };
  close(): Promise<void>;
}

const BEHIND = 'the ledger cannot be read, and changes may have come to it; the policy in force stays until it can';

export function createListSync(options: ListSyncOptions): ListSync {
  return new ListSyncService(options);
}

class ListSyncService implements ListSync {
  readonly #options: ListSyncOptions;
  readonly #log: SyncLog;
  readonly #compile: CompileRunner;
  readonly #segments = new SegmentMemory();
  readonly #allow: AllowFiles;
  readonly #watched: WatchedFiles;
  readonly #publisher: PolicyPublisher;
  readonly #lanes: PushLanes;
  #config: Config;
  #store: ListStore;
  readonly #tasks: ListTasks;
  readonly #snapshots: SnapshotKeeper;
  readonly #references: ListedReferences;
  #identities: FileIdentities = new Map();
  readonly #guard: GuardInputs;
  #started = false;
  #closed = false;
  readonly #begun = Promise.withResolvers<void>();
  /** Why behind the start: what both make of tasks and watches, one of them would never close. */
  #reloading: Promise<void> = this.#begun.promise;
  #persisting: Promise<void> = Promise.resolve();
  readonly #builds: BuildLoop;

  constructor(options: ListSyncOptions) {
    const { config } = options;
    const log = logUntil(() => this.#closed, options.log);
    this.#options = options;
    this.#log = log;
    this.#config = config;
    this.#compile =
      options.compile ??
      new CompileClient({
        onWarning: (text) => log.warn({}, text),
        onDeath: (message) => {
          log.error({}, message);
          options.onCompileThreadDeath?.();
        },
      });
    this.#lanes = new PushLanes({
      ledger: options.ledger,
      publish: () => this.#publishPushed(),
      readAgain: (list) => this.#readAgain(list),
      foldNext: () => this.#publisher.foldNext(),
      log,
    });
    this.#lanes.setLists(ledgerLists(config));
    this.#publisher = new PolicyPublisher({
      compile: this.#compile,
      segments: this.#segments,
      publish: options.publish,
      counterSlotOf: options.counterSlotOf,
      lanes: this.#lanes,
      log,
    });
    this.#builds = new BuildLoop({ build: () => this.#build(), log, retryFirstMs: options.retryFirstMs });
    this.#store = new ListStore(config.stateDirectory);
    this.#tasks = new ListTasks(this.#services(), this.#lanes);
    this.#guard = new GuardInputs({
      config: () => this.#config,
      store: () => this.#store,
      onFiles: options.onGuardFiles,
      onRedirects: () => this.#changed(),
      log,
    });
    this.#snapshots = new SnapshotKeeper(this.#compile, log);
    this.#references = new ListedReferences(this.#compile, this.#segments);
    this.#allow = new AllowFiles(this.#compile, log);
    this.#watched = new WatchedFiles((path) => void this.#onFileChange(path));
    if (config.lists.length > 0 && !existsSync(this.#store.snapshotPath)) this.#compile.warm?.();
  }

  async start(): Promise<void> {
    try {
      await this.#start();
    } finally {
      this.#begun.resolve();
    }
  }

  async #start(): Promise<void> {
    await this.#openStore();
    this.#identities = await identitiesOf(this.#config);
    await this.#watched.watch(watchedPaths(this.#config));
    if (this.#closed) return;
    this.#tasks.open(this.#config.lists);
    await this.#tasks.readApprovals();
    await this.#snapshots.resume(this.#store.snapshotPath, this.#parts(), this.#publisher);
    await this.#tasks.start();
    await this.catchUp(true);
    this.#started = true;
    await this.#builds.run();
    const needsAny = !this.#publisher.hasPublished && this.#options.isPolicyInForce !== true;
    if (needsAny && !this.#closed) await this.#publisher.publishEmpty(this.#config.lists);
  }

  async reload(config: Config): Promise<void> {
    const turn = this.#reloading.then(() => this.#reload(config));
    // Why: a reload that fails must not take every later one with it.
    this.#reloading = turn.catch(() => undefined);
    await turn;
  }

  apply(delta: LedgerDelta): Promise<void> {
    return this.#lanes.apply(delta);
  }

  async catchUp(isStarting = false): Promise<void> {
    // Why: until it has started nothing is known here, and all would be read.
    if (!isStarting) await this.#begun.promise;
    if (this.#closed) return;
    try {
      await this.#lanes.catchUp();
      await this.#tasks.readApprovals();
      if (!this.#publisher.hasPublished) this.#changed();
    } catch (error) {
      this.#log.error({ error: String(error) }, 'the ledger cannot be asked for changes; what is in force stays');
    }
  }

  setAudience(audience: Audience): Promise<void> {
    this.#publisher.setAudience(audience);
    return this.#lanes.publish();
  }

  findEntries(name: Uint8Array): Promise<readonly ListFinding[]> {
    return findInLists(this.#tasks.all, this.#compile, this.#segments, name);
  }

  entriesOf(list: string, name: Uint8Array): readonly FoundEntry[] | undefined {
    return this.#references.entriesOf(this.#tasks.find(list), name);
  }

  async approvalsChanged(list: string): Promise<void> {
    await this.#tasks.find(list)?.readApprovals();
    if (this.#started && !(await this.#builds.run())) throw new Error('a policy could not be published');
  }

  redirected(list: ListConfig, hosts: readonly string[]): void {
    this.#guard.redirects.saw(list, hosts);
  }

  readiness(): { ready: boolean; lists: ListStatus[] } {
    const lists = this.#tasks.all.map((task) => task.status());
    const ready = this.#publisher.hasPublished && lists.every(({ attempted, version }) => attempted || version > 0);
    return { ready, lists };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#begun.resolve();
    this.#builds.close();
    this.#watched.close();
    this.#tasks.close();
    await this.#compile.close();
    await Promise.all([this.#persisting, this.#guard.redirects.close()]);
  }

  /** Makes the state directory ready. One that cannot be written to is said in the log, and no more. */
  async #openStore(): Promise<void> {
    const failure = await this.#store.open();
    if (failure !== undefined)
      this.#log.warn({ reason: failure.reason }, `${failure.message}; lists work without last good copies`);
    await this.#guard.redirects.load();
  }

  async #reload(config: Config): Promise<void> {
    if (this.#closed) return;
    const before = this.#config;
    this.#config = config;
    this.#lanes.setLists(ledgerLists(config));
    this.#guard.changed();
    if (before.stateDirectory !== config.stateDirectory) {
      this.#store = new ListStore(config.stateDirectory);
      await this.#openStore();
    }
    const identities = await identitiesOf(config);
    const sharedHosts = sharedHostsOf(config, identities);
    const sharedHostsChanged = sharedHosts !== sharedHostsOf(before, this.#identities);
    await this.#watched.watch(watchedPaths(config));
    await this.#allow.load(config.allow);
    if (this.#closed) return;
    this.#identities = identities;
    await this.#tasks.reconfigure(config.lists, sharedHostsChanged);
    await this.#builds.run();
  }

  async #publishPushed(): Promise<void> {
    if (this.#closed) return;
    if (this.#isBehind()) throw new Error(BEHIND);
    await this.#publisher.publishPushed();
    this.#tasks.showPushed();
  }

  /** The list's content is read from the ledger, which leads to a build. */
  async #readAgain(list: string): Promise<void> {
    const task = this.#tasks.find(list);
    if (task?.isOfLedger === true) await task.sync(true);
  }

  #services(): TaskServices {
    return {
      compile: this.#compile,
      store: () => this.#store,
      segments: this.#segments,
      guardFiles: () => this.guardFiles(),
      log: this.#log,
      onContent: () => this.#changed(),
      onStatus: this.#options.onStatus,
      onRedirects: (list, hosts) => this.redirected(list, hosts),
      blastRadius: () => ({ ...this.#config.blastRadius, sketches: this.#options.sketches ?? [] }),
      approvals: async (list) => this.#options.approvals?.(list),
      onHolds: (report) => this.#options.onHolds?.(report),
      retryFirstMs: this.#options.retryFirstMs,
    };
  }

  guardFiles(): GuardFiles {
    return this.#guard.files();
  }

  #changed(): void {
    if (this.#started) void this.#builds.run();
  }

  async #onFileChange(path: string): Promise<void> {
    if (this.#closed) return;
    this.#log.info({ path }, 'a file that the policy depends on has changed');
    const identities = await identitiesOf(this.#config);
    if (this.#config.allow.includes(path)) await this.#allow.load([path]);
    this.#identities = identities;
    if (guardPaths(this.#config).includes(path)) this.#guard.changed();
    for (const task of this.#tasks.all) {
      task.retry();
      if (this.#config.sharedHosts.includes(path)) task.sharedHostsChanged();
    }
    await this.#builds.run();
  }

  /** False where it has to be tried again. */
  async #build(): Promise<boolean> {
    if (this.#isBehind()) {
      this.#log.error({}, BEHIND);
      return false;
    }
    const parts = this.#parts();
    const isDone = await this.#publisher.publishNewest(parts);
    this.#tasks.showPushed();
    if (this.#closed) return true;
    this.#persisting = this.#persisting.then(() => this.#persist(parts.tasks));
    return isDone;
  }

  /** Whether changes that are in force may be missing here: nothing has been published, and nobody can say what has come. */
  #isBehind(): boolean {
    if (this.#options.isPolicyInForce !== true || this.#publisher.hasPublished) return false;
    return this.#tasks.isBehindLedger;
  }

  #parts(): PolicyParts {
    const allowPaths = this.#config.allow;
    return {
      tasks: this.#tasks.all,
      allowPaths,
      allowSegments: () => this.#allow.segments(allowPaths),
      allowRevision: this.#allow.revision,
      guard: this.guardFiles(),
      fingerprint: this.#fingerprint(),
    };
  }

  #fingerprint(): string {
    // Why the tasks' lists: in the middle of a reload the configuration is ahead of them.
    const lists = this.#tasks.all.map((task) => ({ ...task.config, approved: task.approved }));
    const config = { ...this.#config, lists, redirectHosts: this.#guard.redirects.current() };
    return fingerprintOf(config, this.#identities, this.#options.version ?? '');
  }

  /** Nobody waits for the disk. */
  async #persist(tasks: readonly ListTask[]): Promise<void> {
    for (const task of tasks) await task.persist();
    if (!this.#closed) await this.#snapshots.keep(this.#store.snapshotPath, this.#publisher);
    if (!this.#closed && this.#config.listen.warningPageHttp !== undefined)
      await this.#references.refresh(this.#tasks.all);
  }
}
