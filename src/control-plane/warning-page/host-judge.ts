/**
 * Asks the same policy that the resolver threads ask whether a host is blocked, and puts the match into words that the
 * warning page can show. A name that is not listed may have been blocked by what it leads to: the resolver threads
 * remember such names (telemetry/blocked-chains.ts), and what they lead to is judged again, now. A host is only ever
 * what a client wrote: anything that is no name is not blocked.
 */
import { wallClockMs } from '../../clock.ts';
import { LABELS_MAX, labelStartsOf, nameFromText, nameToText } from '../../dns/name.ts';
import { ACTIONS } from '../../policy/actions.ts';
import { ANYONE } from '../../policy/audience.ts';
import { CATEGORIES } from '../../policy/category.ts';
import { incidentId } from '../../policy/incident.ts';
import { VerdictKind } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import type { BlockedHost } from './blocked-host.ts';

/** Beyond the TTL of the sinkhole's answer: browsers keep addresses a minute longer, and people read slowly. */
const CHAIN_REMEMBERED_SECONDS = 600;

export interface HostJudgeOptions {
  readonly policy: () => Policy | undefined;
  /** The listed name behind one that was blocked by its chain since then; both in wire format, lower case. */
  readonly targetOf?: (name: Uint8Array, sinceSeconds: number) => Uint8Array | undefined;
  readonly sinkholeTtlSeconds?: () => number;
  readonly nowMs?: () => number;
}

/** @param client the visitor's address, ADDRESS_BYTES octets, where it can be read */
export type HostJudge = (host: string, client?: Uint8Array) => BlockedHost | undefined;

/** Looks a host up in the policy in force when it is called; undefined where there is none, or the host is not blocked. */
export function createHostJudge(options: HostJudgeOptions): HostJudge {
  const { policy, targetOf, sinkholeTtlSeconds = () => 0, nowMs = wallClockMs } = options;
  const labelStarts = new Uint8Array(LABELS_MAX);

  return (host, client) => {
    const inForce = policy();
    const name = nameFromText(host.toLowerCase());
    if (inForce === undefined || name === undefined) return undefined;
    const nowSeconds = Math.floor(nowMs() / 1000);
    const judgeFor = (bytes: Uint8Array, whom: Uint8Array | undefined): number =>
      inForce.judge(bytes, 0, labelStarts, labelStartsOf(bytes, 0, labelStarts), nowSeconds, whom);
    // Why also for anyone: who came here was sent by an answer, perhaps to an address of the other family.
    const judge = (bytes: Uint8Array): number => {
      const verdict = judgeFor(bytes, client);
      const isSettled = verdict === VerdictKind.blocked || verdict === VerdictKind.allowlisted;
      return isSettled || inForce.isForEveryone ? verdict : judgeFor(bytes, ANYONE);
    };

    const verdict = judge(name);
    if (verdict === VerdictKind.blocked) return described(inForce, name, undefined);
    if (verdict === VerdictKind.allowlisted || targetOf === undefined) return undefined;
    const sinceSeconds = nowSeconds - sinkholeTtlSeconds() - CHAIN_REMEMBERED_SECONDS;
    const target = targetOf(name, sinceSeconds);
    if (target === undefined) return undefined;
    if (inForce.isProtected(name, 0, labelStarts, labelStartsOf(name, 0, labelStarts), nowSeconds)) return undefined;
    return judge(target) === VerdictKind.blocked ? described(inForce, name, target) : undefined;
  };
}

/** The match of the judgement just made, of `target` where there is one. */
function described(policy: Policy, name: Uint8Array, target: Uint8Array | undefined): BlockedHost | undefined {
  const { list, categoryIndex, actionIndex, entryStart } = policy.match;
  // Why: no other action leads anyone here, so there is nothing to tell.
  if (ACTIONS[actionIndex] !== 'sinkhole') return undefined;
  const judged = target ?? name;
  return {
    name: nameToText(name, 0),
    target: target === undefined ? undefined : nameToText(target, 0),
    entry: nameToText(judged, entryStart),
    category: CATEGORIES[categoryIndex] ?? 'other',
    list: list.name,
    authority: list.authority,
    order: list.order,
    reference: undefined,
    version: list.version,
    incident: incidentId(list.name, list.version, judged, entryStart),
  };
}
