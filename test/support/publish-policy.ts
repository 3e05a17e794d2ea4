/**
 * A policy from a few lines of test: lists and entries as plain objects, everything left out filled in.
 */
import { nameFromText } from '../../src/dns/name.ts';
import { categoryIndex } from '../../src/policy/category.ts';
import { ACTIONS } from '../../src/policy/actions.ts';
import type { ActionName } from '../../src/policy/actions.ts';
import type { Category } from '../../src/policy/category.ts';
import { type ClientGroup, ClientGroups } from '../../src/policy/client-groups.ts';
import { readClientPrefix } from '../../src/policy/client-prefix.ts';
import { NameSetBuilder } from '../../src/policy/name-set-builder.ts';
import { Policy } from '../../src/policy/policy.ts';
import type {
  NameSetBuffers,
  PublishedList,
  PublishedException,
  PublishedPolicy,
  PublishedRollouts,
} from '../../src/policy/published.ts';
import { encodeRule } from '../../src/policy/rules.ts';
import type { Rule } from '../../src/policy/rules.ts';

export interface TestEntry {
  readonly name: string;
  /** Index of the list; default 0. */
  readonly list?: number;
  readonly kind?: Rule['kind'];
  readonly scope?: Rule['scope'];
  readonly mode?: Rule['mode'];
  readonly category?: Category;
  readonly action?: ActionName;
  readonly expiresAtSeconds?: number;
  readonly rolloutSlot?: number;
}

/** An entry of the overlay; `removed: true` takes the base's entry of that name away. */
export type TestOverlayEntry = TestEntry | { readonly name: string; readonly removed: true };

export interface TestPolicy {
  readonly entries: readonly TestEntry[];
  readonly overlay?: readonly TestOverlayEntry[];
  readonly lists?: readonly Partial<PublishedList>[];
  readonly allowSources?: readonly string[];
  readonly generation?: number;
  readonly rollouts?: PublishedRollouts;
  readonly exceptions?: readonly TestException[];
}

export interface TestException {
  readonly id?: string;
  readonly clients: string;
  readonly name: string;
  readonly scope?: Rule['scope'];
  readonly untilSeconds: number;
}

const SEED = 0x5eed;

export function wireName(text: string): Uint8Array {
  const name = nameFromText(text);
  if (name === undefined) throw new Error(`not a name: ${text}`);
  return name;
}

export function ruleWords(entry: TestEntry): [number, number] {
  return encodeRule({
    listIndex: entry.list ?? 0,
    kind: entry.kind ?? 'block',
    scope: entry.scope ?? 'subtree',
    mode: entry.mode ?? 'enforce',
    categoryIndex: categoryIndex(entry.category ?? 'fraud') ?? 0,
    actionIndex: ACTIONS.indexOf(entry.action ?? 'sinkhole'),
    expiresAtSeconds: entry.expiresAtSeconds ?? 0,
    rolloutSlot: entry.rolloutSlot ?? 0,
  });
}

export function nameSetBuffers(entries: readonly TestOverlayEntry[], seed = SEED): NameSetBuffers {
  const builder = new NameSetBuilder({ entriesExpected: entries.length, seed });
  for (const entry of entries) {
    if ('removed' in entry) builder.addRemoval(wireName(entry.name), 0);
    else builder.add(wireName(entry.name), 0, ...ruleWords(entry));
  }
  return builder.build();
}

export function publishedList(list: Partial<PublishedList>, index: number): PublishedList {
  return {
    name: `list-${index}`,
    authority: `authority ${index}`,
    order: 'authority',
    mode: 'enforce',
    action: 'sinkhole',
    version: 1,
    counterSlot: index,
    ...list,
  };
}

function publishedException(exception: TestException, index: number): PublishedException {
  const { id = `x${index + 1}`, clients: clientText, name, scope = 'subtree', untilSeconds } = exception;
  const clients = readClientPrefix(clientText);
  if (clients === undefined) throw new Error(`not a prefix: ${clientText}`);
  return { id, clients, clientText, name: wireName(name), scope, untilSeconds };
}

export function publishedPolicy(policy: TestPolicy): PublishedPolicy {
  return {
    generation: policy.generation ?? 1,
    base: nameSetBuffers(policy.entries),
    overlay: policy.overlay === undefined ? undefined : nameSetBuffers(policy.overlay),
    lists: (policy.lists ?? [{}, {}, {}]).map(publishedList),
    ...(policy.allowSources === undefined ? {} : { allowSources: policy.allowSources }),
    ...(policy.exceptions === undefined ? {} : { exceptions: policy.exceptions.map(publishedException) }),
    ...(policy.rollouts === undefined ? {} : { rollouts: policy.rollouts }),
  };
}

export function testPolicy(policy: TestPolicy, groups: readonly ClientGroup[] = []): Policy {
  return new Policy(publishedPolicy(policy), new ClientGroups(groups));
}
