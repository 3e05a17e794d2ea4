/**
 * Says why a name gets the verdict it gets: every rule met on the name and above it, with what kept each from deciding.
 * The verdict itself is Policy's own, so that `weir check` and the data plane cannot disagree. May allocate; not for the
 * query path.
 */
import { LABELS_MAX, labelStartsOf, nameToText } from '../dns/name.ts';
import { ACTIONS } from './actions.ts';
import type { ActionName } from './actions.ts';
import { CATEGORIES } from './category.ts';
import type { Category } from './category.ts';
import { isOpen } from './client-exceptions.ts';
import { prefixCovers } from './client-prefix.ts';
import { incidentId } from './incident.ts';
import { hashSuffixes } from './name-hash.ts';
import type { NameSet } from './name-set.ts';
import { ALLOW_LIST, PROTECTED_LIST, VerdictKind } from './policy.ts';
import type { Policy } from './policy.ts';
import type { ListOrder, PublishedException, PublishedList } from './published.ts';
import { RULE_MODES, decodeRule, ruleExpired } from './rules.ts';
import type { Rule } from './rules.ts';

export type VerdictName = keyof typeof VerdictKind;

/**
 * `decides`: this rule is why. `outranked`: another comes first. `exception`: in force, lifts its own list's rules here.
 * `lifted`: by an exception of its list. `scope`: exact, and the name is below it. `replaced`: the overlay has a newer
 * entry of that name. `protects`: what the name's answers lead to does not block it. `rollout`: held back to a share of
 * the clients, and the client is not among them, or none was given. `group`: the client's group does without the list.
 */
export type RuleOutcome =
  | 'decides'
  | 'outranked'
  | 'exception'
  | 'lifted'
  | 'scope'
  | 'expired'
  | 'off'
  | 'replaced'
  | 'unknownList'
  | 'protects'
  | 'rollout'
  | 'group';

export interface ExplainedRule {
  readonly outcome: RuleOutcome;
  readonly level: 'base' | 'overlay';
  /** The entry's name as text, lower case. */
  readonly entry: string;
  readonly kind: Rule['kind'];
  readonly scope: Rule['scope'];
  /** For this client: its group may have another than the list. */
  readonly mode: Rule['mode'];
  /** Of an allow rule: the file it comes from; of a protected name: `protected`. */
  readonly list: string;
  readonly authority: string;
  readonly order: ListOrder;
  readonly version: number;
  readonly category: Category;
  readonly action: ActionName;
  /** Seconds since 1970; 0: never. */
  readonly expiresAtSeconds: number;
  /** The share of the clients that the rule holds for, now; undefined: every client. Units: per cent, two decimals. */
  readonly rolloutPercent: number | undefined;
  /** The id that client, page and log show of a block by this rule; undefined for rules of another kind. */
  readonly incident: string | undefined;
}

/** An exception for the name: `decides` for this client; else why not. `unneeded`: no list would block the name. */
export interface ExplainedException {
  readonly id: string;
  readonly outcome: 'decides' | 'otherClient' | 'expired' | 'unneeded';
  /** The prefix that it is for. */
  readonly clients: string;
  readonly entry: string;
  readonly scope: Rule['scope'];
  /** Seconds since 1970. */
  readonly untilSeconds: number;
}

export interface Explanation {
  readonly verdict: VerdictName;
  readonly generation: number;
  /** The rule that decided; undefined if nothing is said of the name. */
  readonly decidedBy: ExplainedRule | undefined;
  /** Every rule met, most specific entry first, in order of precedence. */
  readonly rules: readonly ExplainedRule[];
  /** Entries of the base that the overlay takes away without another rule in their place. */
  readonly removed: readonly string[];
  /** The client's, of the configuration. */
  readonly group: string | undefined;
  /** Of the name and of those above it, for any client. */
  readonly exceptions: readonly ExplainedException[];
}

const VERDICT_NAMES: readonly VerdictName[] = ['allowed', 'allowlisted', 'blocked', 'shadow'];

interface MetRule {
  readonly level: 'base' | 'overlay';
  readonly label: number;
  readonly entryStart: number;
  readonly word0: number;
  readonly rule: Rule;
  readonly replaced: boolean;
}

