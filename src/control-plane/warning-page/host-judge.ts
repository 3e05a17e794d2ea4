/**
 * Asks the same policy that the resolver threads ask whether a host is blocked, and puts the match into words that the
 * warning page can show. A host is only ever what a client wrote: anything that is no name is not blocked.
 */
import { wallClockMs } from '../../clock.ts';
import { LABELS_MAX, labelStartsOf, nameFromText, nameToText } from '../../dns/name.ts';
import { ACTIONS } from '../../policy/actions.ts';
import { CATEGORIES } from '../../policy/category.ts';
import { incidentId } from '../../policy/incident.ts';
import { VerdictKind } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import type { BlockedHost } from './blocked-host.ts';

/** Looks a host up in the policy in force when it is called; undefined where there is none, or the host is not blocked. */
export function createHostJudge(
  policy: () => Policy | undefined,
  nowMs: () => number = wallClockMs,
): (host: string) => BlockedHost | undefined {
  const labelStarts = new Uint8Array(LABELS_MAX);
  return (host) => {
    const inForce = policy();
    const bytes = nameFromText(host.toLowerCase());
    if (inForce === undefined || bytes === undefined) return undefined;
    const labelCount = labelStartsOf(bytes, 0, labelStarts);
    const verdict = inForce.judge(bytes, 0, labelStarts, labelCount, Math.floor(nowMs() / 1000));
    if (verdict !== VerdictKind.blocked) return undefined;
    const { list, categoryIndex, actionIndex, entryStart } = inForce.match;
    // Why: no other action leads anyone here, so there is nothing to tell.
    if (ACTIONS[actionIndex] !== 'sinkhole') return undefined;
    return {
      name: nameToText(bytes, 0),
      entry: nameToText(bytes, entryStart),
      category: CATEGORIES[categoryIndex] ?? 'other',
      list: list.name,
      authority: list.authority,
      order: list.order,
      version: list.version,
      incident: incidentId(list.name, list.version, bytes, entryStart),
    };
  };
}
