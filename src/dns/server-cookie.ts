/**
 * Server cookies that every server with the same secret makes and accepts alike: what a client that was here before sends
 * back, so that it cannot be someone else who forges its address. Stateless: the cookie is a hash of the client's cookie,
 * its address and the time. Pure: the caller says what time it is.
 * RFC 7873 4.2, 5.2; RFC 9018 4 (the recipe), 4.3 (time), 5 (secrets in rotation).
 */
import { SipHash } from './sip-hash.ts';

export const CLIENT_COOKIE_BYTES = 8;
const SERVER_COOKIE_BYTES = 16;
/** A client's cookie and ours behind it: the data of a COOKIE option in a response. */
export const COOKIE_BYTES = CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES;
/** "The DNS server SHOULD allow cookies within a 1-hour period in the past and a 5-minute period into the future" (4.3). */
const AGE_SECONDS_MAX = 3600;
const AHEAD_SECONDS_MAX = 300;
const VERSION = 1;
/** Version, reserved, timestamp. */
const HEAD_BYTES = 8;
const ADDRESS_BYTES = 16;
const IPV4_OFFSET = 12;
/** Secrets that are accepted: the one that cookies are made with, and the one before or after it. */
const COOKIE_SECRETS_MAX = 2;

/** What a received cookie is worth. */
export const CookieWorth = {
  /** None, or of the client alone: a stranger who speaks cookies. */
  absent: 0,
  /** Ours, but not for this client, not of these secrets, or of another time. */
  bad: 1,
  /** The client is where it says it is. */
  good: 2,
} as const;

export class ServerCookies {
  readonly #hashers: readonly SipHash[];
  /** Client cookie, head, address: what is hashed. */
  readonly #input = new Uint8Array(CLIENT_COOKIE_BYTES + HEAD_BYTES + ADDRESS_BYTES);

  /** @param secrets of 16 octets; the first makes cookies, all are accepted */
  constructor(secrets: readonly Uint8Array[]) {
    this.#hashers = secrets.slice(0, COOKIE_SECRETS_MAX).map((secret) => new SipHash(secret));
  }

  /**
   * Judges the option's data, `cookieBytes` octets at `start`.
   * @param client 16 octets, IPv4 as ::ffff:a.b.c.d
   * @returns a value of CookieWorth
   * Cost: four blocks of SipHash for each secret; allocates nothing. The comparison takes the same time whatever differs.
   */
  check(bytes: Uint8Array, start: number, cookieBytes: number, client: Uint8Array, nowSeconds: number): number {
    if (cookieBytes <= CLIENT_COOKIE_BYTES) return CookieWorth.absent;
    const head = start + CLIENT_COOKIE_BYTES;
    if (cookieBytes !== COOKIE_BYTES || bytes[head] !== VERSION) return CookieWorth.bad;
    const age = ageSeconds(bytes, head, nowSeconds);
    if (age > AGE_SECONDS_MAX || age < -AHEAD_SECONDS_MAX) return CookieWorth.bad;
    const end = this.#prepare(bytes, start, head, bytes, client);
    let difference = 1;
    for (const hasher of this.#hashers) {
      hasher.hash(this.#input, 0, end);
      difference = Math.min(difference, differs(bytes, head + HEAD_BYTES, hasher));
    }
    return difference === 0 ? CookieWorth.good : CookieWorth.bad;
  }

  /**
   * Writes the cookie of a response at `target`: the client's, then ours, new each time. "The DNS server SHOULD generate
   * a new Server Cookie at least if the received Server Cookie from the client is more than half an hour old" (4.3); to
   * send a younger one back as it is would cost the same.
   */
  write(
    target: Uint8Array,
    offset: number,
    query: Uint8Array,
    cookieStart: number,
    client: Uint8Array,
    nowSeconds: number,
  ): void {
    for (let index = 0; index < CLIENT_COOKIE_BYTES; index++) target[offset + index] = query[cookieStart + index]!;
    const head = offset + CLIENT_COOKIE_BYTES;
    target[head] = VERSION;
    target[head + 1] = 0;
    target[head + 2] = 0;
    target[head + 3] = 0;
    for (let index = 0; index < 4; index++) target[head + 4 + index] = (nowSeconds >>> (24 - 8 * index)) & 0xff;
    const hasher = this.#hashers[0]!;
    hasher.hash(this.#input, 0, this.#prepare(target, offset, head, target, client));
    for (let index = 0; index < 4; index++) {
      target[head + HEAD_BYTES + index] = (hasher.low >>> (8 * index)) & 0xff;
      target[head + HEAD_BYTES + 4 + index] = (hasher.high >>> (8 * index)) & 0xff;
    }
  }

  /** Fills the input; returns its end. "Client-IP ... 4 bytes for IPv4, 16 for IPv6" (4.4). */
  #prepare(bytes: Uint8Array, cookie: number, head: number, heads: Uint8Array, client: Uint8Array): number {
    const input = this.#input;
    for (let index = 0; index < CLIENT_COOKIE_BYTES; index++) input[index] = bytes[cookie + index]!;
    for (let index = 0; index < HEAD_BYTES; index++) input[CLIENT_COOKIE_BYTES + index] = heads[head + index]!;
    let at = CLIENT_COOKIE_BYTES + HEAD_BYTES;
    for (let index = isIpv4(client) ? IPV4_OFFSET : 0; index < ADDRESS_BYTES; index++) input[at++] = client[index]!;
    return at;
  }
}

/** Seconds from the cookie's making to now, in serial number arithmetic. "RFC 1982 ... MUST be used" (4.3). */
function ageSeconds(bytes: Uint8Array, head: number, nowSeconds: number): number {
  let made = 0;
  for (let index = 4; index < HEAD_BYTES; index++) made = (made << 8) | bytes[head + index]!;
  return (nowSeconds - made) | 0;
}

/** 0 where the eight octets are the hash, else 1. */
function differs(bytes: Uint8Array, start: number, { low, high }: SipHash): number {
  let difference = 0;
  for (let index = 0; index < 4; index++) {
    difference |= bytes[start + index]! ^ ((low >>> (8 * index)) & 0xff);
    difference |= bytes[start + 4 + index]! ^ ((high >>> (8 * index)) & 0xff);
  }
  return difference === 0 ? 0 : 1;
}

function isIpv4(client: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (client[index] !== 0) return false;
  return client[10] === 0xff && client[11] === 0xff;
}
