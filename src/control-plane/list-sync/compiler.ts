/**
 * Merges the segments of all lists, the allow files and the protected names into one published index: what a resolver
 * thread needs and no more. Runs in the compile thread (and in `weir check`). Pure but for memory: no file, no clock. No object an entry.
 */
import { nameFromText } from '../../dns/name.ts';
import { ACTIONS } from '../../policy/actions.ts';
import { CATEGORIES } from '../../policy/category.ts';
import { AddOutcome, NameSetBuilder, type SharedBufferPool } from '../../policy/name-set-builder.ts';
import type { NameSetBuffers } from '../../policy/published.ts';
import { encodeRule, withRolloutSlot, type RuleKindName } from '../../policy/rules.ts';
import type { ListConfig } from '../../config/config.ts';
import { readSegment, type SegmentEntry } from './list-segment.ts';
import { readSegmentData, type SegmentData } from './segment-data.ts';

export type CompiledListSettings = Pick<ListConfig, 'name' | 'category' | 'mode' | 'action'>;

export interface CompileList {
  readonly settings: CompiledListSettings;
  /** Undefined: nothing of this list is in force. */
  readonly segment: SegmentData | undefined;
  /** Places of held entries, ascending. */
  readonly held: Uint32Array;
  readonly entries: number;
  /** Octets of all names; undefined: not known. */
  readonly nameBytes: number | undefined;
}

export interface CompileInput {
  readonly seed: number;
  readonly lists: readonly CompileList[];
  /** One segment for each allow file, in the order of the configuration; undefined where it could not be read. */
  readonly allow: readonly (Uint8Array | undefined)[];
  /** As the guard knows them: A-labels in lower case. None by default. */
  readonly protectedNames?: readonly string[];
}

export interface CompileResult {
  readonly base: NameSetBuffers;
  /** For each list: entries that are in the index. */
  readonly entriesInForce: readonly number[];
}

/**
 * Builds a base. Errors: SegmentLost.
 * Cost: 0.5 s a million names; memory for the index and little more, since the segments are read in pieces.
 */
export function compileBase(
  input: CompileInput,
  buffers: SharedBufferPool,
  onList: (index: number) => void = () => undefined,
): CompileResult {
  const { lists, allow, seed, protectedNames = [] } = input;
  const allowBytes = allow.reduce((sum, payload) => sum + (payload?.length ?? 0), 0);
  const otherEntries = protectedNames.length + Math.ceil(allowBytes / ALLOW_BYTES_AN_ENTRY);
  const entriesExpected = lists.reduce((sum, list) => sum + list.entries, otherEntries);
  const otherBytes = protectedNames.reduce((sum, name) => sum + name.length + 2, allowBytes);
  const namesBytesExpected = lists.reduce((sum, list) => sum + namesBytesOf(list), otherBytes);
  const builder = new NameSetBuilder({ entriesExpected, namesBytesExpected, seed, buffers });
  const entriesInForce = lists.map((list, index) => {
    onList(index);
    return addList(builder, list, index);
  });
  for (const [index, payload] of allow.entries()) if (payload !== undefined) addAllow(builder, payload, index);
  addProtected(builder, protectedNames);
  return { base: builder.build(), entriesInForce };
}

/** A guess for sizing; small lists all of them. */
const ALLOW_BYTES_AN_ENTRY = 20;

/** A segment has at least one octet an entry beside its name. */
function namesBytesOf({ segment, nameBytes, entries }: CompileList): number {
  if (segment === undefined) return 0;
  return nameBytes ?? (segment.kind === 'memory' ? segment.payload.length : segment.payloadBytes) - entries;
}

function addList(builder: NameSetBuilder, list: CompileList, listIndex: number): number {
  if (list.segment === undefined) return 0;
  const words = new RuleWordTable(list.settings, listIndex);
  const { held } = list;
  let nextHeld = 0;
  let place = 0;
  let count = 0;
  readSegmentData(list.segment, (entry) => {
    if (place++ === held[nextHeld]) {
      nextHeld += 1;
      return;
    }
    const outcome = builder.add(entry.bytes, entry.nameOffset, words.of(entry), entry.expiresAtSeconds);
    if (outcome === AddOutcome.added || outcome === AddOutcome.merged) count += 1;
  });
  return count;
}

/** An allow file's exceptions mean nothing: there is no block in it that they could lift. */
function addAllow(builder: NameSetBuilder, payload: Uint8Array, sourceIndex: number): void {
  const words = new RuleWordTable(ALLOW_SETTINGS, sourceIndex, 'allow');
  readSegment(payload, (entry) => {
    if (entry.kind === 'block') builder.add(entry.bytes, entry.nameOffset, words.of(entry), entry.expiresAtSeconds);
  });
}

/** With all below them, as the guard has it. */
function addProtected(builder: NameSetBuilder, names: readonly string[]): void {
  const [word0, word1] = encodeRule({
    listIndex: 0,
    kind: 'protect',
    scope: 'subtree',
    categoryIndex: 0,
    actionIndex: 0,
    mode: 'enforce',
    expiresAtSeconds: 0,
  });
  for (const name of names) {
    const wire = nameFromText(name);
    if (wire !== undefined) builder.add(wire, 0, word0, word1);
  }
}

const ALLOW_SETTINGS: CompiledListSettings = { name: 'allow', category: 'other', mode: 'enforce', action: 'sinkhole' };

/** The first rule word of every kind of entry that a list can have; the second is the expiry alone. */
export class RuleWordTable {
  readonly #words: Uint32Array;

  constructor(settings: CompiledListSettings, listIndex: number, blockKind: RuleKindName = 'block') {
    const defaultCategory = CATEGORIES.indexOf(settings.category);
    const actionIndex = ACTIONS.indexOf(settings.action);
    this.#words = new Uint32Array((CATEGORIES.length + 1) * KINDS_OF_A_CATEGORY);
    for (let category = -1; category < CATEGORIES.length; category += 1) {
      for (let kinds = 0; kinds < KINDS_OF_A_CATEGORY; kinds += 1) {
        const isShadow = (kinds & KIND_SHADOW) !== 0;
        const [word0] = encodeRule({
          listIndex,
          kind: (kinds & KIND_EXCEPTION) === 0 ? blockKind : 'exception',
          scope: (kinds & KIND_SUBTREE) === 0 ? 'exact' : 'subtree',
          categoryIndex: category < 0 ? defaultCategory : category,
          actionIndex,
          mode: isShadow && settings.mode === 'enforce' ? 'shadow' : settings.mode,
          expiresAtSeconds: 0,
        });
        this.#words[(category + 1) * KINDS_OF_A_CATEGORY + kinds] = word0;
      }
    }
  }

  of(entry: Pick<SegmentEntry, 'categoryIndex' | 'kind' | 'scope' | 'isShadow' | 'rolloutSlot'>): number {
    const kinds =
      (entry.scope === 'exact' ? 0 : KIND_SUBTREE) |
      (entry.kind === 'block' ? 0 : KIND_EXCEPTION) |
      (entry.isShadow ? KIND_SHADOW : 0);
    const word0 = this.#words[(entry.categoryIndex + 1) * KINDS_OF_A_CATEGORY + kinds]!;
    return withRolloutSlot(word0, entry.rolloutSlot);
  }
}

const KIND_SUBTREE = 1;
const KIND_EXCEPTION = 2;
const KIND_SHADOW = 4;
const KINDS_OF_A_CATEGORY = 8;
