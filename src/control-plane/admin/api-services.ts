/** What the routes under /v1 work with: the ledger, list-sync, and what is measured. control-thread.ts wires it. */
import type { Config } from '../../config/config.ts';
import type { Policy } from '../../policy/policy.ts';
import type { PushOutcome, PushedEntries } from '../../telemetry/ledger-metrics.ts';
import type { Log } from '../../telemetry/log.ts';
import type { FeedPublisher } from '../feed/feed-publisher.ts';
import type { AppealReply } from '../appeal-messages.ts';
import type { AppealDecided, NewAppeal } from '../ledger/appeal.ts';
import type { Ledger, LedgerDelta } from '../ledger/ledger.ts';
import type { FoundEntry } from '../list-sync/find-entries.ts';
import type { ListStatus } from '../list-sync/list-status.ts';

export interface ListFinder {
  /** Entries of pulled lists on the wire-format name or above it, held ones too. */
  findEntries(wireName: Uint8Array): Promise<readonly { readonly list: string; readonly entry: FoundEntry }[]>;
}

export interface ApiServices {
  readonly ledger: Ledger;
  readonly config: () => Pick<Config, 'lists' | 'push'>;
  readonly listStatus: () => readonly ListStatus[];
  /** Of list-sync: resolves when every resolver thread judges by it. */
  readonly apply: (delta: LedgerDelta) => Promise<void>;
  /** Somebody has let a held entry of a pulled list through, or has not. */
  readonly approvalsChanged: (list: string) => Promise<void>;
  /** Resolves when every resolver thread judges by the exceptions that are active in the ledger. */
  readonly exceptionsChanged: () => Promise<void>;
  /** Errors: none. */
  readonly fileAppeal: (appeal: NewAppeal) => Promise<AppealReply>;
  /** Tells the list's people elsewhere of a decision. */
  readonly appealDecided: (decided: AppealDecided) => void;
  /** Of what is published now; undefined before the first. */
  readonly policy: () => Policy | undefined;
  readonly finder: ListFinder;
  readonly metrics: {
    countPush(list: string, outcome: PushOutcome): void;
    countPushedEntries(list: string, entries: PushedEntries): void;
    observePush(seconds: number): void;
  };
  /** The push lists that are served as feeds; undefined: none. */
  readonly feeds: () => FeedPublisher | undefined;
  /** Holds, rollouts or the audit chain have changed. Resolves when rollouts are as they are now on every thread. */
  readonly onLedgerChanged: () => void | Promise<void>;
  readonly log: Log;
}
