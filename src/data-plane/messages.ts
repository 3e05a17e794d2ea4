/**
 * What the supervisor and a resolver thread say to each other. The thread starts with its configuration and the policy
 * in force; afterwards these few messages are all that passes. Queries and answers never cross threads.
 */
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { TlsMaterial } from '../config/tls-material.ts';
import type { BatchIoMode } from '../telemetry/counter-labels.ts';
import type { PublishedPolicy } from '../policy/published.ts';

export interface ResolverThreadData {
  readonly role: 'resolver';
  readonly config: Config;
  readonly policy: PublishedPolicy | undefined;
  /** Undefined: there is no certificate. */
  readonly tls: TlsMaterial | undefined;
  /** For server cookies where none is configured; all threads have the same. */
  readonly cookieSecret: Uint8Array;
  /** Rows of the counters, by region of clients; empty where there are none. */
  readonly regionSlots: Readonly<Record<string, number>>;
  readonly counters: SharedArrayBuffer;
  /** Names blocked by what they lead to, for the warning page. */
  readonly chains: SharedArrayBuffer;
  /** How often names are asked for, for the guard of lists. */
  readonly sketch: SharedArrayBuffer;
  /** For the event log; undefined where it is off. */
  readonly events: SharedArrayBuffer | undefined;
  /** False at the start, while there is no policy yet: wait for `listen`. */
  readonly mayListen: boolean;
}

export type ToResolver =
  | { readonly kind: 'policy'; readonly policy: PublishedPolicy }
  | {
      readonly kind: 'configure';
      readonly config: Config;
      readonly regionSlots: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'listen'; readonly config: Config }
  | { readonly kind: 'tls'; readonly tls: TlsMaterial | undefined }
  | { readonly kind: 'drain' }
  /** Drain; another process has bound the same addresses and takes what is new. */
  | { readonly kind: 'leave' }
  /** The process that this one succeeds has gone. */
  | { readonly kind: 'alone' };

export type FromResolver =
  /** After the start and after every configure. */
  | {
      readonly kind: 'listening';
      readonly addresses: Readonly<Record<'do53' | 'dot' | 'doh', readonly SocketAddress[]>>;
      readonly failures: readonly BindFailure[];
    }
  /** Once, before listening: how datagrams are moved, and why not in batches where it is not so. */
  | { readonly kind: 'batchIo'; readonly mode: BatchIoMode; readonly reason: string }
  | { readonly kind: 'inForce'; readonly generation: number }
  | { readonly kind: 'drained' };
