/**
 * The resolver threads as the supervisor has them: starts them with the memory that their successors get again, has them
 * listen one after the other, knows what they have bound and how they move datagrams, and waits until they have drained.
 * What they are to answer by comes from supervisor.ts.
 */
import type { BindFailure } from '../config/bind-failure.ts';
import type { Config } from '../config/config.ts';
import type { ToControl } from '../control-plane/messages.ts';
import type { FromResolver, ResolverThreadData, ToResolver } from '../data-plane/messages.ts';
import type { BatchIoMode } from '../telemetry/counter-labels.ts';
import type { Log } from '../telemetry/log.ts';
import { BoundAddresses, type ResolverAddresses } from './bound-addresses.ts';
import { addressText, cannotListen, isMissingAddress } from './cannot-listen.ts';
import { LEAVE_GRACE_MS, RESOLVER_SILENCE_MS_MAX, STOP_GRACE_MS } from './limits.ts';
import { resolverHeapMegabytes, resolverYoungMegabytes } from './resolver-heap.ts';
import { type ResolverMemory, createResolverMemories } from './resolver-memory.ts';
import { StartError, stillborn } from './started.ts';
import { SupervisedThread } from './supervised-thread.ts';
import { threadUrl } from './thread-url.ts';
import { Waits, within } from './waits.ts';

/** It finds out what can be bound, and with port 0 which ports the others share. */
const FIRST = 'resolver-0';

/** What a thread starts with besides its memory, and what its supervisor is told of it. */
export interface ResolverSurroundings {
  readonly data: () => Pick<ResolverThreadData, 'config' | 'tls' | 'policy' | 'regionSlots'>;
  readonly onInForce: (name: string, generation: number) => void;
  readonly onDeath: (name: string, counters: SharedArrayBuffer) => void;
  readonly tellControl: (message: ToControl) => void;
  readonly log: Log;
}

export class ResolverThreads {
  readonly memories: readonly ResolverMemory[];
  /** What earlier processes have counted, and what each thread counts. */
  readonly sketches: readonly SharedArrayBuffer[];
  readonly #around: ResolverSurroundings;
  #threads: readonly SupervisedThread[] = [];
  readonly #bound = new BoundAddresses();
  readonly #waits = new Waits();
  /** One after the other: two at a time would wait for the same answer. */
  #turn: Promise<void> = Promise.resolve();
  #skipped: readonly BindFailure[] = [];
  /** Of each thread, by name. */
  readonly #batchIo = new Map<string, BatchIoMode>();
  #undrained = 0;
  #mayListen = false;
  #hasStarted = false;

  constructor(config: Config, around: ResolverSurroundings) {
    ({ resolvers: this.memories, sketches: this.sketches } = createResolverMemories(config));
    this.#around = around;
  }

  get all(): readonly SupervisedThread[] {
    return this.#threads;
  }

  get addresses(): ResolverAddresses {
    return this.#bound.current;
  }

  /** Addresses left out because the machine does not have them. */
  get skipped(): string[] {
    return this.#skipped.map(({ address }) => addressText(address));
  }

  /** In batches only where every thread moves them so. */
  get batchIo(): BatchIoMode {
    const modes = [...this.#batchIo.values()];
    return modes.length > 0 && modes.every((mode) => mode === 'batch') ? 'batch' : 'dgram';
  }

  /** The configuration with the ports that were given for port 0. */
  withPorts(config: Config): Config {
    return this.#bound.apply(config);
  }

  /** They load, and wait for listen(). */
  start(): void {
    this.#threads = this.memories.map((memory, index) => this.#startOne(`resolver-${index}`, memory));
  }

  #startOne(name: string, memory: ResolverMemory): SupervisedThread {
    const { data, onDeath, log } = this.#around;
    return new SupervisedThread({
      name,
      url: threadUrl('../data-plane/resolver-thread'),
      heapMegabytesMax: () => resolverHeapMegabytes(data().config),
      youngMegabytesMax: () => resolverYoungMegabytes(data().config),
      silenceMsMax: RESOLVER_SILENCE_MS_MAX,
      data: () => {
        const given = data();
        return {
          ...given,
          role: 'resolver',
          config: this.#bound.apply(given.config),
          ...memory,
          mayListen: this.#mayListen,
        };
      },
      onMessage: (message) => this.#onMessage(name, message as FromResolver),
      onDeath: () => {
        onDeath(name, memory.counters);
        if (!this.#hasStarted) this.#waits.reject(name, stillborn(name));
      },
      log,
    });
  }

  /** Errors: StartError when an address cannot be bound. */
  async startListening(): Promise<void> {
    this.#mayListen = true;
    await this.listen();
    this.#hasStarted = true;
  }

  /** Binds what is not bound yet of the configuration in force; nothing before startListening(). */
  async listen(): Promise<void> {
    if (!this.#mayListen) return;
    const done = this.#turn.then(async () => this.#listenInTurn());
    this.#turn = done.catch(() => undefined);
    await done;
  }

  async #listenInTurn(): Promise<void> {
    for (const thread of this.#threads) {
      const bound = this.#waits.for(thread.name);
      const config = this.#bound.apply(this.#around.data().config);
      thread.post({ kind: 'listen', config } satisfies ToResolver);
      await bound;
    }
  }

  tell(message: ToResolver): void {
    for (const thread of this.#threads) thread.post(message);
  }

  /** Resolves when all have answered what was in flight, or after `limitMs` and a grace. */
  async drain(kind: 'drain' | 'leave', limitMs: number): Promise<void> {
    const draining = this.#threads.filter((thread) => thread.isAlive);
    this.#undrained = draining.length;
    const drained = draining.length === 0 ? Promise.resolve() : this.#waits.for('drained');
    for (const thread of draining) thread.post({ kind } satisfies ToResolver);
    await within(drained, limitMs + (kind === 'leave' ? LEAVE_GRACE_MS : STOP_GRACE_MS));
  }

  #onMessage(name: string, message: FromResolver): void {
    switch (message.kind) {
      case 'listening':
        return this.#onBound(name, message.addresses, message.failures);
      case 'batchIo':
        return this.#onBatchIo(name, message.mode, message.reason);
      case 'inForce':
        return this.#around.onInForce(name, message.generation);
      case 'drained':
        if (--this.#undrained === 0) this.#waits.settle('drained');
        break;
    }
  }

  #onBatchIo(thread: string, mode: BatchIoMode, reason: string): void {
    if (mode === this.#batchIo.get(thread)) return;
    this.#batchIo.set(thread, mode);
    const { log, tellControl } = this.#around;
    if (mode === 'dgram') log.warn({ thread, reason }, 'datagrams are moved one at a time, which costs twice the CPU');
    tellControl({ kind: 'batchIo', mode: this.batchIo });
  }

  #onBound(name: string, addresses: ResolverAddresses, failures: readonly BindFailure[]): void {
    const fatal =
      failures.find((failure) => !isMissingAddress(failure)) ?? (addresses.do53.length === 0 ? failures[0] : undefined);
    if (this.#hasStarted || fatal === undefined) {
      for (const failure of failures) this.#around.log.warn(cannotListen(failure));
      if (name === FIRST) {
        this.#bound.set(addresses);
        this.#skipped = [...failures];
        this.#around.tellControl({ kind: 'listening', addresses: addresses.do53 });
      }
      this.#waits.settle(name);
    } else this.#waits.reject(name, new StartError(cannotListen(fatal)));
  }
}
