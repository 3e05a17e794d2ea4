/**
 * Watches what is staged: tells list-sync which share of the clients each rollout has reached, brings a rollout whose time
 * has come to its next stage, and takes one back that turns out to block more queries than it may. Lives in the control
 * thread; all it decides is a change of the ledger, made by nobody's hand.
 */
import { wallClockMs } from '../clock.ts';
import { nameFromText } from '../dns/name.ts';
import { estimateQueries } from '../telemetry/query-sketch.ts';
import type { Actor, Ledger, LedgerDelta, LedgerSettings, RolloutRow } from './ledger/ledger.ts';
import { radiusDetail } from './list-sync/guard/blast-radius.ts';
import type { SyncLog } from './list-sync/sync-log.ts';

/** Between two looks while anything is staged. Units: milliseconds. */
const ROLLOUT_LOOK_MS = 1_000;
/** Looks between two counts of the queries that a rollout's entries would block. */
const RADIUS_LOOKS = 30;
/** Looks between two counts of the appeals against them. */
const APPEALS_LOOKS = 5;
/** Entries of a rollout, and open appeals of a list, that are counted. */
const ENTRIES_MAX = 5_000;
const APPEALS_MAX = 1_000;

const SYSTEM: Actor = { id: 'system', name: 'system', lists: ['*'], rights: ['push', 'approve'] };

export interface StageOfList {
  readonly list: string;
  readonly slot: number;
  readonly permyriad: number;
}

/** How far a rollout has come. */
export function stageOf({ list, slot, percent }: RolloutRow): StageOfList {
  return { list, slot, permyriad: Math.round(percent * 100) };
}

export type RolloutLedger = Pick<Ledger, 'rollouts' | 'moveRollout' | 'rolloutEntries' | 'appeals'>;

export interface RolloutWatchOptions {
  readonly ledger: () => Promise<RolloutLedger | undefined>;
  readonly apply: (delta: LedgerDelta) => Promise<void>;
  readonly setStages: (stages: readonly StageOfList[]) => Promise<void>;
  /** Live query counts, and what of them is too much. */
  readonly radius: () => Pick<LedgerSettings, 'queryCounts' | 'blastRadius'>;
  /** Appeals against entries of a rollout of this list that are too many. */
  readonly appealsMax: (list: string) => number;
  readonly log: SyncLog;
  readonly nowSeconds?: () => number;
}

export class RolloutWatch {
  readonly #options: RolloutWatchOptions;
  readonly #nowSeconds: () => number;
  #told = '';
  #telling: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #looks = 0;
  #closed = false;

  constructor(options: RolloutWatchOptions) {
    this.#options = options;
    this.#nowSeconds = options.nowSeconds ?? (() => Math.floor(wallClockMs() / 1000));
  }

  /** Something of the ledger has changed, or the process begins. Resolves when the shares of now are in force. */
  look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((error: unknown) => {
        this.#options.log.error({ error: String(error) }, 'rollouts cannot be looked at; they stay at their stage');
        this.#again(true);
      });
    return this.#looking;
  }

  /**
   * Resolves when the shares of now are in force. Errors: rejects with what the ledger or list-sync says.
   * Why it does not wait for a look: that brings changes into force, and theirs wait for this.
   */
  async tell(): Promise<void> {
    const ledger = this.#closed ? undefined : await this.#options.ledger();
    if (ledger !== undefined) await this.#tellInTurn(ledger);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const ledger = this.#closed ? undefined : await this.#options.ledger();
    if (ledger === undefined) return;
    const rows = await this.#tellInTurn(ledger);
    const running = rows.filter(({ state }) => state === 'running');
    this.#looks += 1;
    for (const row of running) await this.#advance(ledger, row);
    this.#again(running.length > 0);
  }

  #again(isStaged: boolean): void {
    clearTimeout(this.#timer);
    if (isStaged && !this.#closed) this.#timer = setTimeout(() => void this.look(), ROLLOUT_LOOK_MS).unref();
  }

  #tellInTurn(ledger: RolloutLedger): Promise<readonly RolloutRow[]> {
    const told = this.#telling.then(() => this.#tell(ledger));
    this.#telling = told.catch(() => undefined);
    return told;
  }

  async #tell(ledger: RolloutLedger): Promise<readonly RolloutRow[]> {
    const rows = await ledger.rollouts();
    const stages = rows.map(stageOf);
    const told = JSON.stringify(stages);
    if (told === this.#told) return rows;
    await this.#options.setStages(stages);
    this.#told = told;
    return rows;
  }

  async #advance(ledger: RolloutLedger, row: RolloutRow): Promise<void> {
    const isDue = row.nextAtSeconds > 0 && row.nextAtSeconds <= this.#nowSeconds();
    const why = await this.#whyTooMuch(ledger, row, isDue);
    if (why === undefined && !isDue) return;
    const to = why === undefined ? 'promote' : 'abort';
    const moved = await ledger.moveRollout(row.id, to, why ?? 'its time had come', SYSTEM);
    if (moved.kind === 'refused') {
      this.#options.log.warn(
        { list: row.list, rollout: row.id, code: moved.code },
        `a rollout stays: ${moved.message}`,
      );
      return;
    }
    const { percent, state } = moved.rollout;
    const fields = { list: row.list, rollout: row.id, percent, state };
    if (why === undefined) this.#options.log.info(fields, 'a rollout has reached its next stage');
    else this.#options.log.warn(fields, `a rollout was taken back: ${why}`);
    if (moved.change !== undefined) await this.#options.apply(moved.change.delta);
    await this.#tellInTurn(ledger);
  }

  /** A sentence for people; undefined: it may go on. Counts at some looks, and before more clients get the entries. */
  async #whyTooMuch(ledger: RolloutLedger, row: RolloutRow, isDue: boolean): Promise<string | undefined> {
    const isLook = (every: number): boolean => isDue || this.#looks % every === 1;
    const tooManyAppeals = isLook(APPEALS_LOOKS) ? await this.#tooManyAppeals(ledger, row) : undefined;
    if (tooManyAppeals !== undefined) return tooManyAppeals;
    return isLook(RADIUS_LOOKS) ? this.#tooManyQueries(ledger, row) : undefined;
  }

  async #tooManyAppeals(ledger: RolloutLedger, { id, list }: RolloutRow): Promise<string | undefined> {
    const max = this.#options.appealsMax(list);
    const open = [];
    for (const state of ['received', 'inReview'] as const)
      open.push(...(await ledger.appeals({ list, state, limit: APPEALS_MAX })));
    if (open.length <= max) return undefined;
    const staged = new Set((await ledger.rolloutEntries(id, ENTRIES_MAX)).map(({ name }) => name));
    const against = open.filter(({ entry }) => staged.has(entry)).length;
    return against > max ? `${against} appeals are open against it, more than ${max}` : undefined;
  }

  async #tooManyQueries(ledger: RolloutLedger, { id }: RolloutRow): Promise<string | undefined> {
    const { queryCounts, blastRadius } = this.#options.radius();
    if (queryCounts.length === 0) return undefined;
    let queries = 0;
    let total = 0;
    for (const { name, scope } of await ledger.rolloutEntries(id, ENTRIES_MAX)) {
      const wire = nameFromText(name);
      if (wire === undefined) continue;
      const found = estimateQueries(queryCounts, wire, scope, this.#nowSeconds());
      queries += found.queries;
      total = found.total;
    }
    return radiusDetail({ queries, total }, blastRadius);
  }
}
