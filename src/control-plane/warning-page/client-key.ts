/**
 * The client that a limit of the warning page is about: an IPv4 address, or an IPv6 /64, which is what one subscriber
 * has (RFC 6177). Never leaves this process.
 */
import { ADDRESS_BYTES, writeAddress } from '../../policy/address.ts';

const PREFIX_BYTES = 8;
/** Where IPv4 begins in ::ffff:a.b.c.d. */
const MAPPED_AT = 10;

const octets = new Uint8Array(ADDRESS_BYTES);

/** '' for what is no address (a socket that is closed already). */
export function clientKey(address: string | undefined): string {
  if (address === undefined || !writeAddress(address, octets)) return '';
  const isMapped =
    octets[MAPPED_AT] === 0xff &&
    octets[MAPPED_AT + 1] === 0xff &&
    octets.subarray(0, MAPPED_AT).every((octet) => octet === 0);
  return String.fromCharCode(...(isMapped ? octets.subarray(MAPPED_AT) : octets.subarray(0, PREFIX_BYTES)));
}
