/**
 * A client's address as two words, and cut to a prefix: what tables of limits are keyed on. One object a thread is
 * refilled for each query; it allocates nothing. IPv6 addresses count by their /64, for a subscriber has at least that
 * and every address in it; link-local ones, which all share one /64, by their own last octets.
 */

/** In place of the upper half of an IPv6 address: from 0:ffff::/32, which nobody has. */
export const IPV4_MARK = 0xffff;
const IPV4_LOOPBACK = 127;
/** fe80::/10. */
const LINK_LOCAL_BITS = 10;
const LINK_LOCAL = 0xfe800000 | 0;

/** The client's address; `read` fills it. */
export class ClientKey {
  /** The first 32 bits of an IPv6 address, or the mark of IPv4. */
  high = 0;
  /** The next 32 bits, or the IPv4 address. */
  low = 0;

  constructor(client?: Uint8Array) {
    if (client !== undefined) this.read(client);
  }

  /** @param client 16 octets, IPv4 as ::ffff:a.b.c.d */
  read(client: Uint8Array): void {
    this.high = readWord(client, 0);
    this.low = readWord(client, 4);
    if (isLinkLocalKey(this.high)) {
      // Why not the whole identifier: a key has two words, and the ten bits that are left out are of its middle.
      this.high = LINK_LOCAL | (readWord(client, 8) >>> LINK_LOCAL_BITS);
      this.low = readWord(client, 12);
      return;
    }
    if (this.high !== 0 || this.low !== 0 || client[8] !== 0 || client[9] !== 0) return;
    if (client[10] !== 0xff || client[11] !== 0xff) return;
    this.high = IPV4_MARK;
    this.low = readWord(client, 12);
  }

  get isIpv4(): boolean {
    return this.high === IPV4_MARK;
  }
}

/** Whether the upper half of a key is that of a link-local address. */
export function isLinkLocalKey(high: number): boolean {
  return (high & wordMask(LINK_LOCAL_BITS, 0)) === LINK_LOCAL;
}

/** The mask of one word that a prefix of `bits` leaves of it; `wordStart`: where in the address the word begins. */
export function wordMask(bits: number, wordStart: number): number {
  const kept = Math.min(32, Math.max(0, bits - wordStart));
  return kept === 0 ? 0 : -1 << (32 - kept);
}

/** Whether the address is this machine's own: 127.0.0.0/8 or ::1. */
export function isLoopbackClient(client: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (client[index] !== 0) return false;
  if (client[10] === 0xff && client[11] === 0xff) return client[12] === IPV4_LOOPBACK;
  for (let index = 10; index < 15; index++) if (client[index] !== 0) return false;
  return client[15] === 1;
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
