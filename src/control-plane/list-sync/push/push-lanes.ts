/**
 * Brings changes of the ledger into force without waiting for anything but the publication: of each list that takes
 * pushes or follows a feed, the names whose state differs from the content that its index was made of. Whatever is built
 * meanwhile or afterwards, the publisher lays these names over it, until a content comes that has them. Lives in the
 * control thread.
 *
 * delta -> names of the lane -> publish -> in force on every thread -> whoever waits for that version
 * a gap, or too many names -> the ledger is asked, or read again as a content -> build -> in force
 */
import type { Ledger, LedgerDelta, NameState } from '../../ledger/ledger.ts';
import type { SyncLog } from '../sync-log.ts';

/** Names that all lanes may have together; beyond it contents are read and a base is built. */
export const PUSHED_NAMES_MAX = 15_000;
/** Names from which on contents are read, behind what is in force, so that there is room again. */
export const PUSHED_NAMES_FOLD = 5_000;
/** Changes of one list that wait to be in force; who comes beyond them is told that his is not in force yet. */
export const WAITERS_MAX = 10_000;

/** Where a list stands in the ledger. */
export interface PushedVersion {
  readonly version: number;
  readonly digest: string;
  readonly entryCount: number;
}

export interface PushLanesOptions {
  readonly ledger: Pick<Ledger, 'deltaSince'> | undefined;
  /** Lays the lanes over what is published; resolves when that is in force. */
  readonly publish: () => Promise<void>;
  /** Reads the list's content again, which leads to a build. Resolves when it is read. Errors: none. */
  readonly readAgain: (list: string) => Promise<void>;
  /** The next build makes a base, so that nothing need lie over it. */
  readonly foldNext: () => void;
  readonly log: SyncLog;
}

interface Waiter {
  readonly version: number;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

interface Lane {
  readonly list: string;
  /** The newest that is in the content or in `names`. */
  known: PushedVersion;
  /** What every thread judges by. */
  inForce: PushedVersion;
  /** By name: its newest state, and the version that it is of. */
  readonly names: Map<string, { readonly state: NameState; readonly version: number }>;
  waiters: Waiter[];
  /** Of the content that was built last; '' where there is none. */
  contentDigest: string;
  /** The ledger does not know where the list stands here: nothing is taken but a content that is read anew. */
  isStrange: boolean;
  /** The ledger has said what there is beyond the content that this thread began with. */
  isCaughtUp: boolean;
}

const NOTHING: PushedVersion = { version: 0, digest: '', entryCount: 0 };

/** A change of a list that is not in the configuration (any more). */
export class NoSuchLane extends Error {}

export class PushLanes {
  readonly #options: PushLanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #publishing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** Lists whose contents are being read because the lanes are long, and the versions that are waited for. */
  readonly #folding = new Map<string, number>();

  constructor(options: PushLanesOptions) {
    this.#options = options;
  }

