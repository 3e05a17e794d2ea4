/**
 * Hosts that the servers of lists redirect to. They are known only once a list was fetched, and a list that blocked one
 * would cut the fetched list off as surely as its own host. Between list-task.ts, whose sources say where they were sent,
 * and the guard; kept in the state directory, for a start must judge by them before anything is fetched.
 */
import type { ListConfig } from '../../config/config.ts';
import { nameHostOf } from './list-source-hosts.ts';
import type { ListStore } from './list-store.ts';
import type { SyncLog } from './sync-log.ts';

/** Of one list: the last ones. A server that sends each fetch elsewhere can have no more names kept from being blocked. */
export const REDIRECT_HOSTS_MAX = 8;
/** A file larger than this is not one of ours. */
export const REDIRECTS_BYTES_MAX = 4 * 1024 * 1024;
const HOST = /^(?=.*[a-z])[a-z0-9._-]{1,253}$/;

export interface ListRedirects {
  readonly list: string;
  /** What the list's configuration says: of another source nothing is known. */
  readonly location: string;
  /** Newest first. */
  readonly hosts: readonly string[];
}

type Fetched = Pick<ListConfig, 'name' | 'source'>;

export interface RedirectHostsOptions {
  readonly store: () => ListStore;
  readonly lists: () => readonly Fetched[];
  /** The set of hosts is another one. */
  readonly onChange: () => void;
  readonly log: SyncLog;
}

export class RedirectHosts {
  readonly #options: RedirectHostsOptions;
  #known = new Map<string, ListRedirects>();
  #saving: Promise<void> = Promise.resolve();

  constructor(options: RedirectHostsOptions) {
    this.#options = options;
  }

  /** What was kept of lists that nothing is known of yet. */
  async load(): Promise<void> {
    for (const kept of redirectsFrom(await this.#options.store().readRedirects())) {
      if (!this.#known.has(kept.list)) this.#known.set(kept.list, kept);
    }
  }

  /** A fetch of the list was good and led through these hosts. */
  saw(list: Fetched, urlHosts: readonly string[]): void {
    const seen = urlHosts.map(nameHostOf).filter((host) => host !== undefined);
    const before = hostsOf([list], this.#known);
    const hosts = [...new Set([...seen, ...(this.#of(list)?.hosts ?? [])])].slice(0, REDIRECT_HOSTS_MAX);
    this.#known.set(list.name, { list: list.name, location: list.source, hosts });
    if (hosts.toSorted().join(' ') === before.join(' ')) return;
    this.#saving = this.#saving.then(() => this.#save());
    this.#options.onChange();
  }

  /** Of these lists, in an order that does not depend on when they were fetched. */
  current(): string[] {
    return hostsOf(this.#options.lists(), this.#known);
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#saving;
  }

  #of({ name, source }: Fetched): ListRedirects | undefined {
    const known = this.#known.get(name);
    return known?.location === source ? known : undefined;
  }

  async #save(): Promise<void> {
    const { store, lists, log } = this.#options;
    const kept = lists().flatMap((list) => this.#of(list) ?? []);
    const failure = await store().writeRedirects({ lists: kept });
    if (failure !== undefined) log.warn({ reason: failure.reason }, failure.message);
  }
}

/** What the state directory says, for who fetches nothing. */
export async function keptRedirectHosts(store: ListStore, lists: readonly Fetched[]): Promise<string[]> {
  const kept = redirectsFrom(await store.readRedirects());
  return hostsOf(lists, new Map(kept.map((redirects) => [redirects.list, redirects])));
}

function hostsOf(lists: readonly Fetched[], known: ReadonlyMap<string, ListRedirects>): string[] {
  const hosts = lists.flatMap(({ name, source }) => {
    const redirects = known.get(name);
    return redirects?.location === source ? redirects.hosts : [];
  });
  return [...new Set(hosts)].toSorted();
}

/** What in the file can be understood. */
function redirectsFrom(value: unknown): ListRedirects[] {
  const rows = fieldOf(value, 'lists');
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown) => {
    const list = fieldOf(row, 'list');
    const location = fieldOf(row, 'location');
    const hosts = fieldOf(row, 'hosts');
    if (typeof list !== 'string' || typeof location !== 'string' || !Array.isArray(hosts)) return [];
    const good = hosts.filter((host: unknown): host is string => typeof host === 'string' && HOST.test(host));
    return [{ list, location, hosts: good.slice(0, REDIRECT_HOSTS_MAX) }];
  });
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(key);
}
