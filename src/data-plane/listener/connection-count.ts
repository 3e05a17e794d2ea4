/**
 * Counts the connections of one thread, in all and by client, against the limits of the configuration. One count serves
 * every listener of a thread that has the same limits, so that a client gains nothing by turning to another address.
 */
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';

/** Of an IPv6 address: a /64. */
const CLIENT_PREFIX_BYTES = 8;
const scratchAddress = new Uint8Array(ADDRESS_BYTES);

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  readonly idleTimeoutMs: number;
  readonly pipelineMax: number;
}

/** The connections of a thread, over all its addresses. */
export class ConnectionCount {
  #open = 0;
  readonly #perClient = new Map<string, number>();

  /**
   * Counts one more; false: the limits do not allow it.
   * @param isShared a balancer's connection, which is of another client each time
   */
  take(address: string, { connectionsMax, connectionsPerClientMax }: ConnectionLimits, isShared = false): boolean {
    const client = clientOf(address);
    const ofClient = this.#perClient.get(client) ?? 0;
    if (this.#open >= connectionsMax || (ofClient >= connectionsPerClientMax && !isShared)) return false;
    this.#open++;
    this.#perClient.set(client, ofClient + 1);
    return true;
  }

  giveBack(address: string): void {
    const client = clientOf(address);
    this.#open--;
    const left = (this.#perClient.get(client) ?? 1) - 1;
    if (left > 0) this.#perClient.set(client, left);
    else this.#perClient.delete(client);
  }
}

/**
 * Whom the limit for one client counts: in IPv6 the /64, for a subscriber has at least that and every address in it.
 * Link-local addresses share one prefix and are counted each.
 */
function clientOf(address: string): string {
  const isWhole = !address.includes(':') || address.startsWith('::ffff:') || address.startsWith('fe80:');
  if (isWhole || !writeAddress(address, scratchAddress)) return address;
  return Buffer.from(scratchAddress.subarray(0, CLIENT_PREFIX_BYTES)).toString('hex');
}
