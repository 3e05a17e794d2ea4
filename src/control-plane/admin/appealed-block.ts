/** Whether a name that somebody has appealed for is blocked now, and by what: the policy in force says it. */
import { wallClockMs } from '../../clock.ts';
import { nameFromText } from '../../dns/name.ts';
import { explain, type ExplainedRule, type Explanation } from '../../policy/explain.ts';
import type { Policy } from '../../policy/policy.ts';

export interface Block {
  readonly list: string;
  readonly entry: string;
}

/** What blocks the name itself; undefined: nothing, or nothing is published yet. */
export function blockOf(policy: Policy | undefined, name: string): Block | undefined {
  const explanation = explanationOf(policy, name);
  const by = explanation?.verdict === 'blocked' ? explanation.decidedBy : undefined;
  return by === undefined ? undefined : { list: by.list, entry: by.entry };
}

/** The rule that blocks the name, for some of the clients at least; undefined: none. */
export function blockingRule(policy: Policy, name: string): ExplainedRule | undefined {
  const explanation = explanationOf(policy, name);
  if (explanation === undefined || explanation.verdict === 'allowlisted') return undefined;
  if (explanation.verdict === 'blocked') return explanation.decidedBy;
  return explanation.rules.find(({ kind, outcome, rolloutPercent = 0 }) => {
    return kind === 'block' && (outcome === 'group' || (outcome === 'rollout' && rolloutPercent > 0));
  });
}

function explanationOf(policy: Policy | undefined, name: string): Explanation | undefined {
  const wire = nameFromText(name);
  if (policy === undefined || wire === undefined) return undefined;
  return explain(policy, wire, 0, Math.floor(wallClockMs() / 1000));
}
