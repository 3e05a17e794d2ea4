/** What the configuration says of lists, as the ledger needs it. Pure. */
import type { Config } from '../config/config.ts';
import type { AppealSettings } from './ledger/appeal.ts';
import type { LedgerListSettings, LedgerSettings } from './ledger/ledger.ts';
import type { GuardFiles } from './list-sync/guard-files.ts';

export function ledgerSettingsOf(
  config: Pick<Config, 'lists' | 'push' | 'blastRadius' | 'appeals'>,
  guard: GuardFiles,
  queryCounts: readonly SharedArrayBuffer[],
): LedgerSettings {
  return {
    lists: config.lists.map(listSettingsOf),
    guard,
    entriesMax: config.push.entriesMax,
    queryCounts,
    blastRadius: config.blastRadius,
    appeals: appealSettingsOf(config),
  };
}

/** Where none are taken, no list has days for them; those that there are go on to be forgotten in time. */
function appealSettingsOf({ lists, appeals }: Pick<Config, 'lists' | 'appeals'>): AppealSettings {
  const { enabled, expireDays, retentionDays, perClientPerDayMax } = appeals;
  const days = enabled ? Object.fromEntries(lists.map(({ name, appealDays }) => [name, appealDays])) : {};
  return { days, expireDays, retentionDays, perClientPerDayMax };
}

function listSettingsOf(list: Config['lists'][number]): LedgerListSettings {
  const { name, category, twoPersons, approved, shrinkPercentMax, growthPercentMax, rollout, versionsMax } = list;
  const source = list.sourceKind === 'push' || list.sourceKind === 'feed' ? list.sourceKind : 'pulled';
  const measures = { twoPersons, approved, shrinkPercentMax, growthPercentMax };
  return { name, source, category, ...measures, rolloutStages: rollout, versionsMax };
}
