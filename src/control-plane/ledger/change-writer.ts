/**
 * Applies a change to a list inside the caller's transaction: what may enter enters as one version, what is risky waits in
 * a hold, what makes no sense is reported. A generator: it pauses every few names, so that whoever runs it can let others
 * in between; the transaction is the caller's, and so is taking all of it back.
 *
 * staged work, in order of names -> (a first look: does it shrink or grow the list too much?) -> rows, holds -> version
 */
import type { EntryFields, EntryRow } from './entry-rows.ts';
import { currentRows, FLAG_SHADOW, SCOPES } from './entry-rows.ts';
import {
  closeHold,
  FEED_ACTOR,
  hasHeld,
  holdEntry,
  holdIdText,
  openHold,
  openHoldCount,
  rejectedHold,
  sameHold,
  withdrawHeld,
  type Proposer,
} from './hold-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import {
  REPORTED_ENTRIES_MAX,
  type HeldEntry,
  type LedgerListSettings,
  type LedgerRefusal,
  type RejectedEntry,
  type StartedRollout,
} from './ledger.ts';
import type { ListHead } from './list-heads.ts';
import { stepsOf, type GuardHit, type NameStep, type NameWork } from './name-work.ts';
import { bulkHits, measureChange, PAUSE_NAMES } from './measure-change.ts';
import { beginRollout, isStaged, rolloutIdText, rolloutState, setEntryCount } from './rollout-rows.ts';
import type { StagedChange } from './staged-change.ts';
import { VersionWriter, type VersionFacts } from './version-writer.ts';

/** Open holds of one list; beyond them an entry is rejected. A bulk change that waits is one. */
const OPEN_HOLDS_MAX = 10_000;

export interface ChangePlan {
  readonly head: ListHead;
  readonly settings: LedgerListSettings;
  readonly facts: VersionFacts;
  readonly stage: Pick<StagedChange, 'work' | 'has'>;
  /** Everything that would be added waits for a person. */
  readonly proposeOnly: boolean;
  /** How much it adds and removes is looked at; not where a person has said yes to it. */
  readonly isMeasured: boolean;
  /** What the list has and the change does not is removed: a feed's snapshot. */
  readonly replacesAll: boolean;
  /** New entries are staged where the list says so. */
  readonly isRolledOut: boolean;
  /** A version even where nothing changes. */
  readonly isForced: boolean;
}

export interface ChangeWritten {
  readonly kind: 'written';
  readonly version: number;
  readonly accepted: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly rejected: readonly RejectedEntry[];
  readonly rejectedTotal: number;
  readonly held: readonly HeldEntry[];
  readonly heldTotal: number;
  readonly withdrawnHolds: number;
  readonly rollout: StartedRollout | undefined;
  readonly names: readonly string[] | undefined;
}

/** `tables` writes; `snapshot` is another connection that sees the list as it was before. */
export class ChangeWriter {
  readonly #tables: LedgerConnection;
  readonly #snapshot: LedgerConnection;
  readonly #plan: ChangePlan;
  readonly #writer: VersionWriter;
  readonly #proposer: Proposer;
  readonly #mayHaveHeld: boolean;
  readonly #rejected: RejectedEntry[] = [];
  readonly #held: HeldEntry[] = [];
  #rejectedTotal = 0;
  #heldTotal = 0;
  #unchanged = 0;
  #withdrawnHolds = 0;
  #openHolds: number;
  /** Bulk that waits as one: the hold of what is added, and of what is removed. */
  #addsHold: { id: number; hit: GuardHit; count: number } | undefined;
  #removalsHold: { id: number; hit: GuardHit; count: number } | undefined;
  #rollout: { id: number; entries: number } | undefined;

  constructor(tables: LedgerConnection, snapshot: LedgerConnection, plan: ChangePlan) {
    this.#tables = tables;
    this.#snapshot = snapshot;
    this.#plan = plan;
    this.#writer = new VersionWriter(tables, plan.head, plan.facts);
    const { actorId, maintainer, reason, atSeconds } = plan.facts;
    this.#proposer = { id: actorId, name: maintainer, reason, atSeconds };
    this.#mayHaveHeld = hasHeld(tables, plan.head.id);
    this.#openHolds = openHoldCount(tables, plan.head.id);
  }

