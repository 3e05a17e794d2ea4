/**
 * The table of listeners and the set of those that are bound: `do53` is UDP and TCP on the same port, `dot` and `doh` are
 * bound where there is a certificate. Sockets are shared
 * among threads by SO_REUSEPORT. A wildcard address is bound as one UDP socket for each local address, rescanned, so
 * that a response leaves from the address that was asked.
 */
import { networkInterfaces } from 'node:os';
import type { BindFailure } from '../../config/bind-failure.ts';
import type { SocketAddress } from '../../config/config.ts';
import { TlsTransportRow } from '../../telemetry/counter-labels.ts';
import type { Listener, QueryHandler } from './arrival.ts';
import { batchSupport } from '../batch/self-check.ts';
import type { ConnectionSteer } from '../batch/connection-steer.ts';
import type { SocketWatch } from '../batch/socket-watch.ts';
import { bindUdpInBatches } from './batch-udp-listener.ts';
import { ConnectionCount, type ConnectionLimits } from './connection-count.ts';
import { bindDoh } from './doh-listener.ts';
import { bindDot } from './dot-listener.ts';
import { bindTcp } from './tcp-listener.ts';
import type { TlsDependencies } from './tls-dependencies.ts';
import type { TrustedProxies } from './trusted-proxies.ts';
import { bindUdp } from './udp-listener.ts';

/** Why so many: with port 0 the kernel picks for UDP, and TCP may have that port taken. */
const PORT_ATTEMPTS = 20;
export const RESCAN_INTERVAL_MS = 10_000;

export interface ListenerDependencies {
  readonly handler: QueryHandler;
  readonly limits: ConnectionLimits;
  /** Shared by all TCP listeners of a thread. */
  readonly connectionCount?: ConnectionCount;
  readonly onConnections: (change: number) => void;
  readonly onRejected: () => void;
  readonly onSendFailed: () => void;
  readonly onBatchEnd: (receivedAtMs: number) => number;
  readonly onError: (error: Error) => void;
  /** Balancers before the do53 listeners. */
  readonly proxies?: TrustedProxies | undefined;
  /** Of the thread; undefined where datagrams are moved one at a time. */
  readonly watch?: SocketWatch | undefined;
  /** Of the thread; undefined where the system calls cannot be had. */
  readonly steer?: ConnectionSteer | undefined;
  /** Undefined: no TLS, and nothing is bound for it. */
  readonly tls?: TlsDependencies | undefined;
}

/** Which key of `listen` names an address. */
export type ListenKey = 'do53' | 'dot' | 'doh';
export type ListenAddresses = Readonly<Record<ListenKey, readonly SocketAddress[]>>;
export const LISTEN_KEYS: readonly ListenKey[] = ['do53', 'dot', 'doh'];

/** How each transport is bound. A new transport is a new file and a line here. */
export const LISTENERS = {
  udp: (address: SocketAddress, deps: ListenerDependencies): Promise<Listener> => {
    const support = batchSupport();
    const options = { ...address, ...deps };
    return support.kind === 'ok' ? bindUdpInBatches(support.libc, options) : bindUdp(options);
  },
  tcp: (address: SocketAddress, deps: ListenerDependencies): Promise<Listener> =>
    bindTcp({ connectionCount: new ConnectionCount(), ...address, ...deps }),
  dot: (address: SocketAddress, deps: ListenerDependencies): Promise<Listener> =>
    bindDot({ ...address, ...deps, ...tlsOptions(deps, TlsTransportRow.dot), proxies: undefined }),
  doh: (address: SocketAddress, deps: ListenerDependencies): Promise<Listener> =>
    bindDoh({ ...address, ...deps, ...tlsOptions(deps, TlsTransportRow.doh), proxies: undefined }),
} as const;

/** A bug where there is no certificate: such addresses are left out before. */
function tlsOptions({ tls }: ListenerDependencies, transport: number) {
  if (tls === undefined) throw new Error('no certificate');
  const { onConnections, onRejected, onHandshake, ...rest } = tls;
  return {
    ...rest,
    onConnections: (change: number) => onConnections(transport, change),
    onRejected: () => onRejected(transport),
    onHandshake: (row: number) => onHandshake(transport, row),
  };
}

interface BoundAddress {
  readonly key: ListenKey;
  readonly asked: SocketAddress;
  readonly port: number;
  readonly stream: Listener;
  readonly udp: Map<string, Listener>;
}

export class ListenerSet {
  #bound: BoundAddress[] = [];
  readonly #deps: ListenerDependencies;
  /** Binding and closing, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: ListenerDependencies) {
    this.#deps = { connectionCount: new ConnectionCount(), ...deps };
  }

  /** What is bound, with the port that was given for port 0. */
  addresses(key: ListenKey = 'do53'): SocketAddress[] {
    return this.#bound.filter((bound) => bound.key === key).map(({ asked, port }) => ({ host: asked.host, port }));
  }

