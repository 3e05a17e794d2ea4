/**
 * Makes a policy of the newest contents and publishes it: an overlay over the base in force for a small change, a new
 * base else. Keeps the buffers of retired policies for the next one. One call at a time; list-sync sees to that.
 */
import { randomInt } from 'node:crypto';
import type { NameSetBuffers, PublishedPolicy } from '../../policy/published.ts';
import { giveContentsBack } from '../../memory.ts';
import { BufferPool, buffersOf } from './buffer-pool.ts';
import type { CompileRunner } from './compile-client.ts';
import type { BuildList } from './compile-jobs.ts';
import { compileBase, RuleWordTable } from './compiler.ts';
import type { GuardFiles } from './guard-files.ts';
import { holdsKey, type ListHolds } from './list-holds.ts';
import type { ListContent } from './list-content.ts';
import type { ListTask } from './list-task.ts';
import { OVERLAY_ENTRIES_MAX } from './overlay.ts';
import { publishedAudience, type Audience } from './published-audience.ts';
import { publishedLists } from './published-lists.ts';
import type { PushedVersion, PushLanes } from './push/push-lanes.ts';
import { overlayWithPushed } from './push/pushed-overlay.ts';
import { References } from './references.ts';
import type { SegmentData } from './segment-data.ts';
import type { SegmentMemory } from './segment-memory.ts';
import type { SyncLog } from './sync-log.ts';

export interface PublisherOptions {
  readonly compile: CompileRunner;
  readonly segments: SegmentMemory;
  readonly publish: (policy: PublishedPolicy) => Promise<void>;
  readonly counterSlotOf: (listName: string) => number;
  /** What is laid over the contents of lists of the ledger. */
  readonly lanes: Pick<PushLanes, 'adopt' | 'changesSince' | 'versionOf' | 'inForce'>;
  readonly log: SyncLog;
}

/** Everything that a policy is made of. */
export interface PolicyParts {
  readonly tasks: readonly ListTask[];
  readonly allowPaths: readonly string[];
  /** Read where a base is built. */
  readonly allowSegments: () => Promise<readonly (Uint8Array | undefined)[]>;
  /** Of what they say. */
  readonly allowRevision: number;
  readonly guard: GuardFiles;
  /** Of all of it but the contents (policy-inputs.ts). */
  readonly fingerprint: string;
}

export interface BuiltList {
  readonly list: BuildList;
  readonly content: ListContent | undefined;
  readonly holds: ListHolds;
  readonly entriesInForce: number;
}

export interface Built {
  readonly parts: PolicyParts;
  readonly lists: readonly BuiltList[];
}

export interface BuiltBase extends Built {
  readonly base: NameSetBuffers;
}

/** Larger ones are of bases. */
const OVERLAY_BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/** A free buffer of this size takes no memory while it waits; smaller ones are wanted again with the next push. */
const EMPTIED_BYTES_MIN = OVERLAY_BUFFER_BYTES_MAX;

function emptyLarge(buffer: SharedArrayBuffer): void {
  if (buffer.byteLength >= EMPTIED_BYTES_MIN) giveContentsBack(buffer);
}

interface Levels {
  readonly base: NameSetBuffers;
  readonly overlay: NameSetBuffers | undefined;
  readonly lists: readonly BuiltList[];
}

const NO_HOLDS: ListHolds = { key: '', held: new Uint32Array(0), byGuard: {}, samples: [], names: [] };

