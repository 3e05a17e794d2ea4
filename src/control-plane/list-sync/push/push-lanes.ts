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
  /** Reads the list's content again, which leads to a build. */
  readonly readAgain: (list: string) => void;
  /** The next build makes a base, so that nothing need lie over it. */
  readonly foldNext: () => void;
  readonly log: SyncLog;
}

interface Waiter {
  readonly version: number;
  readonly done: () => void;
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
}

const NOTHING: PushedVersion = { version: 0, digest: '', entryCount: 0 };

/** A change of a list that is not in the configuration (any more). */
export class NoSuchLane extends Error {}

export class PushLanes {
  readonly #options: PushLanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #publishing: Promise<void> | undefined;
  #again = false;
  /** Whether a content is being read because the lanes are long. */
  #folding = false;

  constructor(options: PushLanesOptions) {
    this.#options = options;
  }

  /** The lists of the ledger that the configuration has. */
  setLists(lists: readonly string[]): void {
    for (const [name, lane] of this.#lanes) {
      if (lists.includes(name)) continue;
      this.#lanes.delete(name);
      // Why answered: nothing of the list is in force any more, and nobody will say so later.
      for (const { done } of lane.waiters) done();
    }
    for (const list of lists) {
      if (!this.#lanes.has(list))
        this.#lanes.set(list, { list, known: NOTHING, inForce: NOTHING, names: new Map(), waiters: [] });
    }
  }

  /** Resolves when every thread judges by the delta. Errors: NoSuchLane. */
  async apply(delta: LedgerDelta): Promise<void> {
    const lane = this.#lanes.get(delta.list);
    if (lane === undefined) throw new NoSuchLane(`${delta.list} takes no changes any more`);
    if (delta.toVersion > lane.known.version) await this.#take(lane, delta);
    if (lane.inForce.version >= delta.toVersion) return;
    await new Promise<void>((done) => lane.waiters.push({ version: delta.toVersion, done }));
  }

  /** Before the first publication: what the ledger has beyond the content that was resumed. Errors: LedgerUnavailable. */
  async catchUp(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      const { version } = lane.known;
      const delta = version === 0 ? undefined : await this.#options.ledger?.deltaSince(lane.list, version);
      if (delta !== undefined && delta.toVersion > version) await this.#take(lane, delta);
      if (delta === undefined && version > 0) {
        // Why from nothing: the ledger does not know the version; it may have been put back to an earlier state.
        lane.known = NOTHING;
        lane.names.clear();
        this.#options.readAgain(lane.list);
      }
    }
  }

  /** A content of the list is to be built, or is in force. */
  adopt(list: string, content: PushedVersion): void {
    const lane = this.#lanes.get(list);
    if (lane !== undefined && content.version > lane.known.version) lane.known = content;
  }

  /** States to lay over a content of this version. */
  *changesSince(list: string, version: number): Generator<NameState> {
    for (const { state, version: at } of this.#lanes.get(list)?.names.values() ?? []) if (at > version) yield state;
  }

  /** Where the list stands once the lane is laid over its content; undefined: not a list of the ledger. */
  versionOf(list: string): PushedVersion | undefined {
    return this.#lanes.get(list)?.known;
  }

  /** What every thread judges by. */
  versionInForce(list: string): PushedVersion | undefined {
    return this.#lanes.get(list)?.inForce;
  }

  /** Every thread judges by this version of the list, whose index was made of the content of `contentVersion`. */
  inForce(list: string, version: number, contentVersion: number): void {
    const lane = this.#lanes.get(list);
    if (lane === undefined) return;
    for (const [name, { version: at }] of lane.names) if (at <= contentVersion) lane.names.delete(name);
    if (this.#nameCount() <= PUSHED_NAMES_FOLD) this.#folding = false;
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

  async #take(lane: Lane, given: LedgerDelta): Promise<void> {
    let delta: LedgerDelta | undefined = given;
    if (delta.fromVersion > lane.known.version) {
      // Changes that came at the same time, in another order: the ledger knows what is between.
      delta = await this.#options.ledger?.deltaSince(lane.list, lane.known.version);
    }
    if (delta !== undefined && delta.toVersion <= lane.known.version) return;
    const { names } = delta ?? {};
    if (delta === undefined || names === undefined) return this.#options.readAgain(lane.list);
    if (this.#nameCount() + names.length > PUSHED_NAMES_MAX) {
      this.#fold();
      return this.#options.readAgain(lane.list);
    }
    const { toVersion: version, digest, entryCount } = delta;
    for (const state of names) lane.names.set(state.name, { state, version });
    lane.known = { version, digest, entryCount };
    void this.publish();
    this.#fold();
  }

  #nameCount(): number {
    let count = 0;
    for (const { names } of this.#lanes.values()) count += names.size;
    return count;
  }

  #fold(): void {
    if (this.#folding || this.#nameCount() <= PUSHED_NAMES_FOLD) return;
    this.#folding = true;
    this.#options.foldNext();
    for (const { list, names } of this.#lanes.values()) if (names.size > 0) this.#options.readAgain(list);
  }

  /** One publication at a time: changes that come meanwhile go with the next. */
  publish(): Promise<void> {
    this.#again = true;
    this.#publishing ??= this.#publishWhileWanted();
    return this.#publishing;
  }

  async #publishWhileWanted(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#options.publish().catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'a change could not be published');
      });
    }
    this.#publishing = undefined;
  }
}