  /**
   * Binds what is new in `addresses`, then closes what is no longer there; what stays is not touched. Where a new address
   * is taken or forbidden, nothing is closed.
   * Returns the addresses that could not be bound.
   */
  rebind(addresses: Partial<ListenAddresses>): Promise<BindFailure[]> {
    return this.#inTurn(() => this.#rebind(addresses));
  }

  /** Why: with SO_REUSEPORT two at a time would both bind an address, and one socket of it be lost sight of. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #rebind(addresses: Partial<ListenAddresses>): Promise<BindFailure[]> {
    const wanted = LISTEN_KEYS.flatMap((key) => (addresses[key] ?? []).map((address) => ({ key, address })));
    const gone = this.#bound.filter((bound) => !wanted.some((each) => isSame(each, bound)));
    const failures: BindFailure[] = [];
    for (const { key, address } of wanted) {
      if (this.#bound.some((bound) => isSame({ key, address }, bound))) continue;
      try {
        this.#bound.push(await this.#bindAddress(key, address));
      } catch (error) {
        const { code = '', message } = error as NodeJS.ErrnoException;
        failures.push({ key: `listen.${key}`, address, code, message });
      }
    }
    // Why last, and not where a new address is taken: a mistake in a reload must not leave Weir without a listener.
    if (failures.some(({ code }) => code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT')) return failures;
    this.#bound = this.#bound.filter((bound) => !gone.includes(bound));
    await Promise.all(gone.map(closeAddress));
    return failures;
  }

  async #bindAddress(key: ListenKey, address: SocketAddress): Promise<BoundAddress> {
    if (key !== 'do53') {
      const stream = await LISTENERS[key](address, this.#deps);
      return { key, asked: address, port: stream.port, stream, udp: new Map() };
    }
    for (let attempt = 1; ; attempt++) {
      const stream = await LISTENERS.tcp(address, this.#deps);
      const bound: BoundAddress = { key, asked: address, port: stream.port, stream, udp: new Map() };
      try {
        await this.#bindUdp(bound);
        return bound;
      } catch (error) {
        await closeAddress(bound);
        if (address.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async #bindUdp(bound: BoundAddress): Promise<void> {
    const hosts = localHosts(bound.asked.host);
    for (const [host, listener] of bound.udp) {
      if (hosts.includes(host)) continue;
      bound.udp.delete(host);
      await listener.close();
    }
    for (const host of hosts) {
      if (bound.udp.has(host)) continue;
      try {
        bound.udp.set(host, await LISTENERS.udp({ host, port: bound.port }, this.#deps));
      } catch (error) {
        // Why: an interface's address may be gone or not be usable yet (IPv6 right after boot); rescan() tries again.
        const isNotThere = error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL';
        if (!isWildcard(bound.asked.host) || !isNotThere) throw error;
      }
    }
  }

  /** Follows the machine's interfaces for wildcard addresses. */
  rescan(): Promise<void> {
    return this.#inTurn(() => this.#rescan());
  }

  async #rescan(): Promise<void> {
    for (const bound of this.#bound) {
      if (bound.key === 'do53' && isWildcard(bound.asked.host))
        await this.#bindUdp(bound).catch((error: Error) => this.#deps.onError(error));
    }
  }

  /** Leaves what is new to another process that has bound the same addresses. What is here is taken and answered still. */
  leave(): void {
    for (const listener of this.#all()) listener.leave();
  }

  /** The process that was leaving these addresses has gone. */
  stay(): void {
    for (const listener of this.#all()) listener.stay();
  }

  #all(): Listener[] {
    return this.#bound.flatMap(({ stream, udp }) => [stream, ...udp.values()]);
  }

  /** Accepts no more connections; UDP goes on until close(). */
  stop(): void {
    for (const { stream } of this.#bound) stream.stop();
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all(this.#bound.map(closeAddress));
    this.#bound = [];
  }
}

function isSame({ key, address }: { key: ListenKey; address: SocketAddress }, bound: BoundAddress): boolean {
  const { host, port } = address;
  return key === bound.key && host === bound.asked.host && (port === bound.asked.port || port === bound.port);
}

async function closeAddress(bound: BoundAddress): Promise<void> {
  await Promise.all([bound.stream.close(), ...[...bound.udp.values()].map((listener) => listener.close())]);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function localHosts(host: string): string[] {
  if (!isWildcard(host)) return [host];
  const family = host === '::' ? 'IPv6' : 'IPv4';
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((address) => address.family === family)
      .map(({ address }) => (address.startsWith('fe80:') ? `${address}%${name}` : address)),
  );
  return [...new Set(found)];
}
