/** What the configuration says of lists, as the ledger needs it. Pure. */
import type { Config } from '../config/config.ts';
import type { LedgerListSettings, LedgerSettings } from './ledger/ledger.ts';
import type { GuardFiles } from './list-sync/guard-files.ts';

export function ledgerSettingsOf(
  config: Pick<Config, 'lists' | 'push' | 'blastRadius'>,
  guard: GuardFiles,
  queryCounts: readonly SharedArrayBuffer[],
): LedgerSettings {
  return {
    lists: config.lists.map(listSettingsOf),
    guard,
    entriesMax: config.push.entriesMax,
    queryCounts,
    blastRadius: config.blastRadius,
  };
}

function listSettingsOf(list: Config['lists'][number]): LedgerListSettings {
  const { name, category, twoPersons, approved, shrinkPercentMax, growthPercentMax, rollout, versionsMax } = list;
  const source = list.sourceKind === 'push' || list.sourceKind === 'feed' ? list.sourceKind : 'pulled';
  const measures = { twoPersons, approved, shrinkPercentMax, growthPercentMax };
  return { name, source, category, ...measures, rolloutStages: rollout, versionsMax };
}
