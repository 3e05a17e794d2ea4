/**
 * Appeals in the ledger: what the subscriber or the owner of a blocked name hands in, what becomes of it, and who says so.
 * Types and what follows from a state alone. Contact, reason and evidence are personal data: they are forgotten a while after the decision,
 * and the audit chain never has them.
 */
import type { Actor, ChangeDone, LedgerRefusal } from './ledger.ts';

export const APPEAL_STATES = ['received', 'inReview', 'upheld', 'rejected', 'expired'] as const;
export type AppealState = (typeof APPEAL_STATES)[number];

/** Whether somebody has still to decide on it. */
export function isOpen({ state }: { readonly state: AppealState }): boolean {
  return state === 'received' || state === 'inReview';
}

export const APPELLANTS = ['subscriber', 'owner'] as const;
export type Appellant = (typeof APPELLANTS)[number];

/** How the owner has shown that the name is under their control. */
export const OWNER_PROOFS = ['none', 'dns', 'http'] as const;
export type OwnerProof = (typeof OWNER_PROOFS)[number];

export type AppealDecision = 'uphold' | 'reject';

/** What the warning page hands in: the block as the page's policy says it, the rest as it was written. */
export interface NewAppeal {
  readonly list: string;
  /** The blocked name that was asked for: A-labels, lower case. */
  readonly name: string;
  /** The entry that blocks it. */
  readonly entry: string;
  readonly incident: string;
  readonly who: string;
  readonly contact: string;
  readonly reason: string;
  /** '': none. */
  readonly evidenceUrl: string;
  /** Of the private link: 27 characters of base64url, by chance. The ledger keeps its hash. */
  readonly secret: string;
  /** The client's prefix, of which the ledger keeps a keyed hash until the day is over; undefined: it came by `by`. */
  readonly client: string | undefined;
  /** Who has taken it in for the applicant. */
  readonly by?: Actor;
}

export interface AppealRow {
  readonly id: string;
  readonly list: string;
  readonly name: string;
  readonly entry: string;
  readonly incident: string;
  readonly who: Appellant;
  /** Undefined, like reason and evidence: forgotten, or never given. */
  readonly contact: string | undefined;
  readonly reason: string | undefined;
  readonly evidenceUrl: string | undefined;
  readonly state: AppealState;
  readonly createdAtSeconds: number;
  readonly dueAtSeconds: number;
  readonly decidedBy: string | undefined;
  readonly decidedAtSeconds: number | undefined;
  readonly decisionReason: string | undefined;
  readonly ownerProof: OwnerProof;
  /** What the owner publishes. */
  readonly proofToken: string;
}

/** A closed set: the page has words for each. */
const APPEAL_REFUSALS = [
  'appealsClosed',
  'badWho',
  'badContact',
  'badReason',
  'badEvidence',
  'badSecret',
  'tooManyOfEntry',
  'tooManyOfList',
  'tooManyOfClient',
  'storeFull',
  'storeUnavailable',
] as const;
export type AppealRefusalCode = (typeof APPEAL_REFUSALS)[number];

export interface AppealRefusal {
  readonly kind: 'refused';
  readonly code: AppealRefusalCode;
  readonly message: string;
}

export interface AppealFiled {
  readonly kind: 'filed';
  readonly appeal: AppealRow;
  /** The same form was sent before: this is what it came to. */
  readonly isReplay: boolean;
}

export interface AppealFilter {
  readonly list?: string;
  /** 'open': received or in review. */
  readonly state?: AppealState | 'open';
  readonly limit: number;
  /** Behind this id. */
  readonly after?: string;
}

export interface AppealDecided {
  readonly kind: 'decided';
  readonly appeal: AppealRow;
  /** Other open appeals against the same entry, decided with it. */
  readonly alsoDecided: readonly string[];
  /** Undefined: the list says the same as before. */
  readonly change: ChangeDone | undefined;
}

/** What may be asked of the ledger about appeals; part of Ledger. */
export interface Appeals {
  fileAppeal(sent: NewAppeal): Promise<AppealFiled | AppealRefusal>;
  /** By the secret of its private link. */
  appealBySecret(secret: string): Promise<AppealRow | undefined>;
  appeal(id: string): Promise<AppealRow | undefined>;
  /** In the order in which they came. */
  appeals(filter: AppealFilter): Promise<readonly AppealRow[]>;
  /** Says that somebody looks at it. */
  reviewAppeal(id: string, actor: Actor): Promise<{ kind: 'reviewed'; appeal: AppealRow } | LedgerRefusal>;
  /** Upheld: the entry leaves a push list in the same transaction. */
  decideAppeal(
    id: string,
    decision: AppealDecision,
    reason: string,
    actor: Actor,
  ): Promise<AppealDecided | LedgerRefusal>;
  /** Somebody has looked and found the token. Undefined: no such appeal, or it is decided. */
  proveOwner(id: string, by: Exclude<OwnerProof, 'none'>): Promise<AppealRow | undefined>;
}

export interface AppealSettings {
  /** By list: days until an appeal has to be decided. */
  readonly days: Readonly<Record<string, number>>;
  /** Past that day, until it counts as expired. */
  readonly expireDays: number;
  /** Past the decision, until personal data is forgotten. */
  readonly retentionDays: number;
  readonly perClientPerDayMax: number;
}

/** For the metrics. */
export interface AppealFigures {
  readonly states: readonly { readonly state: AppealState; readonly count: number }[];
  /** Past their day and open. */
  readonly overdue: readonly { readonly list: string; readonly count: number }[];
}