export class PolicyPublisher {
  readonly #options: PublisherOptions;
  readonly #pool = new BufferPool([], emptyLarge);
  /** Held by the policies that readers may have, and by a snapshot that is being written. */
  readonly #buffers = new References<SharedArrayBuffer>((buffer) => this.#pool.giveBack([buffer]));
  /** Random, so that no list can be made whose names share a hash. */
  #seed = randomInt(0x1_0000_0000);
  /** Of this thread: the supervisor numbers what it hands on. */
  #generation = 0;
  #audience: Audience = {};
  #isFolding = false;
  #published: PublishedPolicy | undefined;
  /** What the policy in force was made of. */
  #built: Built | undefined;
  /** What the base was made of: the same, but for what an overlay has changed. */
  #builtBase: BuiltBase | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get hasPublished(): boolean {
    return this.#published !== undefined;
  }

  /** Undefined before the first. */
  get builtBase(): BuiltBase | undefined {
    return this.#builtBase;
  }

  /** Takes a base that an earlier process has built of these parts; nothing is published yet. */
  resume(base: NameSetBuffers, parts: PolicyParts, entriesInForce: readonly number[]): void {
    const lists = parts.tasks.map((task, index) => {
      const list = task.buildList();
      const content = task.newest;
      return { list, content, holds: list.holds ?? NO_HOLDS, entriesInForce: entriesInForce[index] ?? 0 };
    });
    this.#seed = base.seed;
    this.#built = { parts, lists };
    this.#setBuiltBase({ base, parts, lists });
  }

  /** Keeps a base that is in force, and the segments it was made of, until the function returned is called. */
  holdBase({ base, lists }: BuiltBase): () => void {
    const buffers = [base.table, base.names, base.rules];
    const segments = segmentsOf(lists.map(({ list }) => list));
    this.#buffers.hold(buffers);
    this.#options.segments.hold(segments);
    return () => {
      this.#buffers.release(buffers);
      this.#options.segments.release(segments);
    };
  }

  /** Resolves when the policy is acknowledged; false: none could be made, the policy in force stays. */
  async publishNewest(parts: PolicyParts): Promise<boolean> {
    const lists = parts.tasks.map((task) => task.buildList());
    const segments = segmentsOf(lists);
    // Why: a task that takes a newer content meanwhile lets go of this one.
    this.#options.segments.hold(segments);
    try {
      return await this.#publishLists(parts, lists);
    } finally {
      this.#options.segments.release(segments);
    }
  }

  async #publishLists(parts: PolicyParts, lists: readonly BuildList[]): Promise<boolean> {
    const { tasks, allowPaths } = parts;
    // Why from the tasks: in the middle of a reload the configuration is ahead of them.
    const configs = tasks.map((task) => task.config);
    const contents = tasks.map((task) => task.newest);
    const levels = (await this.#overlayOf(parts, lists, contents)) ?? (await this.#baseOf(parts, lists, contents));
    if (levels === 'failed') return false;
    // Why true: the list is read again, and leads to a build.
    if (levels === 'lost') return true;
    if (levels.base !== this.#builtBase?.base) this.#setBuiltBase({ base: levels.base, parts, lists: levels.lists });
    this.#built = { parts, lists: levels.lists };
    await this.#publish({
      generation: this.#nextGeneration(),
      base: levels.base,
      overlay: this.#overlayToPublish(levels),
      lists: this.#publishedLists(configs, contents),
      allowSources: allowPaths,
      ...publishedAudience(this.#audience, configs),
    });
    for (const [index, task] of tasks.entries()) {
      const { content, entriesInForce, holds } = levels.lists[index]!;
      task.activated(content, entriesInForce, holds);
    }
    return true;
  }

  /**
   * Lays what was pushed over the policy in force, and the audience of now: at once, whatever is being built. Resolves
   * when it is acknowledged.
   */
  async publishPushed(): Promise<void> {
    const published = this.#published;
    const built = this.#built;
    if (published === undefined || built === undefined) return;
    const configs = built.parts.tasks.map((task) => task.config);
    const contents = built.lists.map(({ content }) => content);
    await this.#publish({
      ...published,
      generation: this.#nextGeneration(),
      overlay: this.#withPushed({ ...published, lists: built.lists }),
      lists: this.#publishedLists(configs, contents),
      ...publishedAudience(this.#audience, configs),
    });
  }

  /** For whom rules hold; goes with the next policy. What is not given stays. */
  setAudience(audience: Audience): void {
    this.#audience = { ...this.#audience, ...audience };
  }

  /** The next build makes a base: an overlay has grown. */
  foldNext(): void {
    this.#isFolding = true;
  }

  /** With what was pushed meanwhile laid over it. */
  #overlayToPublish(levels: Levels): NameSetBuffers | undefined {
    const { overlay } = levels;
    const laid = this.#withPushed(levels);
    // Nobody has seen the one in between, unless it was published before.
    if (overlay !== undefined && overlay !== laid && !this.#buffers.isHeld(overlay.table))
      this.#pool.giveBack([overlay.table, overlay.names, overlay.rules]);
    return laid;
  }

  #withPushed({ base, overlay, lists }: Levels): NameSetBuffers | undefined {
    const pushed = lists.flatMap(({ list, content }, listIndex) => {
      const states = [...this.#options.lanes.changesSince(list.settings.name, content?.version ?? 0)];
      if (states.length === 0) return [];
      const words = new RuleWordTable(list.settings, listIndex);
      return states.map((state) => ({ listIndex, words, state }));
    });
    return pushed.length === 0 ? overlay : overlayWithPushed(base, overlay, pushed, this.#pool);
  }

  /** With the versions that the lists have once what was pushed is laid over their contents. */
  #publishedLists(configs: Parameters<typeof publishedLists>[0], contents: readonly (ListContent | undefined)[]) {
    const versions = configs.map(({ name }, index) => {
      const content = contents[index];
      this.#options.lanes.adopt(name, pushedVersionOf(content));
      const pushed = this.#options.lanes.versionOf(name);
      return pushed === undefined || pushed.version === 0 ? content : pushed;
    });
    return publishedLists(configs, versions, this.#options.counterSlotOf);
  }

  /** So that resolver threads have a policy though the compile thread cannot make one. */
  async publishEmpty(configs: Parameters<typeof publishedLists>[0]): Promise<void> {
    const { base } = compileBase({ seed: this.#seed, lists: [], allow: [] }, this.#pool);
    const lists = publishedLists(configs, [], this.#options.counterSlotOf);
    await this.#publish({ generation: this.#nextGeneration(), base, overlay: undefined, lists, allowSources: [] });
  }

  async #baseOf(
    { tasks, allowSegments, guard }: PolicyParts,
    lists: readonly BuildList[],
    contents: readonly (ListContent | undefined)[],
  ): Promise<Levels | 'failed' | 'lost'> {
    const allow = await allowSegments();
    const buffers = this.#pool.lendAll();
    const job = { kind: 'build' as const, seed: this.#seed, lists, allow, guard, buffers };
    const done = await this.#options.compile.run(job);
    if (done.kind === 'failed') {
      // Why the lent buffers are not taken back: a thread that overran its time may still write to them.
      this.#options.log.error({}, `${done.message}; the policy in force stays`);
      return 'failed';
    }
    if (done.result.kind === 'lost') {
      tasks[done.result.listIndex]?.recover(done.result.message);
      return 'lost';
    }
    const { base, unused, entriesInForce, holds } = done.result;
    this.#isFolding = false;
    this.#pool.giveBack(unused);
    const built = lists.map((list, index) => ({
      list,
      content: contents[index],
      holds: holds[index]!,
      entriesInForce: entriesInForce[index] ?? 0,
    }));
    return { base, overlay: undefined, lists: built };
  }

  /** Undefined where the change is not a small one. */
  async #overlayOf(
    parts: PolicyParts,
    lists: readonly BuildList[],
    contents: readonly (ListContent | undefined)[],
  ): Promise<Levels | undefined> {
    const base = this.#builtBase?.base;
    const overlay = this.#published?.overlay;
    const changed = this.#smallChange(parts, lists);
    if (base === undefined || changed === undefined) return undefined;
    if (changed.length === 0) {
      const same = this.#built!.lists.map((list, index) => ({ ...list, content: contents[index] }));
      return { base, overlay, lists: same };
    }
    const changes = changed.map((listIndex) => {
      const { settings, segment, holds } = lists[listIndex]!;
      return { listIndex, settings, segment, held: holds?.held ?? new Uint32Array(0) };
    });
    const buffers = this.#pool.lendUpTo(OVERLAY_BUFFER_BYTES_MAX);
    // Why: what is pushed meanwhile retires this overlay, and another would be written over it while it is read.
    const read = overlay === undefined ? [] : [overlay.table, overlay.names, overlay.rules];
    this.#buffers.hold(read);
    const done = await this.#options.compile.run({ kind: 'overlay', buffers, base, overlay, changes });
    this.#buffers.release(read);
    // Why not taken back after a failure: a thread that overran its time may still write to them.
    if (done.kind === 'done') this.#pool.giveBack(done.result.unused);
    if (done.kind === 'failed' || done.result.kind === 'tooLarge') return undefined;
    const { entriesInForce } = done.result;
    const built = lists.map((list, index) => {
      const before = this.#built!.lists[index]!;
      const place = changed.indexOf(index);
      const content = contents[index];
      if (place < 0 || list.holds === undefined) return { ...before, content };
      return { list, content, holds: list.holds, entriesInForce: entriesInForce[place] ?? 0 };
    });
    return { base, overlay: done.result.overlay, lists: built };
  }

  /** Indexes of the lists whose content changed, if that is all that changed and they are small; perhaps none. */
  #smallChange(parts: PolicyParts, lists: readonly BuildList[]): number[] | undefined {
    const before = this.#built;
    if (this.#isFolding) return undefined;
    if (before === undefined || before.lists.length !== lists.length) return undefined;
    if (before.parts.guard.key !== parts.guard.key) return undefined;
    if (!isSame(before.parts.allowPaths, parts.allowPaths)) return undefined;
    if (before.parts.allowRevision !== parts.allowRevision) return undefined;
    const changed: number[] = [];
    for (const [index, list] of lists.entries()) {
      const built = before.lists[index]!.list;
      if (JSON.stringify(built.settings) !== JSON.stringify(list.settings)) return undefined;
      if (!isSame(built.approved, list.approved)) return undefined;
      if (built.segment === list.segment) continue;
      const isJudged = list.holds?.key === holdsKey(parts.guard.key, list.approved);
      if (!isJudged || Math.max(list.entries, built.entries) > OVERLAY_ENTRIES_MAX) return undefined;
      changed.push(index);
    }
    return changed;
  }

  async #publish(policy: PublishedPolicy): Promise<void> {
    const before = this.#published;
    this.#published = policy;
    this.#buffers.hold(buffersOf(policy));
    const contents = this.#built?.lists.map(({ content }) => pushedVersionOf(content));
    await this.#options.publish(policy);
    for (const [index, { name, version }] of policy.lists.entries()) {
      this.#options.lanes.inForce(name, version, contents?.[index]);
    }
    if (before !== undefined) this.#buffers.release(buffersOf(before));
  }

  /** Its segments stay with it: a snapshot of it says which they were. */
  #setBuiltBase(built: BuiltBase): void {
    const before = this.#builtBase;
    this.#builtBase = built;
    this.#options.segments.hold(segmentsOf(built.lists.map(({ list }) => list)));
    if (before !== undefined) this.#options.segments.release(segmentsOf(before.lists.map(({ list }) => list)));
  }

  #nextGeneration(): number {
    this.#generation += 1;
    return this.#generation;
  }
}

/** Of a list of the ledger. */
export function pushedVersionOf(content: ListContent | undefined): PushedVersion | undefined {
  if (content === undefined) return undefined;
  const { sourceSha256: digest, entries: entryCount } = content.facts;
  return { version: content.version, digest, entryCount };
}

function segmentsOf(lists: readonly BuildList[]): SegmentData[] {
  return lists.flatMap(({ segment }) => segment ?? []);
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}
