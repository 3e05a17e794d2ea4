/**
 * For whom rules hold, as it goes with a policy: the ledger's rollouts and exceptions know lists by their names, a policy
 * by their places. Pure.
 */
import type { PublishedException, PublishedPolicy } from '../../policy/published.ts';

/** For whom rules hold; changes by itself. Lists by their names, for their places may change. */
export interface Audience {
  readonly rollouts?: { readonly key: Uint8Array; readonly stages: readonly ListStage[] };
  readonly exceptions?: readonly PublishedException[];
}

export interface ListStage {
  readonly list: string;
  readonly slot: number;
  readonly permyriad: number;
}

export function publishedAudience(
  { rollouts, exceptions = [] }: Audience,
  lists: readonly { readonly name: string }[],
): Pick<PublishedPolicy, 'rollouts' | 'exceptions'> {
  // Why also none: they replace those of the policy in force.
  if (rollouts === undefined) return { exceptions };
  const stages = rollouts.stages.map(({ list, slot, permyriad }) => {
    return { listIndex: lists.findIndex(({ name }) => name === list), slot, permyriad };
  });
  return {
    exceptions,
    rollouts: { key: rollouts.key, stages: stages.filter(({ listIndex }) => listIndex >= 0) },
  };
}
