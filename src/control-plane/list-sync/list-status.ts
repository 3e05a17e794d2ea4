/**
 * What list-sync says about each list: to metrics, to /readyz and to the log. Data only. The failure reasons are a
 * closed set, because they are a metric label (weir_list_sync_failures_total).
 */
import { FEED_REFUSALS } from '../feed/feed-refusals.ts';
import type { SkipReason } from './format/list-format.ts';
import { REFUSAL_CODES } from './format/read-report.ts';

export const SYNC_FAILURE_REASONS = [
  /** What a reader of lists refuses, e.g. `html` or `tooManyBadLines`. */
  ...REFUSAL_CODES,
  /** Why a signed feed is not believed. */
  ...FEED_REFUSALS,
  /** The fetch did not end within its time limit. */
  'timeout',
  'network',
  /** A file that the source is fetched with (token, authorities, client certificate, key) cannot be used. */
  'credentials',
  /** A status that is neither 200 nor 304. */
  'httpStatus',
  /** Too many redirects, one that leaves https, or one from elsewhere into the network that Weir stands in. */
  'redirect',
  /** It changed while it was read; it is read again when it has settled. */
  'changing',
  /** The state directory did not take the last good copy; the list is in force all the same. */
  'store',
  /** The compile thread died or threw. */
  'internal',
] as const;
export type SyncFailureReason = (typeof SYNC_FAILURE_REASONS)[number];

export interface SyncFailure {
  readonly reason: SyncFailureReason;
  /** For people: what happened and to which file or URL. */
  readonly message: string;
}

/** A skipped line, or an entry that the guard holds, as people should see it. */
export interface StatusSample {
  /** The skip reason or the guard's code. */
  readonly code: string;
  /** 0 where there is none. */
  readonly lineNumber: number;
  /** Printable and clipped. */
  readonly text: string;
}

export interface ListStatus {
  readonly name: string;
  /** Entries in force: without what the guard holds. */
  readonly entries: number;
  /** The version in force; 0 before the first. */
  readonly version: number;
  /** Of the source in force, hexadecimal; '' before the first. */
  readonly sha256: string;
  readonly format: string;
  /** When the source was last read or confirmed unchanged. Units: seconds since 1970, 0 for never. */
  readonly lastSuccessSeconds: number;
  /** From the change seen to the acknowledgement of every thread, for the version in force. */
  readonly activationSeconds: number;
  readonly rejectedByReason: Readonly<Partial<Record<SkipReason, number>>>;
  /** Guard code to number of entries held. */
  readonly holdsByGuard: Readonly<Record<string, number>>;
  readonly skippedSamples: readonly StatusSample[];
  readonly heldSamples: readonly StatusSample[];
  /** True once a first attempt has ended, well or badly. */
  readonly attempted: boolean;
  /** Whether what is in force came from the last good copy because the source failed at start. */
  readonly fromLastGoodCopy: boolean;
  /** An update that waits for a person; what is in force stays. */
  readonly heldUpdate?: { readonly sha256: string; readonly guard: string; readonly detail: string };
  /** Of the last attempt; undefined when it was good. */
  readonly failure?: SyncFailure;
}
