/**
 * The supervisor, in the main thread: starts the planes, brings policies from the control plane to the threads that read
 * them, replaces threads that die, passes on configurations, drains. It handles no query and does no work that could block.
 *
 *   control thread --publish--> Publisher --policy--> resolver threads, page thread --inForce--> Publisher --> control
 */
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { FromControl, FromPage, ToControl, ToEvents, ToPage } from '../control-plane/messages.ts';
import { clearGauges } from '../telemetry/counter-sum.ts';
import { createCounters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { ThreadKind } from '../telemetry/metrics.ts';
import { cannotListen } from './cannot-listen.ts';
import { startEventThread } from './event-thread.ts';
import { ConfigSlots } from './counter-slots.ts';
import { takenAddresses } from './port-probe.ts';
import {
  CONTROL_HEAP_MEGABYTES_MAX,
  CONTROL_SILENCE_MS_MAX,
  PAGE_HEAP_MEGABYTES_MAX,
  PAGE_SILENCE_MS_MAX,
  SERVE_WITHOUT_LISTS_AFTER_DEATHS,
  SERVE_WITHOUT_LISTS_AFTER_MS,
  STOP_GRACE_MS,
} from './limits.ts';
import { Publisher } from './publisher.ts';
import { ResolverThreads } from './resolver-threads.ts';
import { keysNeedingRestart, withoutRestart } from './restart-keys.ts';
import { StartError, type Started, stillborn } from './started.ts';
import { SupervisedThread } from './supervised-thread.ts';
import { TlsKeeper } from './tls-keeper.ts';
import { threadUrl } from './thread-url.ts';
import { Waits, within } from './waits.ts';

export class Supervisor {
  #config: Config;
  readonly #version: string;
  readonly #log: Log;
  readonly #slots = new ConfigSlots();
  readonly #publisher: Publisher;
  readonly #resolvers: ResolverThreads;
  readonly #pageCounters = createCounters();
  readonly #eventCounters = createCounters();
  #control: SupervisedThread | undefined;
  #page: SupervisedThread | undefined;
  #events: SupervisedThread | undefined;
  readonly #tls: TlsKeeper;
  #admin: SocketAddress | undefined;
  #pageAddresses: { warningPageHttp?: SocketAddress; warningPageHttps?: SocketAddress } = {};
  #lists: Started['lists'] = [];
  #controlDeaths = 0;
  readonly #restarts: Partial<Record<ThreadKind, number>> = {};
  readonly #reloads = { ok: 0, refused: 0 };
  readonly #waits = new Waits();
  #mayBegin = true;
  #isEnding = false;

  constructor(config: Config, version: string, log: Log) {
    this.#config = config;
    this.#version = version;
    this.#log = log;
    this.#tls = new TlsKeeper(config.tls, (isFirst) => this.#onTls(isFirst), log);
    this.#slots.assign(config);
    this.#publisher = new Publisher(() =>
      this.#page === undefined ? this.#resolvers.all : [...this.#resolvers.all, this.#page],
    );
    this.#resolvers = new ResolverThreads(config, {
      data: () => ({
        config: this.#config,
        tls: this.#tls.material,
        policy: this.#publisher.current,
        regionSlots: this.#slots.rows.regionSlots,
      }),
      onInForce: (name, generation) => this.#publisher.acknowledge(name, generation),
      onDeath: (name, counters) => this.#onReaderDeath('resolver', name, counters),
      tellControl: (message) => this.#tellControl(message),
      log,
    });
  }

  /**
   * Resolves when queries are answered. `release` has another Weir, which goes on answering on the same ports, leave us its
   * control plane. Errors: StartError when an address cannot be bound; what `release` rejects with.
   */
  async start(release?: () => Promise<void>): Promise<Started> {
    const [taken] = release !== undefined ? [] : await takenAddresses(this.#config.listen);
    if (taken !== undefined) throw new StartError(cannotListen(taken));
    this.#mayBegin = release === undefined;
    const loaded = this.#waits.for('loaded');
    const adminBound = this.#waits.for('admin');
    const firstPolicy = this.#waits.for('policy');
    const listsStarted = this.#waits.for('lists');
    const withoutLists = setTimeout(() => this.#waits.settle('policy'), SERVE_WITHOUT_LISTS_AFTER_MS);
    this.#control = this.#startControl();
    // Why now: they load while the lists do; they listen when there is a policy.
    this.#resolvers.start();
    if (this.#config.eventLog.file !== '') this.#events = this.#startEvents();
    // Why later beside another Weir: its page knows what is blocked, and ours does not yet.
    const pageBound = release === undefined ? this.#startPage() : firstPolicy.then(async () => this.#startPage());
    const bound = Promise.all([adminBound, pageBound, firstPolicy]);
    bound.catch(() => undefined);
    try {
      // Why not before our thread has loaded: nobody can push or scrape between the two.
      if (release !== undefined) await loaded.then(release);
      this.#mayBegin = true;
      this.#tellControl({ kind: 'begin' });
      await bound;
    } finally {
      // Why also on failure: the timer would keep a process that could not start alive for minutes.
      clearTimeout(withoutLists);
    }
    await this.#resolvers.startListening();
    this.#tellControl({ kind: 'listening', addresses: this.#resolvers.addresses.do53 });
    if (this.#publisher.current !== undefined) await listsStarted;
    const { warningPageHttp: page, warningPageHttps: pageHttps } = this.#pageAddresses;
    const { addresses, skipped } = this.#resolvers;
    return { ...addresses, admin: this.#admin, page, pageHttps, lists: this.#lists, skipped };
  }

  #startControl(): SupervisedThread {
    return new SupervisedThread({
      name: 'control',
      url: threadUrl('../control-plane/control-thread'),
      heapMegabytesMax: () => CONTROL_HEAP_MEGABYTES_MAX,
      silenceMsMax: CONTROL_SILENCE_MS_MAX,
      data: () => ({
        role: 'control',
        mayBegin: this.#mayBegin,
        // Why the bound address: a replacement must come back where Prometheus looks.
        config:
          this.#admin === undefined
            ? this.#config
            : { ...this.#config, listen: { ...this.#config.listen, admin: this.#admin } },
        version: this.#version,
        counters: [
          ...this.#resolvers.memories.map(({ counters }) => counters),
          this.#pageCounters,
          this.#eventCounters,
        ],
        sketches: this.#resolvers.sketches,
        ...this.#slots.rows,
        batchIo: this.#resolvers.batchIo,
        listening: this.#resolvers.addresses.do53,
        isPolicyInForce: this.#publisher.current !== undefined,
        publications: this.#publisher.generation,
        restarts: this.#restarts,
        reloads: this.#reloads,
        tls: this.#tls.material,
        tlsReloads: this.#tls.reloads,
      }),
      onMessage: (message) => this.#onControl(message as FromControl),
      onDeath: () => {
        this.#countRestart('control');
        if (++this.#controlDeaths !== SERVE_WITHOUT_LISTS_AFTER_DEATHS) return;
        for (const wait of ['loaded', 'policy', 'admin']) this.#waits.settle(wait);
      },
      log: this.#log,
    });
  }

  #onControl(message: FromControl): void {
    switch (message.kind) {
      case 'publish':
        void this.#publisher.publish(message.policy).then(() => {
          this.#tellControl({ kind: 'inForce', publication: message.publication });
        });
        this.#waits.settle('policy');
        break;
      case 'loaded':
        return this.#waits.settle('loaded');
      case 'adminListening':
        this.#admin = message.address;
        return this.#waits.settle('admin');
      case 'cannotListen':
        return this.#cannotListen('admin', message.failure);
      case 'started':
        this.#lists = message.lists;
        this.#waits.settle('lists');
        break;
      case 'appealReplied':
      case 'referenceReplied':
        return this.#page?.post(message satisfies ToPage);
      case 'stopped':
        return this.#waits.settle('stopped');
    }
  }

  #startEvents(): SupervisedThread {
    const data = () => ({
      config: this.#config,
      counters: this.#eventCounters,
      rings: this.#resolvers.memories.map(({ events }) => events),
      ...this.#slots.rows,
    });
    return startEventThread(data, () => this.#countRestart('events'), this.#log);
  }

  async #startPage(): Promise<void> {
    const { warningPageHttp, warningPageHttps } = this.#config.listen;
    if (warningPageHttp === undefined && warningPageHttps === undefined) return;
    const bound = this.#waits.for('page');
    this.#page = new SupervisedThread({
      name: 'page',
      url: threadUrl('../control-plane/warning-page/page-thread'),
      heapMegabytesMax: () => PAGE_HEAP_MEGABYTES_MAX,
      silenceMsMax: PAGE_SILENCE_MS_MAX,
      data: () => ({
        role: 'page',
        config: { ...this.#config, listen: { ...this.#config.listen, ...this.#pageAddresses } },
        policy: this.#publisher.current,
        counters: this.#pageCounters,
        chains: this.#resolvers.memories.map(({ chains }) => chains),
      }),
      onMessage: (message) => this.#onPage(message as FromPage),
      onDeath: () => {
        this.#onReaderDeath('page', 'page', this.#pageCounters);
        this.#waits.reject('page', stillborn('page'));
      },
      log: this.#log,
    });
    await bound;
  }

  #onPage(message: FromPage): void {
    switch (message.kind) {
      case 'inForce':
        return this.#publisher.acknowledge('page', message.generation);
      case 'pageListening':
        this.#pageAddresses[message.key] = message.address;
        break;
      case 'appealAsked':
      case 'referenceAsked':
        return this.#tellControl(message);
      case 'pageReady':
        return this.#waits.settle('page');
      case 'cannotListen':
        return this.#cannotListen('page', message.failure);
    }
  }

  #cannotListen(wait: string, failure: BindFailure): void {
    const isWaitedFor = this.#waits.reject(wait, new StartError(cannotListen(failure)));
    if (!isWaitedFor) this.#log.error(cannotListen(failure));
  }

  /** Told to end: what is bound is left, and nothing is bound anew. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Puts a new configuration in force on every thread. What needs a restart is said in the log. */
  reload(config: Config): void {
    if (this.#isEnding) return;
    this.#reloads.ok++;
    const before = this.#config;
    for (const key of keysNeedingRestart(before, config)) this.#log.warn(`${key} has changed: restart Weir for it`);
    this.#config = this.#resolvers.withPorts(withoutRestart(before, config));
    // Why before the rest: listeners that are new need it.
    this.#tls.configure(this.#config.tls);
    this.#slots.assign(config);
    const { listSlots, regionSlots } = this.#slots.rows;
    this.#tellControl({ kind: 'configure', config: this.#config, listSlots, regionSlots });
    this.#resolvers.tell({ kind: 'configure', config: this.#config, regionSlots });
    this.#page?.post({ kind: 'configure', config: this.#config } satisfies ToPage);
    this.#events?.post({ kind: 'rows', listSlots, regionSlots } satisfies ToEvents);
  }

  /** Shows threads the certificate in force, and counts its changes. */
  #onTls(isFirst: boolean): void {
    const { material, reloads } = this.#tls;
    this.#resolvers.tell({ kind: 'tls', tls: material });
    this.#tellControl({ kind: 'tls', tls: material, reloads: { ...reloads } });
    // Why no word of an error: the start, which it would be part of, says it.
    if (isFirst) this.#resolvers.listen().catch(() => undefined);
  }

  refuseReload(): void {
    this.#reloads.refused++;
    this.#tellControl({ kind: 'reloadRefused' });
  }

  /** Ends the control plane, for another Weir that is to have its ports and files; queries are answered as they were. */
  async release(): Promise<void> {
    this.#control?.release();
    await this.#endControl();
  }

  /** Starts the control plane again: the other Weir has failed. */
  resume(): void {
    this.#control = this.#startControl();
  }

  /** The Weir that this one succeeds has gone. */
  beAlone(): void {
    this.#resolvers.tell({ kind: 'alone' });
  }

  async #endControl(): Promise<void> {
    if (this.#control?.isAlive !== true) return;
    const stopped = this.#waits.for('stopped');
    this.#tellControl({ kind: 'stop' });
    await within(stopped, STOP_GRACE_MS);
    await this.#control.end(STOP_GRACE_MS);
  }

  /**
   * Answers what is in flight, closes every listener, ends every thread. Bounded by shutdownTimeoutMs. `isSucceeded`:
   * another Weir has our ports and takes what is new.
   */
  async stop(isSucceeded = false): Promise<void> {
    const threads = [...this.#resolvers.all, this.#page, this.#events, this.#control].filter(
      (thread) => thread !== undefined,
    );
    this.#isEnding = true;
    this.#tls.close();
    for (const thread of threads) thread.release();
    await this.#resolvers.drain(isSucceeded ? 'leave' : 'drain', this.#config.shutdownTimeoutMs);
    // Why after the draining: what it brought is written too.
    this.#events?.post({ kind: 'stop' } satisfies ToEvents);
    await this.#endControl();
    await Promise.all(threads.map((thread) => thread.end(thread === this.#page ? 0 : STOP_GRACE_MS)));
  }

  #onReaderDeath(kind: 'resolver' | 'page', name: string, counters: SharedArrayBuffer): void {
    this.#countRestart(kind);
    clearGauges(counters);
    this.#publisher.forget(name);
  }

  #tellControl(message: ToControl): void {
    this.#control?.post(message);
  }

  #countRestart(thread: ThreadKind): void {
    this.#restarts[thread] = (this.#restarts[thread] ?? 0) + 1;
    if (thread !== 'control') this.#tellControl({ kind: 'restarted', thread });
  }
}
