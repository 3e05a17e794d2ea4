/**
 * The supervisor, in the main thread: starts the planes, brings policies from the control plane to the threads that read
 * them, replaces threads that die, passes on configurations, drains. It handles no query and does no work that could block.
 *
 *   control thread --publish--> Publisher --policy--> resolver threads, page thread --inForce--> Publisher --> control
 */
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { FromControl, FromPage, ToControl, ToEvents, ToPage } from '../control-plane/messages.ts';
import type { FromResolver, ToResolver } from '../data-plane/messages.ts';
import { clearGauges } from '../telemetry/counter-sum.ts';
import { createCounters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { BatchIoMode } from '../telemetry/counter-labels.ts';
import type { ThreadKind } from '../telemetry/metrics.ts';
import { addressText, cannotListen, isMissingAddress } from './cannot-listen.ts';
import { BoundAddresses, type ResolverAddresses } from './bound-addresses.ts';
import { startEventThread } from './event-thread.ts';
import { ConfigSlots } from './counter-slots.ts';
import { takenAddresses } from './port-probe.ts';
import {
  CONTROL_HEAP_MEGABYTES_MAX,
  CONTROL_SILENCE_MS_MAX,
  LEAVE_GRACE_MS,
  PAGE_HEAP_MEGABYTES_MAX,
  PAGE_SILENCE_MS_MAX,
  RESOLVER_SILENCE_MS_MAX,
  SERVE_WITHOUT_LISTS_AFTER_DEATHS,
  SERVE_WITHOUT_LISTS_AFTER_MS,
  STOP_GRACE_MS,
} from './limits.ts';
import { Publisher } from './publisher.ts';
import { type ResolverMemory, createResolverMemories } from './resolver-memory.ts';
import { keysNeedingRestart, withoutRestart } from './restart-keys.ts';
import { StartError, type Started } from './started.ts';
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
  readonly #resolverMemory: readonly ResolverMemory[];
  readonly #sketches: readonly SharedArrayBuffer[];
  readonly #pageCounters = createCounters();
  readonly #eventCounters = createCounters();
  #resolvers: SupervisedThread[] = [];
  #control: SupervisedThread | undefined;
  #page: SupervisedThread | undefined;
  #events: SupervisedThread | undefined;
  readonly #tls: TlsKeeper;
  readonly #bound = new BoundAddresses();
  #admin: SocketAddress | undefined;
  #pageAddresses: { warningPageHttp?: SocketAddress; warningPageHttps?: SocketAddress } = {};
  #skipped: BindFailure[] = [];
  #lists: Started['lists'] = [];
  #controlDeaths = 0;
  readonly #restarts: Partial<Record<ThreadKind, number>> = {};
  readonly #reloads = { ok: 0, refused: 0 };
  readonly #waits = new Waits();
  #undrained = 0;
  #batchIo: BatchIoMode | undefined;
  #mayListen = false;
  #mayBegin = true;
  #hasStarted = false;

  constructor(config: Config, version: string, log: Log) {
    this.#config = config;
    this.#version = version;
    this.#log = log;
    this.#tls = new TlsKeeper(config.tls, () => this.#onTls(), log);
    this.#slots.assign(config);
    const memories = createResolverMemories(config);
    this.#resolverMemory = memories.resolvers;
    this.#sketches = memories.sketches;
    this.#publisher = new Publisher(() =>
      this.#page === undefined ? this.#resolvers : [...this.#resolvers, this.#page],
    );
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
    this.#resolvers = this.#resolverMemory.map((memory, index) => this.#startResolver(`resolver-${index}`, memory));
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
    this.#mayListen = true;
    // Why one first: it finds out what can be bound, and with port 0 which ports the others share.
    for (const resolver of this.#resolvers) await this.#listen(resolver);
    this.#tellControl({ kind: 'listening', addresses: this.#bound.current.do53 });
    if (this.#publisher.current !== undefined) await listsStarted;
    this.#hasStarted = true;
    const { warningPageHttp: page, warningPageHttps: pageHttps } = this.#pageAddresses;
    const skipped = this.#skipped.map(({ address }) => addressText(address));
    return { ...this.#bound.current, admin: this.#admin, page, pageHttps, lists: this.#lists, skipped };
  }

  #startControl(): SupervisedThread {
    return new SupervisedThread({
      name: 'control',
      url: threadUrl('../control-plane/control-thread'),
      heapMegabytesMax: CONTROL_HEAP_MEGABYTES_MAX,
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
        counters: [...this.#resolverMemory.map(({ counters }) => counters), this.#pageCounters, this.#eventCounters],
        sketches: this.#sketches,
        ...this.#slots.rows,
        batchIo: this.#batchIo ?? 'dgram',
        listening: this.#bound.current.do53,
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

  #startResolver(name: string, memory: ResolverMemory): SupervisedThread {
    return new SupervisedThread({
      name,
      url: threadUrl('../data-plane/resolver-thread'),
      heapMegabytesMax: undefined,
      silenceMsMax: RESOLVER_SILENCE_MS_MAX,
      data: () => ({
        role: 'resolver',
        config: this.#bound.apply(this.#config),
        tls: this.#tls.material,
        policy: this.#publisher.current,
        regionSlots: this.#slots.rows.regionSlots,
        ...memory,
        mayListen: this.#mayListen,
      }),
      onMessage: (message) => this.#onResolver(name, message as FromResolver),
      onDeath: () => this.#onReaderDeath('resolver', name, memory.counters),
      log: this.#log,
    });
  }

  async #listen(resolver: SupervisedThread): Promise<void> {
    const bound = this.#waits.for(resolver.name);
    resolver.post({ kind: 'listen', config: this.#bound.apply(this.#config) } satisfies ToResolver);
    await bound;
  }

  #onResolver(name: string, message: FromResolver): void {
    switch (message.kind) {
      case 'listening':
        this.#onBound(name, message.addresses, message.failures);
        break;
      case 'batchIo':
        this.#onBatchIo(message.mode, message.reason);
        break;
      case 'inForce':
        return this.#publisher.acknowledge(name, message.generation);
      case 'drained':
        if (--this.#undrained === 0) this.#waits.settle('drained');
        break;
    }
  }

  #onBatchIo(mode: BatchIoMode, reason: string): void {
    if (mode === this.#batchIo) return;
    this.#batchIo = mode;
    if (mode === 'dgram') this.#log.warn({ reason }, 'datagrams are moved one at a time, which costs twice the CPU');
    this.#tellControl({ kind: 'batchIo', mode });
  }

  #onBound(name: string, addresses: ResolverAddresses, failures: readonly BindFailure[]): void {
    const fatal =
      failures.find((failure) => !isMissingAddress(failure)) ?? (addresses.do53.length === 0 ? failures[0] : undefined);
    if (this.#hasStarted || fatal === undefined) {
      for (const failure of failures) this.#log.warn(cannotListen(failure));
      if (name === 'resolver-0') {
        this.#bound.set(addresses);
        this.#skipped = [...failures];
        this.#tellControl({ kind: 'listening', addresses: addresses.do53 });
      }
      this.#waits.settle(name);
    } else this.#waits.reject(name, new StartError(cannotListen(fatal)));
  }

  #startEvents(): SupervisedThread {
    const data = () => ({
      config: this.#config,
      counters: this.#eventCounters,
      rings: this.#resolverMemory.map(({ events }) => events),
      listSlots: this.#slots.rows.listSlots,
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
      heapMegabytesMax: PAGE_HEAP_MEGABYTES_MAX,
      silenceMsMax: PAGE_SILENCE_MS_MAX,
      data: () => ({
        role: 'page',
        config: { ...this.#config, listen: { ...this.#config.listen, ...this.#pageAddresses } },
        policy: this.#publisher.current,
        counters: this.#pageCounters,
        chains: this.#resolverMemory.map(({ chains }) => chains),
      }),
      onMessage: (message) => this.#onPage(message as FromPage),
      onDeath: () => this.#onReaderDeath('page', 'page', this.#pageCounters),
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

  /** Puts a new configuration in force on every thread. What needs a restart is said in the log. */
  reload(config: Config): void {
    this.#reloads.ok++;
    const before = this.#config;
    for (const key of keysNeedingRestart(before, config)) this.#log.warn(`${key} has changed: restart Weir for it`);
    this.#config = this.#bound.apply(withoutRestart(before, config));
    // Why before the rest: listeners that are new need it.
    this.#tls.configure(this.#config.tls);
    this.#slots.assign(config);
    const { listSlots, regionSlots } = this.#slots.rows;
    this.#tellControl({ kind: 'configure', config: this.#config, listSlots, regionSlots });
    for (const resolver of this.#resolvers)
      resolver.post({ kind: 'configure', config: this.#config, regionSlots } satisfies ToResolver);
    this.#page?.post({ kind: 'configure', config: this.#config } satisfies ToPage);
    this.#events?.post({ kind: 'lists', listSlots } satisfies ToEvents);
  }

  /** Shows threads the certificate in force, and counts its changes. */
  #onTls(): void {
    const { material, reloads } = this.#tls;
    for (const resolver of this.#resolvers) resolver.post({ kind: 'tls', tls: material } satisfies ToResolver);
    this.#tellControl({ kind: 'tls', tls: material, reloads: { ...reloads } });
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
    for (const resolver of this.#resolvers) resolver.post({ kind: 'alone' } satisfies ToResolver);
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
    const threads = [...this.#resolvers, this.#page, this.#events, this.#control].filter(
      (thread) => thread !== undefined,
    );
    this.#tls.close();
    for (const thread of threads) thread.release();
    const draining = this.#resolvers.filter((thread) => thread.isAlive);
    this.#undrained = draining.length;
    const drained = draining.length === 0 ? Promise.resolve() : this.#waits.for('drained');
    for (const resolver of draining) resolver.post({ kind: isSucceeded ? 'leave' : 'drain' } satisfies ToResolver);
    await within(drained, this.#config.shutdownTimeoutMs + (isSucceeded ? LEAVE_GRACE_MS : STOP_GRACE_MS));
    // Why after the draining: what it brought is written too.
    this.#events?.post({ kind: 'stop' } satisfies ToEvents);
    await this.#endControl();
    await Promise.all(threads.map((thread) => thread.end(thread === this.#page ? 0 : STOP_GRACE_MS)));
  }

  #onReaderDeath(kind: 'resolver' | 'page', name: string, counters: SharedArrayBuffer): void {
    this.#countRestart(kind);
    clearGauges(counters);
    this.#publisher.forget(name);
    const stillborn = new StartError(`the thread ${name} ended before it listened; the log says why`);
    if (!this.#hasStarted) this.#waits.reject(name, stillborn);
  }

  #tellControl(message: ToControl): void {
    this.#control?.post(message);
  }

  #countRestart(thread: ThreadKind): void {
    this.#restarts[thread] = (this.#restarts[thread] ?? 0) + 1;
    if (thread !== 'control') this.#tellControl({ kind: 'restarted', thread });
  }
}
