/**
 * All that the control thread does with feeds: a follower for each list that follows one, a publisher for the push lists
 * that are served as feeds, both as the configuration has them now. control-thread.ts makes one and tells it of reloads
 * and of changes that are in force.
 */
import type { Config, ListConfig } from '../../config/config.ts';
import type { Ledger, LedgerDelta } from '../ledger/ledger.ts';
import type { SyncLog } from '../list-sync/sync-log.ts';
import { FeedFollower, type FeedStatus } from './feed-follower.ts';
import { FeedPublisher } from './feed-publisher.ts';
import { secretKeyMark } from './secret-key-file.ts';

export type FeedConfig = Pick<Config, 'lists' | 'feeds' | 'stateDirectory'>;

export interface FeedServices {
  readonly ledger: Pick<
    Ledger,
    'beginFeed' | 'stage' | 'commit' | 'abandon' | 'feedPosition' | 'record' | 'deltaSince'
  >;
  /** Of list-sync: resolves when every resolver thread judges by it. */
  readonly apply: (delta: LedgerDelta) => Promise<void>;
  readonly onStatus: (status: FeedStatus) => void;
  /** The list's server redirects to these hosts. */
  readonly onRedirects: (list: ListConfig, hosts: readonly string[]) => void;
  readonly log: SyncLog;
}

export class FeedService {
  readonly #services: FeedServices;
  readonly #followers = new Map<string, FeedFollower>();
  #publisher: FeedPublisher | undefined;
  #published = '';
  /** Why one behind the other: a follower that closes and its successor must not both bring the list forward. */
  #configuring: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(services: FeedServices) {
    this.#services = services;
  }

  /** For the routes; undefined while nothing is published. */
  get publisher(): FeedPublisher | undefined {
    return this.#publisher;
  }

  status(list: string): FeedStatus | undefined {
    return this.#followers.get(list)?.status();
  }

  /** Follows and publishes what the configuration says. Resolves when that has begun; nobody need wait for it. */
  configure(config: FeedConfig): Promise<void> {
    const turn = this.#configuring.then(() => this.#configure(config));
    this.#configuring = turn.catch((error: unknown) => {
      this.#services.log.error({ error: String(error) }, 'feeds could not be configured');
    });
    return this.#configuring;
  }

  /** A change of a push list is in force. */
  changed({ list }: Pick<LedgerDelta, 'list'>): void {
    void this.#publisher?.changed(list);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closing = [...this.#followers.values()].map((follower) => follower.close());
    await Promise.allSettled([this.#publisher?.close(), ...closing, this.#configuring]);
  }

  async #configure(config: FeedConfig): Promise<void> {
    await this.#publish(config);
    const feeds = config.lists.filter(({ sourceKind }) => sourceKind === 'feed');
    const stays = (follower: FeedFollower): boolean =>
      feeds.some((list) => keyOf(list, config) === keyOf(follower.config, follower));
    for (const [name, follower] of this.#followers) {
      if (stays(follower)) continue;
      this.#followers.delete(name);
      await follower.close();
    }
    if (this.#closed) return;
    for (const list of feeds) {
      if (this.#followers.has(list.name)) continue;
      const { ledger, apply, onStatus, log } = this.#services;
      const { stateDirectory } = config;
      const onRedirects = (hosts: readonly string[]): void => this.#services.onRedirects(list, hosts);
      const follower = new FeedFollower({ list, stateDirectory, ledger, onDelta: apply, onStatus, onRedirects, log });
      this.#followers.set(list.name, follower);
      void follower.start();
    }
  }

  async #publish({ feeds, stateDirectory }: FeedConfig): Promise<void> {
    // Why the files too: a key that was replaced in place signs from the next reload on.
    const wanted = JSON.stringify({ feeds, stateDirectory, key: secretKeyMark(feeds.secretKey, feeds.passwordFile) });
    if (wanted === this.#published) return;
    this.#published = wanted;
    const before = this.#publisher;
    this.#publisher = undefined;
    await before?.close();
    if (feeds.publish.length === 0 || this.#closed) return;
    const { ledger, log } = this.#services;
    this.#publisher = new FeedPublisher({ config: { feeds, stateDirectory }, ledger, log });
    // Why nobody waits: a key with a password takes seconds to open.
    void this.#publisher.start();
  }
}

function keyOf(list: ListConfig, { stateDirectory }: { readonly stateDirectory: string }): string {
  return JSON.stringify([list, stateDirectory]);
}