  /** The lists of the ledger that the configuration has. */
  setLists(lists: readonly string[]): void {
    for (const [name, lane] of this.#lanes) {
      if (lists.includes(name)) continue;
      this.#lanes.delete(name);
      this.#folding.delete(name);
      // Why now: the change will not be in force, and nobody will say so later.
      for (const { fail } of lane.waiters) fail(noSuchLane(name));
    }
    for (const list of lists) {
      if (!this.#lanes.has(list)) this.#lanes.set(list, newLane(list));
    }
  }

  /** Resolves when every thread judges by the delta. Errors: NoSuchLane; throws where too many wait. */
  async apply(delta: LedgerDelta): Promise<void> {
    const lane = this.#lanes.get(delta.list);
    if (lane === undefined) throw noSuchLane(delta.list);
    if (delta.toVersion > lane.known.version && !(await this.#take(lane, delta)))
      void this.#options.readAgain(lane.list);
    if (lane.inForce.version >= delta.toVersion) return;
    // Why again: the ledger was asked meanwhile, and nobody tells what waits in a lane that is gone.
    if (this.#lanes.get(delta.list) !== lane) throw noSuchLane(delta.list);
    if (lane.waiters.length >= WAITERS_MAX) throw new Error(`${WAITERS_MAX} changes of ${delta.list} wait already`);
    await new Promise<void>((done, fail) => lane.waiters.push({ version: delta.toVersion, done, fail }));
  }

  /** What the ledger has beyond what is known here: before the first publication, and when something was missed. */
  async catchUp(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      const delta = await this.#ask(lane);
      if (delta !== 'unreachable') {
        // Why from nothing: the ledger may have been put back to an earlier state, or begun anew.
        if (delta === undefined || isOfOther(delta, lane.known)) this.#lose(lane);
        else if (await this.#take(lane, delta)) continue;
      }
      await this.#options.readAgain(lane.list);
    }
  }

  /** A content of the list is to be built, or is in force; undefined: there is none. */
  adopt(list: string, content: PushedVersion = NOTHING): void {
    const lane = this.#lanes.get(list);
    if (lane === undefined) return;
    if (lane.isStrange && content.digest === lane.contentDigest) return;
    lane.contentDigest = content.digest;
    if (lane.isStrange || content.version > lane.known.version) lane.known = content;
    lane.isStrange = false;
  }

  /** States to lay over a content of this version. */
  *changesSince(list: string, version: number): Generator<NameState> {
    for (const { state, version: at } of this.#lanes.get(list)?.names.values() ?? []) if (at > version) yield state;
  }

  /** Where the list stands once the lane is laid over its content; undefined: not a list of the ledger. */
  versionOf(list: string): PushedVersion | undefined {
    return this.#lanes.get(list)?.known;
  }

  isCaughtUp(list: string): boolean {
    return this.#lanes.get(list)?.isCaughtUp === true;
  }

  /** What every thread judges by. */
  versionInForce(list: string): PushedVersion | undefined {
    return this.#lanes.get(list)?.inForce;
  }

  /** Every thread judges by this version of the list, whose index was made of that content. */
  inForce(list: string, version: number, content: Pick<PushedVersion, 'version' | 'digest'> = NOTHING): void {
    const lane = this.#lanes.get(list);
    // Why: another content has been published meanwhile, and will be said to be in force as well.
    if (lane === undefined || lane.isStrange || content.digest !== lane.contentDigest) return;
    for (const [name, { version: at }] of lane.names) if (at <= content.version) lane.names.delete(name);
    if (content.version >= (this.#folding.get(list) ?? Infinity)) this.#folding.delete(list);
    // Why equal: what is known by now may be newer than what was published.
    if (lane.known.version === version) lane.inForce = lane.known;
    else if (version > lane.inForce.version) lane.inForce = { ...lane.inForce, version };
  }

  /** Lets go of whoever waits for what is in force. Why apart: what people are told of the list comes first. */
  settle(): void {
    for (const lane of this.#lanes.values()) {
      const { waiters, inForce } = lane;
      lane.waiters = waiters.filter(({ version }) => version > inForce.version);
      for (const { version, done } of waiters) if (version <= inForce.version) done();
    }
  }

  /** False where the content has to be read instead. */
  async #take(lane: Lane, given: LedgerDelta): Promise<boolean> {
    if (lane.isStrange) return false;
    let delta: LedgerDelta | undefined = given;
    if (delta.fromVersion > lane.known.version) {
      // Changes that came at the same time, in another order: the ledger knows what is between.
      const asked = await this.#ask(lane);
      delta = asked === 'unreachable' ? undefined : asked;
    }
    if (delta !== undefined && delta.toVersion <= lane.known.version) {
      lane.isCaughtUp = true;
      return true;
    }
    const { names } = delta ?? {};
    if (delta === undefined || names === undefined) return false;
    if (this.#nameCount() + names.length > PUSHED_NAMES_MAX) {
      this.#fold();
      return false;
    }
    const { toVersion: version, digest, entryCount } = delta;
    for (const state of names) lane.names.set(state.name, { state, version });
    lane.known = { version, digest, entryCount };
    lane.isCaughtUp = true;
    // Why read then: a build brings it into force by another way, and is tried again.
    this.publish().catch(() => this.#options.readAgain(lane.list));
    this.#fold();
    return true;
  }

  /** Why not an error: a content is read from the file, without the ledger's thread. */
  async #ask({ list, known }: Lane): Promise<LedgerDelta | undefined | 'unreachable'> {
    try {
      return await this.#options.ledger?.deltaSince(list, known.version);
    } catch (error) {
      this.#options.log.warn(
        { list, error: String(error) },
        'the ledger cannot be asked for changes, it is read instead',
      );
      return 'unreachable';
    }
  }

  #lose(lane: Lane): void {
    if (lane.known.version === 0) return;
    lane.known = NOTHING;
    lane.inForce = NOTHING;
    lane.names.clear();
    lane.isStrange = true;
    this.#folding.delete(lane.list);
  }

  #nameCount(): number {
    let count = 0;
    for (const { names } of this.#lanes.values()) count += names.size;
    return count;
  }

  #fold(): void {
    if (this.#folding.size > 0 || this.#nameCount() <= PUSHED_NAMES_FOLD) return;
    this.#options.foldNext();
    for (const { list, names, known } of this.#lanes.values()) {
      if (names.size === 0) continue;
      this.#folding.set(list, known.version);
      void this.#options.readAgain(list);
    }
  }

  /**
   * One publication at a time: changes that come meanwhile go with the next. Resolves when all of now is in force.
   * Errors: rejects where it could not be published.
   */
  publish(): Promise<void> {
    this.#next ??= this.#publishing.then(() => {
      this.#next = undefined;
      const publication = this.#options.publish();
      this.#publishing = publication.catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'a change could not be published');
      });
      return publication;
    });
    return this.#next;
  }
}

function noSuchLane(list: string): NoSuchLane {
  return new NoSuchLane(`${list} takes no changes any more`);
}

/** Whether the ledger has another history of the list, which has come as far. */
function isOfOther({ toVersion, digest }: LedgerDelta, known: PushedVersion): boolean {
  return known.version > 0 && toVersion === known.version && digest !== known.digest;
}

function newLane(list: string): Lane {
  const names: Lane['names'] = new Map();
  return {
    list,
    known: NOTHING,
    inForce: NOTHING,
    names,
    waiters: [],
    contentDigest: '',
    isStrange: false,
    isCaughtUp: false,
  };
}
