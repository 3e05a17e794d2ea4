/**
 * What the warning page asks the control thread about objections, and what it is told: the page has no ledger. Plain data,
 * carried by the supervisor. Of an appeal the applicant sees what is here and nothing else.
 */
import type { AppealRefusalCode, AppealState, Appellant, NewAppeal, OwnerProof } from './ledger/appeal.ts';

export type AppealQuestion =
  | { readonly kind: 'file'; readonly appeal: NewAppeal }
  | { readonly kind: 'status'; readonly secret: string }
  /** Look whether the owner has published the token. */
  | { readonly kind: 'prove'; readonly secret: string; readonly by: Exclude<OwnerProof, 'none'> };

export interface AppealView {
  readonly id: string;
  readonly name: string;
  readonly who: Appellant;
  readonly state: AppealState;
  readonly createdAtSeconds: number;
  readonly dueAtSeconds: number;
  readonly decisionReason: string | undefined;
  readonly ownerProof: OwnerProof;
  readonly proofToken: string;
}

export type AppealReply =
  | { readonly kind: 'filed'; readonly appeal: AppealView }
  | { readonly kind: 'refused'; readonly code: AppealRefusalCode }
  | { readonly kind: 'status'; readonly appeal: AppealView }
  | { readonly kind: 'notProved'; readonly appeal: AppealView }
  | { readonly kind: 'unknown' }
  /** Nobody answers for the ledger now, or too many wait. */
  | { readonly kind: 'unavailable' };