/**
 * Explains the verdict on the uncompressed name at `nameStart`; undefined for a malformed name.
 * @param client whose verdict; undefined: a client that nobody knows
 */
export function explain(
  policy: Policy,
  bytes: Uint8Array,
  nameStart: number,
  nowSeconds: number,
  client?: Uint8Array,
): Explanation | undefined {
  const labelStarts = new Uint8Array(LABELS_MAX);
  const labelCount = labelStartsOf(bytes, nameStart, labelStarts);
  if (labelCount < 0) return undefined;
  policy.audience.turnTo(client);
  const { met, removed } = rulesMet(policy, bytes, nameStart, labelStarts, labelCount);
  const kind = policy.judge(bytes, nameStart, labelStarts, labelCount, nowSeconds, client);
  const { exception } = policy.match;
  const isByRule = kind !== VerdictKind.allowed && (kind !== VerdictKind.allowlisted || exception === undefined);
  const decider = !isByRule ? undefined : met.find((one) => isMatch(policy, one, kind));
  const rules = met.map((one) =>
    described(policy, bytes, one, one === decider ? 'decides' : outcomeOf(policy, met, one, kind, nowSeconds)),
  );
  return {
    verdict: VERDICT_NAMES[kind] ?? 'allowed',
    generation: policy.generation,
    decidedBy: rules.find((rule) => rule.outcome === 'decides'),
    rules,
    removed,
    group: policy.audience.group?.name,
    exceptions: exceptionsMet(policy, bytes, nameStart, nowSeconds, client, isByRule ? undefined : exception, kind),
  };
}

function exceptionsMet(
  policy: Policy,
  bytes: Uint8Array,
  nameStart: number,
  nowSeconds: number,
  client: Uint8Array | undefined,
  decider: PublishedException | undefined,
  kind: number,
): ExplainedException[] {
  const name = `.${nameToText(bytes, nameStart).toLowerCase()}`;
  return (policy.published.exceptions ?? []).flatMap((one) => {
    const entry = nameToText(one.name, 0);
    const covers = name === `.${entry}` || (one.scope === 'subtree' && name.endsWith(`.${entry}`));
    if (!covers) return [];
    const isFor = client !== undefined && prefixCovers(one.clients, client);
    const idle = !isOpen(one, nowSeconds) ? 'expired' : isFor ? 'unneeded' : 'otherClient';
    const outcome = kind === VerdictKind.allowlisted && one === decider ? 'decides' : idle;
    return [{ id: one.id, outcome, clients: one.clientText, entry, scope: one.scope, untilSeconds: one.untilSeconds }];
  });
}

function rulesMet(
  policy: Policy,
  bytes: Uint8Array,
  nameStart: number,
  labelStarts: Uint8Array,
  labelCount: number,
): { met: MetRule[]; removed: string[] } {
  const hashes = new Uint32Array(LABELS_MAX);
  hashSuffixes(bytes, nameStart, labelStarts, labelCount, policy.published.base.seed, hashes);
  const met: MetRule[] = [];
  const removed: string[] = [];
  for (let label = 0; label < labelCount; label++) {
    const entryStart = nameStart + labelStarts[label]!;
    const newer =
      policy.overlay === undefined ? undefined : rulesAt(policy, policy.overlay, hashes[label]!, bytes, entryStart);
    const older = rulesAt(policy, policy.base, hashes[label]!, bytes, entryStart);
    for (const words of newer ?? []) met.push({ level: 'overlay', label, entryStart, ...words, replaced: false });
    for (const words of older ?? []) {
      met.push({ level: 'base', label, entryStart, ...words, replaced: newer !== undefined });
    }
    if (newer?.length === 0 && older !== undefined) removed.push(nameToText(bytes, entryStart).toLowerCase());
  }
  return { met, removed };
}

function rulesAt(
  policy: Policy,
  set: NameSet,
  hash: number,
  bytes: Uint8Array,
  start: number,
): Pick<MetRule, 'word0' | 'rule'>[] | undefined {
  const offset = set.find(hash, bytes, start);
  if (offset < 0) return undefined;
  const count = set.rules[offset]!;
  return Array.from({ length: count }, (_, i) => {
    const word0 = set.rules[offset + 1 + i * 2]!;
    const rule = decodeRule(word0, set.rules[offset + 2 + i * 2]!);
    return { word0, rule: { ...rule, mode: RULE_MODES[policy.audience.groupModeOf(word0)] ?? 'off' } };
  });
}

