/** What the ledger's client and its thread say to each other: a method's name and arguments, an answer. Plain data. */
import type { Ledger } from './ledger.ts';

/** Everything of a Ledger; the thread answers no other name. */
export const LEDGER_METHODS = [
  'authenticate',
  'configure',
  'change',
  'begin',
  'stage',
  'commit',
  'abandon',
  'beginFeed',
  'feedPosition',
  'rollback',
  'versions',
  'deltaSince',
  'entries',
  'lookUp',
  'history',
  'findIncident',
  'holds',
  'decideHold',
  'reportListHolds',
  'approvals',
  'rollouts',
  'rolloutEntries',
  'moveRollout',
  'audit',
  'fileAppeal',
  'appealBySecret',
  'appeal',
  'appeals',
  'reviewAppeal',
  'decideAppeal',
  'proveOwner',
  'createException',
  'endException',
  'exceptions',
  'figures',
  'record',
  'close',
] as const satisfies readonly (keyof Ledger)[];
export type LedgerMethod = (typeof LEDGER_METHODS)[number];

export interface LedgerThreadData {
  readonly stateDirectory: string;
  readonly heartbeat: SharedArrayBuffer;
}

export interface LedgerRequest {
  readonly id: number;
  readonly method: LedgerMethod;
  readonly args: readonly unknown[];
}

export type LedgerAnswer =
  /** The file is open and the thread takes requests; undefined: it is. */
  | { readonly kind: 'ready'; readonly unusable: string | undefined }
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  /** The store does not answer; `isBug`: it should have. */
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly isBug: boolean };
