/**
 * Keeps the lists of the configuration in force: one task a list (list-task.ts), one compile thread, one published
 * policy. Runs in the control thread. Never touches a query; whatever fails here, what was published stays in force.
 *
 * sources -> tasks -> compile thread: parse, guard -> newest contents -> build -> publish, acknowledged -> store
 */
import { randomInt } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { PublishedPolicy } from '../../policy/published.ts';
import { AllowFiles } from './allow-files.ts';
import { BufferPool, buffersOf } from './buffer-pool.ts';
import { CompileClient, type CompileRunner } from './compile-client.ts';
import type { JobResults } from './compile-jobs.ts';
import { compileBase } from './compiler.ts';
import { listSourceHostsOf, type GuardFiles } from './guard-files.ts';
import type { ListStatus } from './list-status.ts';
import { ListStore } from './list-store.ts';
import { ListTask, type ListContent, type TaskServices } from './list-task.ts';
import { publishedLists } from './published-lists.ts';
import type { SyncLog } from './sync-log.ts';
import { WatchedFiles } from './watched-files.ts';

export interface ListSyncOptions {
  readonly config: Config;
  /** Resolves when every thread that judges has acknowledged; buffers of the policy before are reused then. */
  readonly publish: (policy: PublishedPolicy) => Promise<void>;
  readonly onStatus: (status: ListStatus) => void;
  readonly counterSlotOf: (listName: string) => number;
  readonly log: SyncLog;
  /** The compile thread died; it is started again with the next job. */
  readonly onCompileThreadDeath?: () => void;
  /** Generation of the first policy: above the last one of a control thread that this one replaces. */
  readonly firstGeneration?: number;
  /** For tests: another compile thread. */
  readonly compile?: CompileRunner;
}

export interface ListSync {
  /** Resolves when the first policy is published: with the local lists and the last good copies, even with none. */
  start(): Promise<void>;
  /** Takes a configuration and reads every local file again. Resolves when the outcome is published. */
  reload(config: Config): Promise<void>;
  readiness(): { ready: boolean; lists: ListStatus[] };
  close(): Promise<void>;
}

export function createListSync(options: ListSyncOptions): ListSync {
  return new ListSyncService(options);
}

class ListSyncService implements ListSync {
  readonly #options: ListSyncOptions;
  readonly #compile: CompileRunner;
  readonly #indexPool = new BufferPool();
  readonly #segmentPool = new BufferPool();
  readonly #allow: AllowFiles;
  readonly #watched: WatchedFiles;
  /** Random, so that no list can be made whose names share a hash. */
  readonly #seed = randomInt(0x1_0000_0000);
  #config: Config;
  #store: ListStore;
  #tasks: ListTask[] = [];
  #guardKey = 0;
  #generation: number;
  #published: PublishedPolicy | undefined;
  #started = false;
  #closed = false;
  #wanted = false;
  #building: Promise<void> | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #persisting: Promise<void> = Promise.resolve();

  constructor(options: ListSyncOptions) {
    const { config, log } = options;
    this.#options = options;
    this.#config = config;
    this.#generation = (options.firstGeneration ?? 1) - 1;
    this.#compile =
      options.compile ??
      new CompileClient({
        onWarning: (text) => log.warn({}, text),
        onDeath: (message) => {
          log.error({}, message);
          options.onCompileThreadDeath?.();
        },
      });
    this.#store = new ListStore(config.stateDirectory);
    this.#allow = new AllowFiles(this.#compile, log);
    this.#watched = new WatchedFiles((path) => void this.#onFileChange(path));
  }

  async start(): Promise<void> {
    await this.#openStore();
    await this.#watched.watch(watchedPaths(this.#config));
    await this.#allow.load(this.#config.allow);
    this.#tasks = this.#config.lists.map((list) => new ListTask(list, this.#services()));
    await Promise.all(this.#tasks.map((task) => task.start()));
    this.#started = true;
    await this.#build();
    if (this.#published === undefined) await this.#publishEmpty();
  }

  async reload(config: Config): Promise<void> {
    const turn = this.#reloading.then(() => this.#reload(config));
    this.#reloading = turn;
    await turn;
  }

  readiness(): { ready: boolean; lists: ListStatus[] } {
    const lists = this.#tasks.map((task) => task.status());
    const ready = this.#published !== undefined && lists.every(({ attempted, version }) => attempted || version > 0);
    return { ready, lists };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watched.close();
    for (const task of this.#tasks) task.close();
    await this.#compile.close();
    await this.#persisting;
  }

  async #reload(config: Config): Promise<void> {
    if (this.#closed) return;
    const before = this.#config;
    this.#config = config;
    this.#guardKey += 1;
    if (before.stateDirectory !== config.stateDirectory) {
      this.#store = new ListStore(config.stateDirectory);
      await this.#openStore();
    }
    await this.#watched.watch(watchedPaths(config));
    await this.#allow.load(config.allow);
    const old = new Map(this.#tasks.map((task) => [task.config.name, task]));
    const added: ListTask[] = [];
    this.#tasks = config.lists.map((list) => {
      const task = old.get(list.name);
      old.delete(list.name);
      if (task !== undefined) return task;
      const fresh = new ListTask(list, this.#services());
      added.push(fresh);
      return fresh;
    });
    for (const gone of old.values()) gone.close();
    const configOf = new Map(config.lists.map((list) => [list.name, list]));
    await Promise.all(
      this.#tasks.map((task) => {
        if (added.includes(task)) return task.start();
        return task.reconfigure(configOf.get(task.config.name) ?? task.config);
      }),
    );
    await this.#build();
  }

  async #openStore(): Promise<void> {
    const failure = await this.#store.open();
    if (failure !== undefined) {
      this.#options.log.warn({ reason: failure.reason }, `${failure.message}; lists work without last good copies`);
    }
  }

