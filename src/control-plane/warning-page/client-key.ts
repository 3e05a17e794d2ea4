/** The client that a limit of the warning page is about: one subscriber. Never leaves this process. */
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';
import { subscriberOf } from '../subscriber.ts';

const octets = new Uint8Array(ADDRESS_BYTES);

/** '' for what is no address (a socket that is closed already). */
export function clientKey(address: string | undefined): string {
  if (address === undefined || !writeAddress(address, octets)) return '';
  return String.fromCharCode(...subscriberOf(octets));
}
