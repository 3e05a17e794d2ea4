/**
 * The addresses that resolver threads answer on, as the first of them bound them: with port 0 the kernel chooses once, and
 * every other thread, and every later one, is told what it chose.
 */
import type { Config, SocketAddress } from '../config/config.ts';

type Key = 'do53' | 'dot' | 'doh';
export type ResolverAddresses = Readonly<Record<Key, readonly SocketAddress[]>>;

export class BoundAddresses {
  #bound: ResolverAddresses = { do53: [], dot: [], doh: [] };

  get current(): ResolverAddresses {
    return this.#bound;
  }

  set(bound: ResolverAddresses): void {
    this.#bound = bound;
  }

  /** The configuration with the ports that were given for port 0. */
  apply(config: Config): Config {
    const of = (key: Key): SocketAddress[] => config.listen[key].map((address) => this.#boundOrAsked(key, address));
    return { ...config, listen: { ...config.listen, do53: of('do53'), dot: of('dot'), doh: of('doh') } };
  }

  #boundOrAsked(key: Key, address: SocketAddress): SocketAddress {
    if (address.port !== 0) return address;
    return this.#bound[key].find(({ host }) => host === address.host) ?? address;
  }
}
