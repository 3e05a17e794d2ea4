/** What `weir check` says of a name to a person: one block of aligned lines. */
import { domainToUnicode } from 'node:url';
import type { ExplainedRule, RuleOutcome } from '../policy/explain.ts';
import type { NameEvent } from '../control-plane/ledger/ledger.ts';
import type { CheckAnswer, CheckResult } from './check-name.ts';

const LABEL_WIDTH = 12;

const VERDICTS: Readonly<Record<CheckResult['verdict'], string>> = {
  allowed: 'allowed: no rule in force covers it',
  allowlisted: 'allowed by an allow list',
  blocked: 'blocked',
  shadow: 'allowed; the list is in shadow mode and would have blocked it',
};

const OUTCOMES: Readonly<Record<RuleOutcome, string>> = {
  decides: 'decides',
  outranked: 'another rule comes first',
  exception: "an exception: lifts this list's own rules here",
  lifted: 'lifted by an exception of its list',
  scope: 'exact: covers its own name only',
  expired: 'expired',
  off: 'its list is off',
  replaced: 'replaced by a newer entry',
  unknownList: 'its list is not configured',
  protects: 'protects it from what its answers lead to',
  group: "the client's group does without it",
  rollout: 'is being rolled out',
};

function verdictText({ verdict, exception }: CheckResult): string {
  if (exception === null) return VERDICTS[verdict];
  const { id, clients, entry, scope, expiresAt } = exception;
  return `allowed for clients in ${clients} until ${expiresAt}, by the exception ${id} for ${entryText(entry, scope)}`;
}

export function describeCheck(result: CheckResult): string {
  const lines: (readonly [string, string | null])[] = [
    ['verdict', verdictText(result)],
    ['list', result.version === null ? result.list : `${result.list} (version ${result.version})`],
    ['entry', entryText(result.entry, result.scope)],
    ['category', result.category],
    ['authority', result.authority],
    ['reference', result.reference],
    ['added', result.addedAt],
    ['expires', result.expiresAt],
    ['note', result.note],
    ['incident', result.incident],
    ['rollout', deciderRolloutText(result)],
    ['protected', protectedText(result.protectedBy)],
    ['special', result.specialUse === null ? null : specialText(result)],
    ...result.answers.map((answer) => [`${answer.type} query`, answerText(answer, result.action)] as const),
    ['client', clientText(result)],
    ...result.rules
      .filter(({ outcome }) => outcome !== 'decides' && outcome !== 'protects')
      .map((rule) => ['also met', ruleText(rule, result.client !== null)] as const),
    ...result.exceptions
      .filter(({ outcome }) => outcome === 'otherClient')
      .map(({ id, clients }) => ['also met', `exception ${id}: lets clients in ${clients} through`] as const),
    ...result.history.map((event) => ['history', historyText(event)] as const),
    ...result.held.map(
      ({ list, entry, scope, detail }) =>
        ['held', `${list} lists ${entryText(entry, scope)}; not in force: ${detail}`] as const,
    ),
  ];
  const unicode = domainToUnicode(result.name);
  const title = unicode === '' || unicode === result.name ? result.name : `${result.name} (${unicode})`;
  const shown = lines.flatMap(([label, text]) => (text === null ? [] : [[label, oneLine(text)] as const]));
  return [title, ...shown.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`)].join('\n');
}

/** Authority, reference and note are a list's own words: they make no lines here, and no terminal obeys them. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`);
}

function entryText(entry: string | null, scope: string | null): string | null {
  if (entry === null) return null;
  return scope === 'exact' ? `${entry} (exactly this name)` : `${entry} (and every name below it)`;
}

function protectedText(entry: string | null): string | null {
  return entry === null
    ? null
    : `by ${entryText(entry, 'subtree')}: a listed name that its answers lead to does not block it`;
}

function deciderRolloutText({ rules }: CheckResult): string | null {
  const rule = rules.find(({ outcome }) => outcome === 'decides');
  return rule?.rolloutPercent === undefined ? null : `${rule.list} ${rolloutText(rule, true)}`;
}

function specialText({ verdict, specialUse }: CheckResult): string {
  return verdict === 'blocked'
    ? `${specialUse} is answered locally, but a list comes first`
    : `${specialUse} is answered locally; no upstream is asked`;
}

function answerText({ outcome, rcode, records }: CheckAnswer, action: string | null): string {
  if (outcome === 'forwarded') return 'goes to cache and upstreams';
  if (outcome === 'dropped') return 'no answer at all (action drop)';
  const data = records.length > 0 ? records.join(', ') : rcode === 'NOERROR' ? 'NODATA (no such record)' : `${rcode}`;
  return outcome === 'blocked' ? `${data} (action ${action})` : data;
}

function historyText({ atSeconds, list, version, what, scope, maintainer, reason }: NameEvent): string {
  const at = new Date(atSeconds * 1000).toISOString();
  const exactly = scope === 'exact' ? ' (exactly this name)' : '';
  return `${at} ${what}${exactly} on ${list} (version ${version}) by ${maintainer}${reason === '' ? '' : `: ${reason}`}`;
}

function clientText({ client }: CheckResult): string | null {
  if (client === null) return null;
  const group = client.group === null ? '' : `, in the group ${client.group}`;
  return client.served
    ? `${client.address} is served${group}`
    : `${client.address} is refused (clients.allow), whatever it asks`;
}

function ruleText(rule: ExplainedRule, hasClient: boolean): string {
  const mode = rule.mode === 'enforce' ? '' : `, ${rule.mode}`;
  const why = rule.outcome === 'rollout' ? rolloutText(rule, hasClient) : OUTCOMES[rule.outcome];
  return `${rule.kind} ${entryText(rule.entry, rule.scope)} of ${rule.list}${mode}: ${why}`;
}

function rolloutText({ outcome, rolloutPercent }: ExplainedRule, hasClient: boolean): string {
  if (rolloutPercent === 0) return 'is held back for a rollout, which holds for nobody as far as the ledger says';
  const share = `is being rolled out, and holds for ${rolloutPercent} % of the clients`;
  if (outcome !== 'rollout') return `${share}, this one among them`;
  return hasClient ? `${share}, this one not among them` : `${share} (--client says whether for one)`;
}
