/**
 * Which clients a rule that is held back to a share of them holds for. Chosen by prefix, because a household's addresses
 * change and its devices should meet the same lists: IPv4 /24, IPv6 /56. A keyed hash places a prefix, so that nobody
 * can tell from outside who is in, nor move in; over the list's name and the slot, so that a configuration in another
 * order changes nobody's place and successive rollouts of a list begin with different people. A greater share has
 * everyone that a smaller one has.
 */
import { SipHash } from '../dns/sip-hash.ts';
import { isIpv4Mapped } from './client-prefix.ts';
import type { PublishedList, PublishedRollouts } from './published.ts';
import { ruleListIndex, ruleRolloutSlot } from './rules.ts';

/** Octets of an address (IPv4 as ::ffff:a.b.c.d) that say who is in: /24 and /56. */
const IPV4_PREFIX_BYTES = 15;
const IPV6_PREFIX_BYTES = 7;
const PREFIX_ROOM = 15;
const PERMYRIAD = 10_000;

interface Stage {
  readonly permyriad: number;
  /** List name, slot, and room for the client's prefix at the end. */
  readonly hashed: Uint8Array;
}

export class RolloutShare {
  readonly #hash: SipHash;
  /** By list index and slot. */
  readonly #stages = new Map<number, Stage>();

  constructor({ key, stages }: PublishedRollouts, lists: readonly PublishedList[]) {
    this.#hash = new SipHash(key);
    for (const { listIndex, slot, permyriad } of stages) {
      const list = lists[listIndex];
      if (list === undefined) continue;
      const name = new TextEncoder().encode(list.name);
      const hashed = new Uint8Array(name.length + 1 + PREFIX_ROOM);
      hashed.set(name);
      hashed[name.length] = slot;
      this.#stages.set(stageKey(listIndex, slot), { permyriad, hashed });
    }
  }

  /** Of the clients, in hundredths of a per cent; 0 for a slot that nobody is in. */
  permyriadOf(word0: number): number {
    return this.#stages.get(stageKey(ruleListIndex(word0), ruleRolloutSlot(word0)))?.permyriad ?? 0;
  }

  /** Whether the rule, which has a slot, holds for the client. Cost: a hash of the list's name; allocates nothing. */
  has(word0: number, client: Uint8Array): boolean {
    const stage = this.#stages.get(stageKey(ruleListIndex(word0), ruleRolloutSlot(word0)));
    if (stage === undefined) return false;
    const { hashed, permyriad } = stage;
    const start = hashed.length - PREFIX_ROOM;
    const prefixBytes = isIpv4Mapped(client) ? IPV4_PREFIX_BYTES : IPV6_PREFIX_BYTES;
    for (let i = 0; i < PREFIX_ROOM; i++) hashed[start + i] = i < prefixBytes ? client[i]! : 0;
    this.#hash.hash(hashed, 0, hashed.length);
    return this.#hash.low % PERMYRIAD < permyriad;
  }
}

function stageKey(listIndex: number, slot: number): number {
  return (listIndex << 8) | slot;
}
