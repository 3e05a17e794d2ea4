/**
 * The supervisor, in the main thread: starts the planes, brings policies from the control plane to the threads that read
 * them, replaces threads that die, passes on new configurations, drains at the end. It handles no query and does no
 * work that could block; main.ts and cli/serve.ts decide when it runs.
 *
 *   control thread --publish--> Publisher --policy--> resolver threads, page thread --inForce--> Publisher --> control
 */
import { extname } from 'node:path';
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { FromControl, FromPage, ToControl, ToPage } from '../control-plane/messages.ts';
import type { FromResolver, ToResolver } from '../data-plane/messages.ts';
import { clearGauges } from '../telemetry/counter-sum.ts';
import { createCounters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { BatchIoMode } from '../telemetry/counter-labels.ts';
import type { ThreadKind } from '../telemetry/metrics.ts';
import { addressText, cannotListen, isMissingAddress } from './cannot-listen.ts';
import { ListSlots } from './list-slots.ts';
import { takenAddresses } from './port-probe.ts';
import { Publisher } from './publisher.ts';
import { SupervisedThread } from './supervised-thread.ts';

/** Queries are served without lists rather than not at all when the control plane cannot publish any. */
const SERVE_WITHOUT_LISTS_AFTER_DEATHS = 3;
const SERVE_WITHOUT_LISTS_AFTER_MS = 300_000;
const CONTROL_HEAP_MEGABYTES_MAX = 1_024;
const PAGE_HEAP_MEGABYTES_MAX = 256;
const CONTROL_SILENCE_MS_MAX = 10_000;
const PAGE_SILENCE_MS_MAX = 5_000;
const RESOLVER_SILENCE_MS_MAX = 5_000;
/** Beyond the configured time for draining: for the threads to say that they are done. */
const STOP_GRACE_MS = 1_000;

export interface Started {
  readonly do53: readonly SocketAddress[];
  readonly admin: SocketAddress | undefined;
  readonly page: SocketAddress | undefined;
  readonly lists: readonly { readonly name: string; readonly entries: number; readonly failure: string | undefined }[];
  /** Addresses left out because the machine does not have them. */
  readonly skipped: readonly string[];
}

/** Errors: an address could not be bound at the start; the message is for people. */
export class StartError extends Error {}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class Supervisor {
  #config: Config;
  readonly #version: string;
  readonly #log: Log;
  readonly #slots = new ListSlots();
  readonly #publisher: Publisher;
  readonly #resolverCounters: readonly SharedArrayBuffer[];
  readonly #pageCounters = createCounters();
  #resolvers: SupervisedThread[] = [];
  #control: SupervisedThread | undefined;
  #page: SupervisedThread | undefined;
  #listening: readonly SocketAddress[] = [];
  #admin: SocketAddress | undefined;
  #pageAddress: SocketAddress | undefined;
  #skipped: BindFailure[] = [];
  #lists: Started['lists'] = [];
  #controlDeaths = 0;
  readonly #restarts: Partial<Record<ThreadKind, number>> = {};
  readonly #reloads = { ok: 0, refused: 0 };
  readonly #waits = new Map<string, Waiting>();
  #undrained = 0;
  #batchIo: BatchIoMode | undefined;
  #mayListen = false;
  #hasStarted = false;

  constructor(config: Config, version: string, log: Log) {
    this.#config = config;
    this.#version = version;
    this.#log = log;
    this.#slots.assign(config.lists.map(({ name }) => name));
    this.#resolverCounters = Array.from({ length: config.workers }, () => createCounters());
    this.#publisher = new Publisher(() =>
      this.#page === undefined ? this.#resolvers : [...this.#resolvers, this.#page],
    );
  }

  /** Resolves when queries are answered. Errors: StartError when an address cannot be bound. */
  async start(): Promise<Started> {
    const [taken] = await takenAddresses(this.#config.listen.do53);
    if (taken !== undefined) throw new StartError(cannotListen(taken));
    const adminBound = this.#waitFor('admin');
    const firstPolicy = this.#waitFor('policy');
    const listsStarted = this.#waitFor('lists');
    const withoutLists = setTimeout(() => this.#settle('policy'), SERVE_WITHOUT_LISTS_AFTER_MS);
    this.#control = this.#startControl();
    // Why now: they load while the lists do; they listen when there is a policy.
    this.#resolvers = this.#resolverCounters.map((counters, index) =>
      this.#startResolver(`resolver-${index}`, counters),
    );
    const pageBound = this.#startPage();
    try {
      await Promise.all([adminBound, pageBound, firstPolicy]);
    } finally {
      // Why also on failure: the timer would keep a process that could not start alive for minutes.
      clearTimeout(withoutLists);
    }
    this.#mayListen = true;
    // Why one first: it finds out what can be bound, and with port 0 which ports the others share.
    for (const resolver of this.#resolvers) await this.#listen(resolver);
    this.#tellControl({ kind: 'listening', addresses: this.#listening });
    if (this.#publisher.current !== undefined) await listsStarted;
    this.#hasStarted = true;
    return {
      do53: this.#listening,
      admin: this.#admin,
      page: this.#pageAddress,
      lists: this.#lists,
      skipped: this.#skipped.map(({ address }) => addressText(address)),
    };
  }

  #startControl(): SupervisedThread {
    return new SupervisedThread({
      name: 'control',
      url: threadUrl('../control-plane/control-thread'),
      heapMegabytesMax: CONTROL_HEAP_MEGABYTES_MAX,
      silenceMsMax: CONTROL_SILENCE_MS_MAX,
      data: () => ({
        role: 'control',
        // Why the bound address: a replacement must come back where Prometheus looks.
        config:
          this.#admin === undefined
            ? this.#config
            : { ...this.#config, listen: { ...this.#config.listen, admin: this.#admin } },
        version: this.#version,
        counters: [...this.#resolverCounters, this.#pageCounters],
        listSlots: this.#slots.all(),
        batchIo: this.#batchIo ?? 'dgram',
        listening: this.#listening,
        isPolicyInForce: this.#publisher.current !== undefined,
        publications: this.#publisher.generation,
        restarts: this.#restarts,
        reloads: this.#reloads,
      }),
      onMessage: (message) => this.#onControl(message as FromControl),
      onDeath: () => {
        this.#countRestart('control');
        if (++this.#controlDeaths === SERVE_WITHOUT_LISTS_AFTER_DEATHS) this.#settle('policy');
        if (this.#controlDeaths === SERVE_WITHOUT_LISTS_AFTER_DEATHS) this.#settle('admin');
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
        this.#settle('policy');
        break;
      case 'adminListening':
        this.#admin = message.address;
        this.#settle('admin');
        break;
      case 'cannotListen':
        this.#cannotListen('admin', message.failure);
        break;
      case 'started':
        this.#lists = message.lists;
        this.#settle('lists');
        break;
      case 'stopped':
        this.#settle('stopped');
        break;
    }
  }

  #startResolver(name: string, counters: SharedArrayBuffer): SupervisedThread {
    return new SupervisedThread({
      name,
      url: threadUrl('../data-plane/resolver-thread'),
      heapMegabytesMax: undefined,
      silenceMsMax: RESOLVER_SILENCE_MS_MAX,
      data: () => ({
        role: 'resolver',
        config: this.#configToListen(),
        policy: this.#publisher.current,
        counters,
        mayListen: this.#mayListen,
      }),
      onMessage: (message) => this.#onResolver(name, message as FromResolver),
      onDeath: () => this.#onReaderDeath('resolver', name, counters),
      log: this.#log,
    });
  }

  async #listen(resolver: SupervisedThread): Promise<void> {
    const bound = this.#waitFor(resolver.name);
    resolver.post({ kind: 'listen', config: this.#configToListen() } satisfies ToResolver);
    await bound;
  }

  /** The configuration with the ports that were given for port 0. */
  #configToListen(): Config {
    if (this.#listening.length === 0) return this.#config;
    const do53 = this.#config.listen.do53.map((address) => this.#boundOrAsked(address));
    return { ...this.#config, listen: { ...this.#config.listen, do53 } };
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
        this.#publisher.acknowledge(name, message.generation);
        break;
      case 'drained':
        if (--this.#undrained === 0) this.#settle('drained');
        break;
    }
  }

  #onBatchIo(mode: BatchIoMode, reason: string): void {
    if (mode === this.#batchIo) return;
    this.#batchIo = mode;
    if (mode === 'dgram') this.#log.warn({ reason }, 'datagrams are moved one at a time, which costs twice the CPU');
    this.#tellControl({ kind: 'batchIo', mode });
  }

  #onBound(name: string, addresses: readonly SocketAddress[], failures: readonly BindFailure[]): void {
    const fatal =
      failures.find((failure) => !isMissingAddress(failure)) ?? (addresses.length === 0 ? failures[0] : undefined);
    if (this.#hasStarted || fatal === undefined) {
      for (const failure of failures) this.#log.warn(cannotListen(failure));
      if (name === 'resolver-0') {
        this.#listening = addresses;
        this.#skipped = [...failures];
        this.#tellControl({ kind: 'listening', addresses });
      }
      this.#settle(name);
    } else this.#waits.get(name)?.reject(new StartError(cannotListen(fatal)));
  }

  async #startPage(): Promise<void> {
    if (this.#config.listen.warningPageHttp === undefined) return;
    const bound = this.#waitFor('page');
    this.#page = new SupervisedThread({
      name: 'page',
      url: threadUrl('../control-plane/warning-page/page-thread'),
      heapMegabytesMax: PAGE_HEAP_MEGABYTES_MAX,
      silenceMsMax: PAGE_SILENCE_MS_MAX,
      data: () => ({
        role: 'page',
        config:
          this.#pageAddress === undefined
            ? this.#config
            : { ...this.#config, listen: { ...this.#config.listen, warningPageHttp: this.#pageAddress } },
        policy: this.#publisher.current,
        counters: this.#pageCounters,
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
        this.#publisher.acknowledge('page', message.generation);
        break;
      case 'pageListening':
        this.#pageAddress = message.address;
        this.#settle('page');
        break;
      case 'cannotListen':
        this.#cannotListen('page', message.failure);
        break;
    }
  }

  #cannotListen(wait: string, failure: BindFailure): void {
    const waiting = this.#waits.get(wait);
    if (waiting === undefined) this.#log.error(cannotListen(failure));
    else waiting.reject(new StartError(cannotListen(failure)));
  }

  /** Puts a new configuration in force on every thread. What needs a restart is said in the log. */
  reload(config: Config): void {
    this.#reloads.ok++;
    const before = this.#config;
    if (config.workers !== before.workers) this.#log.warn('workers has changed: restart Weir for it');
    if (config.stateDirectory !== before.stateDirectory)
      this.#log.warn('stateDirectory has changed: restart Weir for it');
    if (!isSameAddress(config.listen.admin, before.listen.admin))
      this.#log.warn('listen.admin has changed: restart Weir for it');
    if (!isSameAddress(config.listen.warningPageHttp, before.listen.warningPageHttp)) {
      this.#log.warn('listen.warningPageHttp has changed: restart Weir for it');
    }
    const { workers, stateDirectory } = before;
    this.#config = { ...config, workers, stateDirectory, listen: { ...before.listen, do53: config.listen.do53 } };
    this.#config = this.#configToListen();
    this.#slots.assign(config.lists.map(({ name }) => name));
    this.#tellControl({ kind: 'configure', config: this.#config, listSlots: this.#slots.all() });
    for (const resolver of this.#resolvers)
      resolver.post({ kind: 'configure', config: this.#config } satisfies ToResolver);
    this.#page?.post({ kind: 'configure', config: this.#config } satisfies ToPage);
  }

  /** Why: with port 0 each thread would pick a port of its own anew. */
  #boundOrAsked(address: SocketAddress): SocketAddress {
    const bound = this.#listening.find(({ host }) => host === address.host);
    return address.port === 0 && bound !== undefined ? bound : address;
  }

  refuseReload(): void {
    this.#reloads.refused++;
    this.#tellControl({ kind: 'reloadRefused' });
  }

  /** Answers what is in flight, closes every listener, ends every thread. Bounded by shutdownTimeoutMs. */
  async stop(): Promise<void> {
    const threads = [...this.#resolvers, this.#page, this.#control].filter((thread) => thread !== undefined);
    for (const thread of threads) thread.release();
    const draining = this.#resolvers.filter((thread) => thread.isAlive);
    this.#undrained = draining.length;
    const drained = draining.length === 0 ? Promise.resolve() : this.#waitFor('drained');
    for (const resolver of draining) resolver.post({ kind: 'drain' } satisfies ToResolver);
    await within(drained, this.#config.shutdownTimeoutMs + STOP_GRACE_MS);
    if (this.#control?.isAlive === true) {
      const stopped = this.#waitFor('stopped');
      this.#tellControl({ kind: 'stop' });
      await within(stopped, STOP_GRACE_MS);
    }
    await Promise.all(threads.map((thread) => thread.end(thread === this.#page ? 0 : STOP_GRACE_MS)));
  }

  #onReaderDeath(kind: 'resolver' | 'page', name: string, counters: SharedArrayBuffer): void {
    this.#countRestart(kind);
    clearGauges(counters);
    this.#publisher.forget(name);
    const stillborn = new StartError(`the thread ${name} ended before it listened; the log says why`);
    if (!this.#hasStarted) this.#waits.get(name)?.reject(stillborn);
  }

  #tellControl(message: ToControl): void {
    this.#control?.post(message);
  }

  #countRestart(thread: ThreadKind): void {
    this.#restarts[thread] = (this.#restarts[thread] ?? 0) + 1;
    if (thread !== 'control') this.#tellControl({ kind: 'restarted', thread });
  }

  #waitFor(what: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waits.set(what, { resolve, reject }));
  }

  #settle(what: string): void {
    this.#waits.get(what)?.resolve();
    this.#waits.delete(what);
  }
}

/** Threads run as TypeScript in a clone and as JavaScript in the package. */
function threadUrl(path: string): URL {
  return new URL(path + extname(import.meta.url), import.meta.url);
}

function isSameAddress(a: SocketAddress | undefined, b: SocketAddress | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}

async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))]);
  clearTimeout(timer);
}
