/**
 * For whom rules hold as the state directory says, whether Weir runs or not: how far rollouts have come and which
 * exceptions are active, from the ledger, and the key by which clients fall into rollouts. For `weir check`; writes
 * nothing, and makes no key where there is none.
 */
import { publishedException } from './exception-watch.ts';
import type { LedgerReader } from './ledger/ledger-reader.ts';
import type { Audience } from './list-sync/published-audience.ts';
import { keptRolloutKey, ROLLOUT_KEY_FILE } from './rollout-key.ts';
import { stageOf } from './rollout-watch.ts';

export interface LedgerAudience {
  readonly audience: Audience;
  /** What cannot be said, and why. */
  readonly warnings: readonly string[];
}

/** Errors: throws what SQLite throws. */
export function ledgerAudience(
  ledger: Pick<LedgerReader, 'rollouts' | 'activeExceptions'>,
  stateDirectory: string,
): LedgerAudience {
  const rollouts = ledger.rollouts();
  const exceptions = ledger.activeExceptions().flatMap(publishedException);
  const key = keptRolloutKey(stateDirectory);
  if (key !== undefined)
    return { audience: { exceptions, rollouts: { key, stages: rollouts.map(stageOf) } }, warnings: [] };
  const isAnyStaged = rollouts.some(({ state }) => state === 'running');
  const warning = `${ROLLOUT_KEY_FILE} of the state directory cannot be read: for whom rollouts hold is not known`;
  return { audience: { exceptions }, warnings: isAnyStaged ? [warning] : [] };
}
