/**
 * Which part of a client's address stands for one subscriber: what the event log's hashes and the warning page's limits
 * tell apart. Pure; whoever asks must not write down what it gets.
 */
import { isIpv4Mapped } from '../policy/client-prefix.ts';

/** What one subscriber has of IPv6 (RFC 6177). */
const PREFIX_BYTES = 8;
/** Where IPv4 begins in ::ffff:a.b.c.d. */
const IPV4_AT = 12;

/** The IPv4 address, or the IPv6 /64, of an address as policy/address.ts writes it. A view, not a copy. */
export function subscriberOf(address: Uint8Array): Uint8Array {
  return isIpv4Mapped(address) ? address.subarray(IPV4_AT) : address.subarray(0, PREFIX_BYTES);
}
