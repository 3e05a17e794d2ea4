/**
 * Groups of clients that lists hold for in their own way: those of a region, of schools, of a trial. A client is in the
 * group of the longest prefix that covers it, or in none. What a group changes is laid out for each policy as the mode
 * that every mode of a rule becomes, list by list, so that a rule costs the judge one look. Changes with the
 * configuration, not with the lists.
 */
import { ADDRESS_BYTES } from './address.ts';
import { readClientPrefix } from './client-prefix.ts';
import type { ListMode, PublishedList } from './published.ts';
import { LISTS_MAX, RuleKind, RuleMode, ruleKind, ruleListIndex, ruleMode } from './rules.ts';

export const GROUPS_MAX = 64;
/** Of all groups together. */
export const GROUP_PREFIXES_MAX = 4096;
/** In the place of a group. */
export const NO_GROUP = -1;

export interface ClientGroup {
  readonly name: string;
  /** Each of them readable by readClientPrefix; no two groups have the same. */
  readonly prefixes: readonly string[];
  /** Names; undefined: all lists. */
  readonly lists: readonly string[] | undefined;
  /** In the place of the lists' own; undefined: as the lists have it. */
  readonly mode: ListMode | undefined;
}

const ADDRESS_WORDS = ADDRESS_BYTES / 4;
const MODES = 4;

/** Which group a client is in: disjoint ranges of addresses, in order, each with the group of its longest prefix. */
export class ClientGroups {
  readonly groups: readonly ClientGroup[];
  /** Where each range begins: four words an address, big-endian. */
  readonly #starts: Uint32Array;
  readonly #groupOf: Int8Array;

  constructor(groups: readonly ClientGroup[]) {
    this.groups = groups;
    const ranges = rangesOf(groups);
    this.#starts = new Uint32Array(ranges.length * ADDRESS_WORDS);
    this.#groupOf = Int8Array.from(ranges, ({ group }) => group);
    for (const [index, { start }] of ranges.entries()) {
      for (let word = 0; word < ADDRESS_WORDS; word++) {
        const shift = BigInt((ADDRESS_WORDS - 1 - word) * 32);
        this.#starts[index * ADDRESS_WORDS + word] = Number((start >> shift) & 0xffff_ffffn);
      }
    }
  }

  /** Index in `groups`, or NO_GROUP. Cost: a dozen comparisons for thousands of prefixes; allocates nothing. */
  find(client: Uint8Array): number {
    let low = 0;
    let high = this.#groupOf.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#beginsAfter(middle, client)) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? NO_GROUP : this.#groupOf[low - 1]!;
  }

  /** Whether the range begins behind the client. */
  #beginsAfter(range: number, client: Uint8Array): boolean {
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      const at = word * 4;
      const asked = ((client[at]! << 24) | (client[at + 1]! << 16) | (client[at + 2]! << 8) | client[at + 3]!) >>> 0;
      const start = this.#starts[range * ADDRESS_WORDS + word]!;
      if (start !== asked) return start > asked;
    }
    return false;
  }
}

export const NO_GROUPS = new ClientGroups([]);

/** What groups make of the modes of one policy's lists. */
export class GroupModes {
  /** For each group, for each list, for each mode of a rule: the mode that it has for the group's clients. */
  readonly #modes: Uint8Array;
  /** The same where nobody knows who: the strongest of all groups and of none. */
  readonly #anyone: Uint8Array;

  constructor(groups: readonly ClientGroup[], lists: readonly PublishedList[]) {
    const cells = LISTS_MAX * MODES;
    this.#modes = new Uint8Array(groups.length * cells);
    this.#anyone = Uint8Array.from({ length: cells }, (_, cell) => cell % MODES);
    for (const [index, group] of groups.entries()) {
      for (let cell = 0; cell < cells; cell++) {
        const list = lists[Math.floor(cell / MODES)];
        const mode = list === undefined ? cell % MODES : modeFor(group, list, cell % MODES);
        this.#modes[index * cells + cell] = mode;
        this.#anyone[cell] = Math.min(this.#anyone[cell]!, mode);
      }
    }
  }

  /** The mode of a rule for the clients of a group, which is not NO_GROUP. */
  of(group: number, word0: number): number {
    if (!isOfList(word0)) return ruleMode(word0);
    return this.#modes[(group * LISTS_MAX + ruleListIndex(word0)) * MODES + ruleMode(word0)]!;
  }

  ofAnyone(word0: number): number {
    return isOfList(word0) ? this.#anyone[ruleListIndex(word0) * MODES + ruleMode(word0)]! : ruleMode(word0);
  }
}

/** Allow rules and protected names are of no list: they are for everyone. */
function isOfList(word0: number): boolean {
  const kind = ruleKind(word0);
  return kind === RuleKind.block || kind === RuleKind.exception;
}

/** A rule that is weaker than its list is so by its own entry, and no group makes it stronger. */
function modeFor({ lists, mode }: ClientGroup, list: PublishedList, own: number): number {
  if (lists !== undefined && !lists.includes(list.name)) return RuleMode.off;
  if (mode === undefined) return own;
  return own > RuleMode[list.mode] ? Math.max(own, RuleMode[mode]) : RuleMode[mode];
}

/** Behind the last address. */
const ADDRESSES_END = 1n << 128n;

interface Range {
  readonly start: bigint;
  readonly group: number;
}

interface Prefix extends Range {
  readonly end: bigint;
}

/** IPv4 in IPv6. Why a prefix of its own: a short IPv6 prefix around it does not mean all of IPv4. */
const MAPPED: Prefix = { start: 0xffffn << 32n, end: 0x1_0000n << 32n, group: NO_GROUP };

function rangesOf(groups: readonly ClientGroup[]): Range[] {
  const prefixes = groups.flatMap(({ prefixes: texts }, group) => texts.flatMap((text) => prefixOf(text, group)));
  if (prefixes.length === 0) return [];
  const hasAllOfIpv4 = prefixes.some(({ start, end }) => start === MAPPED.start && end === MAPPED.end);
  if (!hasAllOfIpv4) prefixes.push(MAPPED);
  // Prefixes are nested or apart: the larger comes first where two begin at one address.
  prefixes.sort((a, b) => compare(a.start, b.start) || compare(b.end, a.end));
  const ranges: Range[] = [];
  const open: Prefix[] = [];
  const begin = (start: bigint): void => {
    const group = open.at(-1)?.group ?? NO_GROUP;
    if (ranges.at(-1)?.start === start) ranges.pop();
    ranges.push({ start, group });
  };
  const closeUntil = (start: bigint): void => {
    while (open.length > 0 && open.at(-1)!.end <= start) begin(open.pop()!.end);
  };
  for (const prefix of prefixes) {
    closeUntil(prefix.start);
    open.push(prefix);
    begin(prefix.start);
  }
  closeUntil(ADDRESSES_END);
  // What ends with the last address has nothing behind it.
  return ranges.filter(({ start }) => start < ADDRESSES_END);
}

function prefixOf(text: string, group: number): Prefix[] {
  const prefix = readClientPrefix(text);
  if (prefix === undefined) return [];
  const size = 1n << BigInt(ADDRESS_BYTES * 8 - prefix.bits);
  const start = (BigInt(`0x${Buffer.from(prefix.base).toString('hex')}`) / size) * size;
  return [{ start, end: start + size, group }];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
