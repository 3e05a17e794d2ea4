/**
 * What the ledger keeps and what may be asked of it: types only. The ledger is the durable side of lists that are
 * changed entry by entry (pushes, signed feeds): entries with their history, versions, holds, rollouts, tokens, the audit
 * chain. One SQLite file in the state directory, one writer, in a thread of its own (ledger-thread.ts); everyone else in
 * the control plane has a LedgerClient. What a promise here resolves to has been synced to the disk.
 *
 * route -> Ledger.change (normalise, guard, one transaction, fsync) -> ListSync.apply (in force everywhere) -> answer
 */
import type { Category } from '../../policy/category.ts';
import type { AppealFigures, Appeals, AppealSettings } from './appeal.ts';
import type { ExceptionLedger } from './exception.ts';

/** What a token may do: read, propose (held until approved), push (in force at once), approve (release what is held). */
export const RIGHTS = ['propose', 'push', 'approve', 'read'] as const;
export type Right = (typeof RIGHTS)[number];

/** Who acts. Never a secret. */
export interface Actor {
  /** The token's id, or 'system', or 'feed'. */
  readonly id: string;
  /** For people: the maintainer's name. */
  readonly name: string;
  /** Names of lists; '*': all. */
  readonly lists: readonly string[];
  readonly rights: readonly Right[];
}

export type EntryScope = 'exact' | 'subtree';
export type EntryMode = 'enforce' | 'shadow';

/** An entry as it was sent: nothing of it is trusted yet. */
export interface ProposedEntry {
  readonly name: string;
  readonly scope?: string;
  readonly category?: string;
  readonly reference?: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
  readonly note?: string;
  readonly mode?: string;
}

/** Both scopes of the name, unless it says which. */
export interface ProposedRemoval {
  readonly name: string;
  readonly scope?: string;
}

/** One current entry of one list. */
export interface LedgerEntry {
  /** A-labels, lower case, no trailing dot. */
  readonly name: string;
  readonly scope: EntryScope;
  /** Undefined: the list's default. */
  readonly category: Category | undefined;
  /** As written, where it is not one of ours. */
  readonly categoryWord: string | undefined;
  readonly reference: string | undefined;
  readonly note: string | undefined;
  /** Seconds since 1970; 0: never. */
  readonly expiresAtSeconds: number;
  readonly mode: EntryMode;
  /** Of the rollout that stages it; 0: in force for everyone. 1..255. */
  readonly rolloutSlot: number;
  readonly maintainer: string;
  readonly addedAtSeconds: number;
  readonly addedInVersion: number;
  /** Whether a person has released it from a hold: the guard does not hold it again. */
  readonly isApproved: boolean;
}

/** All that one list says of one name now; no entry: nothing any more. */
export interface NameState {
  readonly name: string;
  readonly entries: readonly LedgerEntry[];
}

/** How one version of a list differs from an earlier one, as the new state of every name that changed. */
export interface LedgerDelta {
  readonly list: string;
  readonly fromVersion: number;
  readonly toVersion: number;
  /** SHA-256 over the chain of the list's versions, hexadecimal: the label of weir_list_version_info. */
  readonly digest: string;
  /** Undefined: more than DELTA_NAMES_MAX names; the list has to be read from the ledger again. */
  readonly names: readonly NameState[] | undefined;
  /** Entries of the list at `toVersion`. */
  readonly entryCount: number;
}

export const DELTA_NAMES_MAX = 5_000;

export interface RejectedEntry {
  readonly name: string;
  /** A SkipReason of a list format, or badScope, badCategory, badExpiry, expired, badMode, badText, textTooLong, notListed,
   * tooManyHolds, rolloutAborted. */
  readonly code: string;
  readonly detail: string;
}

export interface HeldEntry {
  readonly name: string;
  readonly scope: EntryScope;
  /** A guard's code, or `proposed` where the token may only propose. */
  readonly code: string;
  readonly holdId: string;
  readonly detail: string;
}

/** Rejected and held entries that an answer names; the totals count all. */
export const REPORTED_ENTRIES_MAX = 1_000;

export interface ChangeRequest {
  readonly list: string;
  readonly actor: Actor;
  readonly reason: string;
  readonly idempotencyKey: string | undefined;
  readonly add: readonly ProposedEntry[];
  readonly remove: readonly ProposedRemoval[];
}

/** What a change has put in force in stages. */
export interface StartedRollout {
  readonly id: string;
  readonly entries: number;
  /** Of the clients' networks, at first. */
  readonly percent: number;
}