  #services(): TaskServices {
    return {
      compile: this.#compile,
      store: () => this.#store,
      segments: this.#segmentPool,
      guardFiles: () => this.#guardFiles(),
      log: this.#options.log,
      onContent: () => {
        if (this.#started) void this.#build();
      },
      onStatus: this.#options.onStatus,
    };
  }

  #guardFiles(): GuardFiles {
    const { protected: protectedFiles, popular, sharedHosts, lists } = this.#config;
    const listSourceHosts = listSourceHostsOf(lists);
    return { key: this.#guardKey, protected: protectedFiles, popular, sharedHosts, listSourceHosts };
  }

  async #onFileChange(path: string): Promise<void> {
    if (this.#closed) return;
    this.#options.log.info({ path }, 'a file that the policy depends on has changed');
    if (this.#config.allow.includes(path)) await this.#allow.load([path]);
    if (guardPaths(this.#config).includes(path)) this.#guardKey += 1;
    await this.#build();
  }

  /** Builds and publishes what is newest; calls meanwhile lead to one more build. Errors: none, they are logged. */
  #build(): Promise<void> {
    this.#wanted = true;
    this.#building ??= this.#buildWhileWanted();
    return this.#building;
  }

  async #buildWhileWanted(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      await this.#buildOnce().catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'a policy could not be published');
      });
    }
    this.#building = undefined;
  }

  async #buildOnce(): Promise<void> {
    const tasks = this.#tasks;
    // Why from the tasks: in the middle of a reload the configuration is ahead of them.
    const configs = tasks.map((task) => task.config);
    const { allow } = this.#config;
    const contents = tasks.map((task) => task.newest);
    const lent = this.#indexPool.lendAll();
    const done = await this.#compile.run({
      kind: 'build',
      seed: this.#seed,
      lists: tasks.map((task) => task.buildList()),
      allow: this.#allow.segments(allow),
      guard: this.#guardFiles(),
      buffers: lent,
    });
    if (this.#closed) return;
    if (done.kind === 'failed') {
      // Why the lent buffers are not taken back: a thread that overran its time may still write to them.
      this.#options.log.error({}, `${done.message}; the policy in force stays`);
      return;
    }
    const { base, unused } = done.result;
    this.#indexPool.giveBack(unused);
    await this.#publish({
      generation: this.#nextGeneration(),
      base,
      overlay: undefined,
      lists: publishedLists(configs, contents, this.#options.counterSlotOf),
      allowSources: allow,
    });
    this.#activated(tasks, contents, done.result);
    this.#persisting = this.#persisting.then(() => this.#persist(tasks));
  }

  /** Nobody waits for the disk. */
  async #persist(tasks: readonly ListTask[]): Promise<void> {
    for (const task of tasks) await task.persist();
  }

  #activated(
    tasks: readonly ListTask[],
    contents: readonly (ListContent | undefined)[],
    built: JobResults['build'],
  ): void {
    for (const [index, task] of tasks.entries()) {
      task.activated(contents[index], built.entriesInForce[index] ?? 0, built.holds[index]!);
    }
  }

  async #publish(policy: PublishedPolicy): Promise<void> {
    const before = this.#published;
    this.#published = policy;
    await this.#options.publish(policy);
    if (before === undefined) return;
    const kept = buffersOf(policy);
    this.#indexPool.giveBack(buffersOf(before).filter((buffer) => !kept.includes(buffer)));
  }

  /** So that resolver threads have a policy though the compile thread cannot make one. */
  async #publishEmpty(): Promise<void> {
    const { base } = compileBase({ seed: this.#seed, lists: [], allow: [] }, this.#indexPool);
    const lists = publishedLists(this.#config.lists, [], this.#options.counterSlotOf);
    await this.#publish({ generation: this.#nextGeneration(), base, overlay: undefined, lists, allowSources: [] });
  }

  #nextGeneration(): number {
    this.#generation += 1;
    return this.#generation;
  }
}

function guardPaths(config: Config): string[] {
  return [...config.protected, ...config.popular, ...config.sharedHosts];
}

function watchedPaths(config: Config): string[] {
  return [...new Set([...config.allow, ...guardPaths(config)])];
}