  *write(): Generator<void, ChangeWritten | LedgerRefusal> {
    if (this.#plan.isMeasured) yield* this.#measure();
    let names = 0;
    for (const work of this.#plan.stage.work()) {
      const refusal = this.#take(work);
      if (refusal !== undefined) return refusal;
      names += 1;
      if (names % PAUSE_NAMES === 0) yield;
    }
    if (this.#plan.replacesAll) yield* this.#removeOthers();
    this.#finishHolds();
    if (this.#rollout !== undefined) setEntryCount(this.#tables, this.#rollout.id, this.#rollout.entries);
    const isVersion = this.#writer.hasChanges || this.#plan.isForced;
    if (isVersion) this.#writer.finish();
    return {
      kind: 'written',
      version: isVersion ? this.#writer.version : this.#plan.head.version,
      accepted: this.#writer.added + this.#writer.replaced,
      removed: this.#writer.removed,
      unchanged: this.#unchanged,
      rejected: this.#rejected,
      rejectedTotal: this.#rejectedTotal,
      held: this.#held,
      heldTotal: this.#heldTotal,
      withdrawnHolds: this.#withdrawnHolds,
      rollout: this.#startedRollout(),
      names: this.#writer.names,
    };
  }

  /** A bulk change that does too much waits as one: a person can release it with one decision. */
  *#measure(): Generator<void> {
    const measure = yield* measureChange(this.#tables, this.#plan, () => this.#walkCurrent());
    const { adds, removals } = bulkHits(measure, this.#plan);
    if (adds !== undefined) this.#addsHold = this.#openBulk(adds.hit, adds.count);
    if (removals !== undefined) this.#removalsHold = this.#openBulk(removals.hit, removals.count);
  }

  #openBulk(hit: GuardHit, count: number): { id: number; hit: GuardHit; count: number } {
    const name = `${count} entries`;
    const { head } = this.#plan;
    const id = openHold(this.#tables, { list: head.id, kind: 'update', name, scope: 0, hit, proposer: this.#proposer });
    this.#openHolds += 1;
    return { id, hit, count: 0 };
  }

  #take(work: NameWork): LedgerRefusal | undefined {
    const current = currentRows(this.#tables, this.#plan.head.id, work.name);
    for (const step of stepsOf(work, current, this.#plan.proposeOnly)) {
      const refusal = this.#do(step, work);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #do(step: NameStep, work: NameWork): LedgerRefusal | undefined {
    switch (step.kind) {
      case 'add':
        return this.#add(step.fields, step.replaces, work.add[step.fields.scope as 0 | 1]?.from);
      case 'remove':
        return this.#remove(step.row);
      case 'hold':
        return this.#hold(step.fields, step.hit);
      case 'unchanged':
        this.#unchanged += 1;
        return undefined;
      case 'notListed':
        return this.#notListed(work.name, step.scopes, step.isAll);
      default:
        return step satisfies never;
    }
  }

  #add(fields: EntryFields, replaces: EntryRow | undefined, from: EntryRow | undefined): LedgerRefusal | undefined {
    // Why only what is new: an entry whose note is corrected is in force, and stays so.
    if (this.#addsHold !== undefined && replaces === undefined) return this.#holdInBulk(this.#addsHold, fields, 'add');
    let rollout = this.#rolloutOf(from ?? replaces);
    if (this.#isToBeStaged(fields, replaces, from)) {
      rollout = this.#ownRollout();
      if (rollout === undefined) return NO_SLOT;
    }
    this.#withdraw(fields.name, fields.scope);
    this.#writer.add(fields, {
      replaces,
      rollout: rollout ?? null,
      ...(from === undefined ? {} : { maintainer: from.maintainer, addedAt: from.added_at }),
    });
    return undefined;
  }

  #isToBeStaged(fields: EntryFields, replaces: EntryRow | undefined, from: EntryRow | undefined): boolean {
    const { isRolledOut, settings } = this.#plan;
    if (!isRolledOut || !isStaged(settings.rolloutStages) || from !== undefined) return false;
    if ((fields.flags & FLAG_SHADOW) !== 0) return false;
    // Why: an entry that blocks for everyone must not be taken back to a few because it is corrected.
    return replaces === undefined || (replaces.flags & FLAG_SHADOW) !== 0;
  }

  #rolloutOf(row: EntryRow | undefined): number | undefined {
    if (row === undefined || row.rollout === null) return undefined;
    return rolloutState(this.#tables, row.rollout) === 'running' ? row.rollout : undefined;
  }

  #ownRollout(): number | undefined {
    if (this.#rollout === undefined) {
      const { head, settings, facts } = this.#plan;
      const id = beginRollout(this.#tables, {
        list: head.id,
        stages: settings.rolloutStages,
        version: this.#writer.version,
        reason: facts.reason,
        atSeconds: facts.atSeconds,
      });
      if (id === undefined) return undefined;
      this.#rollout = { id, entries: 0 };
    }
    this.#rollout.entries += 1;
    return this.#rollout.id;
  }

  #startedRollout(): StartedRollout | undefined {
    if (this.#rollout === undefined) return undefined;
    const { id, entries } = this.#rollout;
    return { id: rolloutIdText(id), entries, percent: this.#plan.settings.rolloutStages[0]!.percent };
  }

  #remove(row: EntryRow): undefined {
    if (this.#removalsHold !== undefined) return this.#holdInBulk(this.#removalsHold, row, 'remove');
    this.#withdraw(row.name, row.scope);
    this.#writer.remove(row);
    return undefined;
  }

  /** Everything of the list that the snapshot does not name. */
  *#removeOthers(): Generator<void> {
    const { head, stage } = this.#plan;
    let rows = 0;
    for (const old of this.#walkCurrent()) {
      rows += 1;
      if (rows % PAUSE_NAMES === 0) yield;
      if (!stage.has(old.name, old.scope)) this.#remove(old);
    }
    for (const hold of feedHolds(this.#tables, head.id)) {
      if (stage.has(hold.name, hold.scope)) continue;
      const { atSeconds } = this.#proposer;
      closeHold(this.#tables, hold.id, {
        state: 'withdrawn',
        by: FEED_ACTOR,
        reason: 'no longer in the feed',
        atSeconds,
      });
      this.#withdrawnHolds += 1;
    }
  }

  *#walkCurrent(): Generator<EntryRow> {
    // Why by the other connection: rows that are written meanwhile do not come into its way.
    const sql = 'SELECT * FROM entries WHERE list = ? AND removed IS NULL ORDER BY name, scope';
    for (const row of this.#snapshot.walk<EntryRow>(sql, this.#plan.head.id)) yield row;
  }

  #hold(fields: EntryFields, hit: GuardHit): undefined {
    if (this.#addsHold?.hit.guard === 'proposed') return this.#holdInBulk(this.#addsHold, fields, 'add');
    const { head } = this.#plan;
    const before =
      sameHold(this.#tables, head.id, fields, hit, this.#proposer) ??
      (this.#proposer.id === FEED_ACTOR ? rejectedHold(this.#tables, head.id, fields, hit.guard) : undefined);
    if (before !== undefined) return this.#reportHeld(fields, hit, before);
    if (this.#openHolds >= OPEN_HOLDS_MAX) {
      const detail = `${OPEN_HOLDS_MAX} holds of the list wait for a decision already; this one would be: ${hit.detail}`;
      return this.#reject({ name: fields.name, code: 'tooManyHolds', detail });
    }
    this.#openHolds += 1;
    const { name, scope, reference, expires } = fields;
    const hold = {
      list: head.id,
      kind: 'entry' as const,
      name,
      scope,
      hit,
      proposer: this.#proposer,
      reference,
      expires,
    };
    const id = openHold(this.#tables, hold);
    holdEntry(this.#tables, head.id, id, fields, 'add', this.#proposer);
    return this.#reportHeld(fields, hit, id);
  }

  #holdInBulk(
    hold: { id: number; hit: GuardHit; count: number },
    fields: EntryFields,
    op: 'add' | 'remove',
  ): undefined {
    holdEntry(this.#tables, this.#plan.head.id, hold.id, fields, op, this.#proposer);
    hold.count += 1;
    return this.#reportHeld(fields, hold.hit, hold.id);
  }

  #reportHeld({ name, scope }: EntryFields, hit: GuardHit, id: number): undefined {
    this.#heldTotal += 1;
    if (this.#held.length >= REPORTED_ENTRIES_MAX) return;
    const word = SCOPES[scope] ?? 'subtree';
    this.#held.push({ name, scope: word, code: hit.guard, holdId: holdIdText(id), detail: hit.detail });
  }

  #notListed(name: string, scopes: readonly number[], isAll: boolean): undefined {
    const withdrawn = scopes.filter((scope) => this.#withdraw(name, scope)).length;
    // Why not of a feed: it takes back what waits here, or what a person has let in or out.
    if (withdrawn > 0 || !isAll || this.#proposer.id === FEED_ACTOR) return;
    this.#reject({ name, code: 'notListed', detail: 'the list does not have it' });
  }

  /** Whatever waits for the name and scope is overtaken. Says whether an addition waited. */
  #withdraw(name: string, scope: number): boolean {
    if (!this.#mayHaveHeld || !withdrawHeld(this.#tables, this.#plan.head.id, name, scope, this.#proposer))
      return false;
    this.#withdrawnHolds += 1;
    return true;
  }

  #reject(rejected: RejectedEntry): undefined {
    this.#rejectedTotal += 1;
    if (this.#rejected.length < REPORTED_ENTRIES_MAX) this.#rejected.push(rejected);
  }

  /** A bulk hold that nothing came into waits for nobody. */
  #finishHolds(): void {
    for (const hold of [this.#addsHold, this.#removalsHold]) {
      if (hold !== undefined && hold.count === 0) this.#tables.run('DELETE FROM holds WHERE id = ?', hold.id);
    }
  }
}

const NO_SLOT: LedgerRefusal = {
  kind: 'refused',
  code: 'noRolloutSlot',
  message: 'As many rollouts are running as can be. Promote or abort one, then send it again. Nothing was changed.',
};

function feedHolds(tables: LedgerConnection, list: number): { id: number; name: string; scope: number }[] {
  const sql =
    "SELECT id, name, scope FROM holds WHERE list = ? AND state = 'open' AND kind = 'entry' AND proposer_id = ?";
  return tables.all(sql, list, FEED_ACTOR);
}