export interface ChangeDone {
  readonly kind: 'done';
  /** The list's version after it; the same as before where nothing was accepted. */
  readonly version: number;
  readonly accepted: number;
  readonly removed: number;
  /** Entries that said what the list said already. */
  readonly unchanged: number;
  readonly rejected: readonly RejectedEntry[];
  readonly rejectedTotal: number;
  readonly held: readonly HeldEntry[];
  readonly heldTotal: number;
  /** Of new entries that are in force for a part of the clients only, as it was when they entered. */
  readonly rollout?: StartedRollout | undefined;
  /** Holds that ended because their entries were taken back, or are in force by this change. */
  readonly withdrawnHolds?: number;
  /** True: the answer to an earlier request with the same key, again. */
  readonly isReplay: boolean;
  readonly delta: LedgerDelta;
}

/** A closed set: the `code` of the problem document. */
export const LEDGER_REFUSALS = [
  'listUnknown',
  'notAPushList',
  'forbidden',
  'idempotencyMismatch',
  'tooManyEntries',
  'versionUnknown',
  'holdUnknown',
  'holdDecided',
  'samePerson',
  'rolloutUnknown',
  'rolloutEnded',
  'noRolloutSlot',
  'appealUnknown',
  'appealDecided',
  'badException',
  'tooManyExceptions',
  'exceptionUnknown',
  'exceptionEnded',
  'changeRunning',
  'storeFull',
  'storeUnavailable',
] as const;
export type LedgerRefusalCode = (typeof LEDGER_REFUSALS)[number];

export interface LedgerRefusal {
  readonly kind: 'refused';
  readonly code: LedgerRefusalCode;
  readonly message: string;
}

export interface VersionRow {
  readonly version: number;
  readonly createdAtSeconds: number;
  readonly maintainer: string;
  readonly reason: string;
  /** push | approval | rollback | withdrawal | feed | rollout | appeal */
  readonly origin: string;
  readonly added: number;
  readonly removed: number;
  readonly entryCount: number;
  readonly digest: string;
}

