/**
 * The balancers in front, which say whose query it is (`listen.proxyProtocol`): one object a thread, read by its
 * listeners for every datagram and connection, changed by a reload.
 */
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { FamilyRow } from '../../telemetry/counter-labels.ts';
import { ClientAccess } from '../client-address.ts';
import { ProxyHeader, readProxyHeader } from './proxy-header.ts';

export class TrustedProxies {
  #prefixes: ClientAccess | undefined;
  readonly #address = new Uint8Array(ADDRESS_BYTES);
  readonly onMalformed: () => void;

  /** @param onMalformed called for each datagram or connection of a balancer that is dropped for its header */
  constructor(prefixes: readonly string[], onMalformed: () => void) {
    this.onMalformed = onMalformed;
    this.configure(prefixes);
  }

  configure(prefixes: readonly string[]): void {
    this.#prefixes = prefixes.length === 0 ? undefined : new ClientAccess(prefixes);
  }

  /** The same for a peer as node:net writes it. */
  includesText(peer: string): boolean {
    return this.#prefixes !== undefined && writeAddress(peer, this.#address) && this.#prefixes.allows(this.#address);
  }

  /** Whether what comes from this peer must begin with a header. Cost: nothing where there are no balancers. */
  includes(peer: Uint8Array): boolean {
    return this.#prefixes !== undefined && this.#prefixes.allows(peer);
  }
}

/** What a listener hands on of a balancer's datagram. */
interface ProxiedArrival {
  readonly bytes: Buffer;
  readonly start: number;
  end: number;
  family: number;
  readonly client: Uint8Array;
}

const header = new ProxyHeader();

/**
 * Takes the header off the front of a balancer's datagram and puts the client that it names in the place of the balancer.
 * False: there is none, or it is malformed. Why moved: a response is written where the query begins, and has the room
 * that the slot has.
 */
export function takeProxyHeader(arrival: ProxiedArrival): boolean {
  const { bytes, start, end } = arrival;
  const length = readProxyHeader(header, bytes, start, end);
  if (length <= 0) return false;
  bytes.copyWithin(start, start + length, end);
  arrival.end = end - length;
  if (header.isLocal) return true;
  arrival.client.set(header.client);
  arrival.family = familyOfClient(header.client);
  return true;
}

/** FamilyRow of 16 octets. */
export function familyOfClient(client: Uint8Array): number {
  for (let index = 0; index < 10; index++) if (client[index] !== 0) return FamilyRow.ipv6;
  return client[10] === 0xff && client[11] === 0xff ? FamilyRow.ipv4 : FamilyRow.ipv6;
}