/** Whether this is the rule that the judge's match is about. */
function isMatch(policy: Policy, { label, rule, replaced }: MetRule, kind: number): boolean {
  const { match } = policy;
  const kindName = kind === VerdictKind.allowlisted ? 'allow' : 'block';
  const mode = kind === VerdictKind.shadow ? 'shadow' : 'enforce';
  return (
    !replaced &&
    rule.kind === kindName &&
    rule.mode === mode &&
    label === match.suffixLabel &&
    rule.listIndex === match.listIndex &&
    (rule.scope === 'subtree' ? 1 : 0) === match.scope &&
    rule.actionIndex === match.actionIndex &&
    rule.categoryIndex === match.categoryIndex &&
    rule.rolloutSlot === match.rolloutSlot &&
    rule.expiresAtSeconds === match.expiresAtSeconds
  );
}

/** Why a rule that does not decide does not. */
function outcomeOf(
  policy: Policy,
  met: readonly MetRule[],
  one: MetRule,
  verdict: number,
  nowSeconds: number,
): RuleOutcome {
  const { rule } = one;
  if (one.replaced) return 'replaced';
  const idle = idleReason(policy, one, nowSeconds);
  if (idle !== undefined) return idle;
  if (rule.kind === 'exception') return 'exception';
  if (rule.kind === 'protect') return protectOutcome(rule, verdict);
  if (rule.kind === 'allow') return rule.mode === 'enforce' ? 'outranked' : 'off';
  if (policy.published.lists[rule.listIndex] === undefined) return 'unknownList';
  const lifted = met.some(
    (other) =>
      other.rule.kind === 'exception' &&
      !other.replaced &&
      other.rule.listIndex === rule.listIndex &&
      (other.rule.mode === 'enforce' || rule.mode === 'shadow') &&
      idleReason(policy, other, nowSeconds) === undefined,
  );
  return lifted ? 'lifted' : 'outranked';
}

/** A name that is blocked or allowed by a rule of its own is not protected by this one. */
function protectOutcome(rule: Rule, verdict: number): RuleOutcome {
  if (rule.mode !== 'enforce') return 'off';
  return verdict === VerdictKind.allowed || verdict === VerdictKind.shadow ? 'protects' : 'outranked';
}

function idleReason(
  policy: Policy,
  { word0, rule, label }: MetRule,
  nowSeconds: number,
): 'off' | 'expired' | 'scope' | 'rollout' | 'group' | undefined {
  const absence = policy.audience.absenceOf(word0);
  if (rule.mode === 'off') return absence === 'group' ? 'group' : 'off';
  if (label > 0 && rule.scope === 'exact') return 'scope';
  if (ruleExpired(rule.expiresAtSeconds, nowSeconds)) return 'expired';
  return absence;
}

function described(policy: Policy, bytes: Uint8Array, one: MetRule, outcome: RuleOutcome): ExplainedRule {
  const { word0, rule, entryStart, level } = one;
  const { lists, allowSources } = policy.published;
  const list = listOf(rule, lists);
  const name = rule.kind === 'allow' ? (allowSources?.[rule.listIndex] ?? list.name) : list.name;
  return {
    outcome,
    level,
    entry: nameToText(bytes, entryStart).toLowerCase(),
    kind: rule.kind,
    scope: rule.scope,
    mode: rule.mode,
    list: name,
    authority: list.authority,
    order: list.order,
    version: list.version,
    category: CATEGORIES[rule.categoryIndex] ?? 'other',
    action: ACTIONS[rule.actionIndex] ?? 'sinkhole',
    expiresAtSeconds: rule.expiresAtSeconds,
    rolloutPercent: rule.rolloutSlot === 0 ? undefined : policy.audience.rolloutPermyriadOf(word0) / 100,
    incident: rule.kind === 'block' ? incidentId(list.name, list.version, bytes, entryStart) : undefined,
  };
}

function listOf(rule: Rule, lists: readonly PublishedList[]): PublishedList {
  if (rule.kind === 'protect') return PROTECTED_LIST;
  return rule.kind === 'allow' ? ALLOW_LIST : (lists[rule.listIndex] ?? ALLOW_LIST);
}
