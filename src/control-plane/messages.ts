/**
 * What the supervisor and the threads of the control plane say to each other.
 */
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { TlsMaterial } from '../config/tls-material.ts';
import type { PublishedPolicy } from '../policy/published.ts';
import type { BatchIoMode } from '../telemetry/counter-labels.ts';
import type { ThreadKind } from '../telemetry/metrics.ts';
import type { AppealQuestion, AppealReply } from './appeal-messages.ts';

export interface ControlThreadData {
  readonly role: 'control';
  readonly config: Config;
  readonly version: string;
  /** False while another Weir has the admin listener and the state directory: say `loaded`, wait for `begin`. */
  readonly mayBegin: boolean;
  /** Counter blocks of every thread that has one. */
  readonly counters: readonly SharedArrayBuffer[];
  /** How often names are asked for (telemetry/query-sketch.ts): before this process, and by each resolver thread. */
  readonly sketches: readonly SharedArrayBuffer[];
  readonly listSlots: Readonly<Record<string, number>>;
  /** Rows of the counters, by region of clients; empty where there are none. */
  readonly regionSlots: Readonly<Record<string, number>>;
  readonly batchIo: BatchIoMode;
  /** Addresses that resolver threads listen on; empty while they do not. */
  readonly listening: readonly SocketAddress[];
  /** Whether the resolver threads have a policy from a control thread before this one. */
  readonly isPolicyInForce: boolean;
  /** Publications so far; this thread's numbers go on from there. */
  readonly publications: number;
  /** Replaced threads so far, for the metric to go on from. */
  readonly restarts: Readonly<Partial<Record<ThreadKind, number>>>;
  readonly reloads: { readonly ok: number; readonly refused: number };
  /** For an admin listener that is not on loopback; undefined: there is no certificate. */
  readonly tls: TlsMaterial | undefined;
  /** Changes of the certificate so far. */
  readonly tlsReloads: { readonly ok: number; readonly refused: number };
}

export type ToControl =
  | {
      readonly kind: 'configure';
      readonly config: Config;
      readonly listSlots: Readonly<Record<string, number>>;
      readonly regionSlots: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'listening'; readonly addresses: readonly SocketAddress[] }
  | { readonly kind: 'batchIo'; readonly mode: BatchIoMode }
  | { readonly kind: 'inForce'; readonly publication: number }
  | { readonly kind: 'restarted'; readonly thread: ThreadKind }
  | { readonly kind: 'reloadRefused' }
  | AppealAsked
  | ReferenceAsked
  | {
      readonly kind: 'tls';
      readonly tls: TlsMaterial | undefined;
      /** Since the start of the process. */
      readonly reloads: { readonly ok: number; readonly refused: number };
    }
  | { readonly kind: 'begin' }
  | { readonly kind: 'stop' };

export type FromControl =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'publish'; readonly publication: number; readonly policy: PublishedPolicy }
  | { readonly kind: 'adminListening'; readonly address: SocketAddress | undefined }
  | { readonly kind: 'cannotListen'; readonly failure: BindFailure }
  | AppealReplied
  | ReferenceReplied
  | {
      readonly kind: 'started';
      readonly lists: readonly {
        readonly name: string;
        readonly entries: number;
        readonly failure: string | undefined;
      }[];
    }
  | { readonly kind: 'stopped' };

export interface PageThreadData {
  readonly role: 'page';
  readonly config: Config;
  readonly policy: PublishedPolicy | undefined;
  readonly counters: SharedArrayBuffer;
  /** Of the resolver threads (telemetry/blocked-chains.ts). */
  readonly chains: readonly SharedArrayBuffer[];
}

/** From the page thread to the control thread, and back: the supervisor passes it on. Ids are by chance (ask-desk.ts). */
export interface AppealAsked {
  readonly kind: 'appealAsked';
  readonly id: number;
  readonly question: AppealQuestion;
}
export interface AppealReplied {
  readonly kind: 'appealReplied';
  readonly id: number;
  readonly reply: AppealReply;
}

/** Under which reference (a case, an order) somebody put an entry into a list: the page has no ledger. */
export interface ReferenceQuestion {
  readonly list: string;
  readonly entry: string;
  /** Whether the entry is the blocked name itself: one of exact scope may be what blocks it. */
  readonly isOwnName: boolean;
}
export type ReferenceAnswer =
  | { readonly kind: 'found'; readonly reference: string }
  | { readonly kind: 'none' }
  /** The ledger cannot be read now, or too many ask. */
  | { readonly kind: 'unavailable' };

/** On the same way; ids are by chance (entry-references.ts). */
export interface ReferenceAsked {
  readonly kind: 'referenceAsked';
  readonly id: number;
  readonly question: ReferenceQuestion;
}
export interface ReferenceReplied {
  readonly kind: 'referenceReplied';
  readonly id: number;
  readonly answer: ReferenceAnswer;
}

export type ToPage =
  | AppealReplied
  | ReferenceReplied
  | { readonly kind: 'policy'; readonly policy: PublishedPolicy }
  | { readonly kind: 'configure'; readonly config: Config };

export type FromPage =
  | AppealAsked
  | ReferenceAsked
  | { readonly kind: 'inForce'; readonly generation: number }
  | {
      readonly kind: 'pageListening';
      readonly key: 'warningPageHttp' | 'warningPageHttps';
      readonly address: SocketAddress;
    }
  /** Every address of the page has been bound, or said to be impossible. */
  | { readonly kind: 'pageReady' }
  | { readonly kind: 'cannotListen'; readonly failure: BindFailure };

export interface EventThreadData {
  readonly role: 'events';
  readonly config: Config;
  readonly counters: SharedArrayBuffer;
  /** Of the resolver threads (telemetry/blocked-events.ts). */
  readonly rings: readonly SharedArrayBuffer[];
  readonly listSlots: Readonly<Record<string, number>>;
  readonly regionSlots: Readonly<Record<string, number>>;
}

export type ToEvents =
  | {
      readonly kind: 'rows';
      readonly listSlots: Readonly<Record<string, number>>;
      readonly regionSlots: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'stop' };
