/**
 * What the control plane publishes and every resolver thread reads: shared buffers that are immutable once published,
 * and the table of lists that the rules in them refer to. Plain data: it crosses threads by structured clone, which
 * shares the SharedArrayBuffers and copies the rest.
 */
import type { ActionName } from './actions.ts';
import type { ClientPrefix } from './client-prefix.ts';
import type { RuleScopeName } from './rules.ts';

/** One level of the name index (see name-set.ts for the layout). */
export interface NameSetBuffers {
  /** Open-addressing table of Uint32 triples, ordered by hash: name hash, offset in `names` (0: empty slot), offset in `rules`. */
  readonly table: SharedArrayBuffer;
  /** Wire-format names, lower case, each with its root label; offset 0 is never used. */
  readonly names: SharedArrayBuffer;
  /** Rule sets: a count, then two Uint32 words a rule (see rules.ts). A count of 0 marks a removal (overlay only). */
  readonly rules: SharedArrayBuffer;
  readonly slotCount: number;
  readonly entryCount: number;
  readonly namesBytes: number;
  /** Uint32 words of `rules` in use. */
  readonly rulesWords: number;
  /** Seed of the name hash; base and overlay of one policy share it. */
  readonly seed: number;
}

export type ListMode = 'enforce' | 'shadow' | 'off';
export type ListOrder = 'authority' | 'operator' | 'subscriber';

/** One list as the data plane needs it. The array index is the list index inside the rules. */
export interface PublishedList {
  readonly name: string;
  readonly authority: string;
  readonly order: ListOrder;
  readonly mode: ListMode;
  readonly action: ActionName;
  /** The version in force; 0 before the first. */
  readonly version: number;
  /** Row of this list in the counters; stable for the life of the process. */
  readonly counterSlot: number;
}

/** Which share of the clients a rule with a rollout slot holds for. Of a slot that is not here nobody has the rule. */
export interface RolloutStageInForce {
  /** Index in PublishedPolicy.lists. */
  readonly listIndex: number;
  /** As in the list's rules: 1 to ROLLOUT_SLOTS_MAX. */
  readonly slot: number;
  /** Hundredths of a per cent of the client prefixes: 0 to 10,000. */
  readonly permyriad: number;
}

export interface PublishedRollouts {
  /** SIP_KEY_BYTES octets, secret and the same for the life of a rollout: who is in it must not change. */
  readonly key: Uint8Array;
  readonly stages: readonly RolloutStageInForce[];
}

/** Entries of PublishedPolicy.exceptions. */
export const EXCEPTIONS_MAX = 1_000;

/** Lets the clients of a prefix through to a name, whatever lists say, until it ends. */
export interface PublishedException {
  readonly id: string;
  readonly clients: ClientPrefix;
  /** The prefix as people write it. */
  readonly clientText: string;
  /** Wire format, lower case. */
  readonly name: Uint8Array;
  readonly scope: RuleScopeName;
  /** Seconds since 1970; over from that second on. */
  readonly untilSeconds: number;
}

export interface PublishedPolicy {
  /** Grows by one with every publish. */
  readonly generation: number;
  readonly base: NameSetBuffers;
  readonly overlay: NameSetBuffers | undefined;
  readonly lists: readonly PublishedList[];
  /** Where allow rules come from (file names as configured); the array index is the list index of an allow rule. */
  readonly allowSources?: readonly string[];
  readonly rollouts?: PublishedRollouts;
  /** At most EXCEPTIONS_MAX; those that are over have no effect and may stay until the next publish. */
  readonly exceptions?: readonly PublishedException[];
}