export const HOLD_STATES = ['open', 'released', 'rejected', 'withdrawn', 'expired'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

export interface HoldRow {
  readonly id: string;
  readonly list: string;
  /** entry: of a push or feed; listEntry: of a pulled list; update: a whole pulled update (shrink, growth). */
  readonly kind: 'entry' | 'listEntry' | 'update';
  readonly name: string;
  readonly scope: EntryScope;
  readonly guard: string;
  readonly detail: string;
  readonly proposer: string;
  readonly reason: string;
  readonly createdAtSeconds: number;
  readonly state: HoldState;
  readonly decidedBy: string | undefined;
  readonly decidedAtSeconds: number | undefined;
  readonly decisionReason: string | undefined;
}

/** What is held of a pulled list now (list-sync says it after each version). */
export interface ListHoldsReport {
  readonly list: string;
  readonly version: number;
  readonly entries: readonly { name: string; scope: EntryScope; guard: string; detail: string }[];
  /** A whole update that waits: its source's SHA-256 is its name. */
  readonly update: { sha256: string; guard: string; detail: string } | undefined;
}

/** What people have let through of a pulled list. */
export interface ListApprovals {
  readonly list: string;
  readonly names: readonly string[];
  readonly updateSha256s: readonly string[];
  /** Entries that they have lifted since, by upholding an appeal. */
  readonly lifted?: readonly string[];
}

export interface RolloutStage {
  /** Of subscribers' prefixes. 0..100; two decimals. */
  readonly percent: number;
  /** Until the next stage; 0: until someone promotes it. */
  readonly seconds: number;
}

export interface RolloutRow {
  readonly id: string;
  readonly list: string;
  readonly slot: number;
  readonly state: 'running' | 'complete' | 'aborted';
  readonly stages: readonly RolloutStage[];
  readonly stage: number;
  readonly percent: number;
  readonly nextAtSeconds: number;
  readonly entryCount: number;
  readonly version: number;
  readonly reason: string;
}

/** One line of a name's history. */
export interface NameEvent {
  readonly atSeconds: number;
  readonly list: string;
  readonly version: number;
  readonly what: 'added' | 'removed' | 'held' | 'released' | 'rejected';
  readonly scope: EntryScope;
  readonly maintainer: string;
  readonly reason: string;
  readonly reference: string | undefined;
}

export interface AuditRecord {
  readonly seq: number;
  readonly atSeconds: number;
  readonly actor: string;
  /** change, hold, release, reject, rollback, rollout, token, key, feed, appeal, exception, retention, ... */
  readonly kind: string;
  readonly list: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly previousHash: string;
  readonly hash: string;
}

/** A signed feed's update as the follower hands it over, verified and complete. */
export interface FeedUpdate {
  readonly list: string;
  readonly version: number;
  readonly manifestSha256: string;
  /** Before this version its deltas begin; undefined: a snapshot, which replaces all. */
  readonly fromVersion: number | undefined;
  readonly keyId: string;
}

/** Which version of its feed a list has; what the publisher numbers, not the list's own version here. */
export interface FeedPosition {
  /** 0: none yet. */
  readonly version: number;
  readonly manifestSha256: string;
  readonly keyId: string;
}

/** Counts for the metrics. Cost: a count over an index each. */
export interface LedgerFigures {
  readonly auditRecords: number;
  readonly openHolds: readonly { readonly list: string; readonly guard: string; readonly count: number }[];
  readonly appeals: AppealFigures;
  readonly activeExceptions: number;
}

/** Everything that may be asked; the client sends it to the ledger's thread. Errors: none, refusals are values. */
export interface Ledger extends Appeals, ExceptionLedger {
  /** Undefined: no such token, or revoked, or expired. Compared in constant time. */
  authenticate(token: string): Promise<Actor | undefined>;
  /** Lists that the configuration has as `push` or feeds, with what decides about their changes. */
  configure(settings: LedgerSettings): Promise<void>;
  change(request: ChangeRequest): Promise<ChangeDone | LedgerRefusal>;
  /**
   * A bulk change in pieces: nothing of it counts before commit. Only one at a time for each list. What was answered
   * before is answered at the commit too, when it is known to be the same.
   */
  begin(request: Omit<ChangeRequest, 'add' | 'remove'>): Promise<{ kind: 'begun'; id: number } | LedgerRefusal>;
  stage(id: number, add: readonly ProposedEntry[], remove: readonly ProposedRemoval[]): Promise<void>;
  commit(id: number): Promise<ChangeDone | LedgerRefusal>;
  abandon(id: number): Promise<void>;
  /** The same in pieces for a feed: `entries` are taken as the publisher's; the guard looks at them all the same. */
  beginFeed(update: FeedUpdate): Promise<{ kind: 'begun'; id: number } | LedgerRefusal>;
  /** How far the last committed update of the feed has brought the list. */
  feedPosition(list: string): Promise<FeedPosition>;
  rollback(list: string, toVersion: number, reason: string, actor: Actor): Promise<ChangeDone | LedgerRefusal>;
  versions(list: string, limit: number): Promise<readonly VersionRow[]>;
  /** Undefined: that version is not kept any more. */
  deltaSince(list: string, version: number): Promise<LedgerDelta | undefined>;
  /** Names in order, from behind `after`. */
  entries(list: string, after: string, limit: number): Promise<readonly LedgerEntry[]>;
  /** The states of these names in every list of the ledger. */
  lookUp(names: readonly string[]): Promise<readonly (NameState & { readonly list: string })[]>;
  history(name: string, limit: number): Promise<readonly NameEvent[]>;
  /** The entry that an incident id stands for, if the ledger has it: candidates by list tag, version and entry hash. */
  findIncident(incident: string): Promise<{ list: string; version: number; entry: LedgerEntry } | undefined>;
  holds(filter: { list?: string; state?: HoldState; limit: number; after?: string }): Promise<readonly HoldRow[]>;
  decideHold(
    id: string,
    decision: 'release' | 'reject',
    reason: string,
    actor: Actor,
  ): Promise<{ kind: 'decided'; hold: HoldRow; change: ChangeDone | undefined } | LedgerRefusal>;
  reportListHolds(report: ListHoldsReport): Promise<void>;
  approvals(list: string): Promise<ListApprovals>;
  rollouts(): Promise<readonly RolloutRow[]>;
  /** Of one that is running; names in order. */
  rolloutEntries(id: string, limit: number): Promise<readonly LedgerEntry[]>;
  moveRollout(
    id: string,
    to: 'promote' | 'abort',
    reason: string,
    actor: Actor,
  ): Promise<{ kind: 'moved'; rollout: RolloutRow; change: ChangeDone | undefined } | LedgerRefusal>;
  audit(after: number, limit: number): Promise<readonly AuditRecord[]>;
  figures(): Promise<LedgerFigures>;
  /** For events of others: keys, feeds, appeals, exceptions. */
  record(actor: string, kind: string, list: string | undefined, data: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

export interface LedgerListSettings {
  readonly name: string;
  readonly source: 'push' | 'feed' | 'pulled';
  readonly category: Category;
  readonly twoPersons: boolean;
  readonly approved: readonly string[];
  readonly shrinkPercentMax: number;
  readonly growthPercentMax: number;
  readonly rolloutStages: readonly RolloutStage[];
  readonly versionsMax: number;
}

export interface LedgerSettings {
  readonly lists: readonly LedgerListSettings[];
  /** GuardFiles of list-sync (guard-files.ts). */
  readonly guard: unknown;
  readonly entriesMax: number;
  /** Live query counts (blast radius): shared memory of the resolver threads; see guard/blast-radius.ts. */
  readonly queryCounts: readonly SharedArrayBuffer[];
  readonly blastRadius: { readonly sharePercent: number; readonly queriesMin: number };
  /** Undefined: none are taken in; those that there are can be decided. */
  readonly appeals?: AppealSettings | undefined;
}
