/**
 * Where a list's server may send us: anywhere but into the network that Weir stands in, unless the list itself is there.
 * A server that is not the operator's could else make Weir ask, with the operator's address, what it cannot reach itself
 * (SSRF). Names are judged by what they resolve to when the connection is made, so that none changes in between.
 * RFC 6890 (special-purpose addresses), RFC 6052 (IPv4 addresses within NAT64's prefix), RFC 3056 (within 6to4's).
 */
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Code of the error of a connection that is refused. */
export const INTERNAL_TARGET = 'ERR_INTERNAL_TARGET';

const IPV4_INTERNAL: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];
const IPV6_INTERNAL: readonly (readonly [string, number])[] = [
  // With an IPv4 address behind it, which some networks still take there (RFC 4291 section 2.5.5.1); `::` and `::1`.
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b:1::', 48],
  // Of protocols: Teredo, benchmarks, ORCHID.
  ['2001::', 23],
  // Thrown away (RFC 6666); segments of a provider's own routing (RFC 9602).
  ['100::', 64],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const INTERNAL = new BlockList();
for (const [address, bits] of IPV4_INTERNAL) {
  INTERNAL.addSubnet(address, bits, 'ipv4');
  INTERNAL.addSubnet(`64:ff9b::${address}`, 96 + bits, 'ipv6');
  INTERNAL.addSubnet(`2002:${groupsOf(address)}::`, 16 + bits, 'ipv6');
}
for (const [address, bits] of IPV6_INTERNAL) INTERNAL.addSubnet(address, bits, 'ipv6');

/** Of an IPv4 address, as 6to4 has them. */
function groupsOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Loopback, private, link-local, or otherwise not of the public internet; an IPv4 address within IPv6 as itself. */
export function isInternalAddress(address: string): boolean {
  const plain = address.replace(/%.*$/s, '');
  return INTERNAL.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
}

type LookupAll = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** What the guard asks of the machine; tests give another. */
export interface NetworkView {
  readonly lookup: LookupAll;
  readonly isInternal: (address: string) => boolean;
}

export const SYSTEM_NETWORK: NetworkView = { lookup: systemLookup, isInternal: isInternalAddress };

export class RedirectGuard {
  readonly #sourceHost: string;
  readonly #network: NetworkView;
  #isSourceInternal: boolean;

  constructor(source: string, network: NetworkView = SYSTEM_NETWORK) {
    this.#sourceHost = hostOf(new URL(source));
    this.#network = network;
    this.#isSourceInternal = isIP(this.#sourceHost) !== 0 && network.isInternal(this.#sourceHost);
  }

  /** For addresses; of a name nothing is known before it is resolved. */
  allows(url: URL): boolean {
    const host = hostOf(url);
    return isIP(host) === 0 || this.#admits(host, host);
  }

  /** For the connections: resolves a name to what of it may be reached. Errors: INTERNAL_TARGET where that is nothing. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#network.lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      // Why every: a name that also has a public address is not in this network, whatever else it says.
      if (hostname === this.#sourceHost)
        this.#isSourceInternal = found.every(({ address }) => this.#network.isInternal(address));
      const allowed = found.filter(({ address }) => this.#admits(hostname, address));
      const first = allowed[0];
      if (first === undefined) {
        const refusal = new Error(`${hostname} is in this network, and the list's own server is not`);
        return callback(Object.assign(refusal, { code: INTERNAL_TARGET }), []);
      }
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };

  /** For connections that a proxy makes. A name that is only known to the proxy passes. Errors: INTERNAL_TARGET. */
  async checkBehindProxy(url: URL): Promise<void> {
    const host = hostOf(url);
    if (isIP(host) !== 0) return;
    await new Promise<void>((resolve, reject) => {
      this.lookup(host, { all: true }, (error) => {
        if (error !== null && error.code === INTERNAL_TARGET) reject(error);
        else resolve();
      });
    });
  }

  #admits(host: string, address: string): boolean {
    return this.#isSourceInternal || host === this.#sourceHost || !this.#network.isInternal(address);
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
