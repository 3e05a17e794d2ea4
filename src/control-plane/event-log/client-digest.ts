/**
 * Clients in the event log: a keyed hash of the IPv4 address or IPv6 /64, so that the lines of one subscriber can be
 * told to belong together and nobody can tell whose they are. The key is random, is never written down, and is forgotten
 * after a while; the hashes of one day say nothing of the next. The raw address only where the configuration asks for it.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { ADDRESS_BYTES } from '../../policy/address.ts';
import { isIpv4Mapped } from '../../policy/client-prefix.ts';
import { subscriberOf } from '../subscriber.ts';

const KEY_BYTES = 32;
/** 64 bits: enough to tell a provider's subscribers apart. */
const DIGEST_CHARACTERS = 16;
const IPV4_AT = 12;

export type ClientMode = 'hashed' | 'raw' | 'none';

export class ClientDigest {
  readonly #mode: ClientMode;
  readonly #rotationMs: number;
  #key = randomBytes(KEY_BYTES);
  #keyUntilMs = 0;

  constructor(mode: ClientMode, rotationMs: number) {
    this.#mode = mode;
    this.#rotationMs = rotationMs;
  }

  /** What the log may say of a client; undefined: nothing. */
  of(client: Uint8Array, nowMs: number): string | undefined {
    if (this.#mode === 'none' || client.every((octet) => octet === 0)) return undefined;
    if (this.#mode === 'raw') return isIpv4Mapped(client) ? client.subarray(IPV4_AT).join('.') : ipv6Text(client);
    if (nowMs >= this.#keyUntilMs) {
      this.#key = randomBytes(KEY_BYTES);
      this.#keyUntilMs = nowMs + this.#rotationMs;
    }
    return createHmac('sha256', this.#key).update(subscriberOf(client)).digest('hex').slice(0, DIGEST_CHARACTERS);
  }
}

/** As RFC 5952 section 4 has it, but for the double colon: for programs, every group is written. */
function ipv6Text(client: Uint8Array): string {
  const groups: string[] = [];
  for (let at = 0; at < ADDRESS_BYTES; at += 2) groups.push(((client[at]! << 8) | client[at + 1]!).toString(16));
  return groups.join(':');
}
