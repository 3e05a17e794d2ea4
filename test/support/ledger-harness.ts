/**
 * A ledger over a temporary folder, a clock that a test moves, and the people who act on it. Each is closed when its test
 * is over.
 */
import { LedgerStore, type LedgerStoreOptions } from '../../src/control-plane/ledger/ledger-store.ts';
import type {
  Actor,
  ChangeDone,
  LedgerListSettings,
  LedgerRefusal,
  LedgerSettings,
  ProposedEntry,
  ProposedRemoval,
} from '../../src/control-plane/ledger/ledger.ts';
import { cleanUpAfterTest } from './cleanup.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const PUSHER: Actor = { id: 'pushpush', name: 'Fraud desk', lists: ['*'], rights: ['push', 'read'] };
export const PROPOSER: Actor = { id: 'propprop', name: 'County police', lists: ['desk'], rights: ['propose', 'read'] };
export const APPROVER: Actor = { id: 'apprappr', name: 'Regulator', lists: ['*'], rights: ['approve', 'read'] };
export const SYSTEM: Actor = { id: 'system', name: 'system', lists: ['*'], rights: [] };

export const GUARD_FILES = { key: 1, protected: [], popular: [], sharedHosts: [], listSourceHosts: ['lists.example'] };

export function listSettings(more: Partial<LedgerListSettings> = {}): LedgerListSettings {
  return {
    name: 'desk',
    source: 'push',
    category: 'fraud',
    twoPersons: false,
    approved: [],
    shrinkPercentMax: 50,
    growthPercentMax: 200,
    rolloutStages: [],
    versionsMax: 10_000,
    ...more,
  };
}

export function ledgerSettings(
  lists: readonly LedgerListSettings[],
  more: Partial<LedgerSettings> = {},
): LedgerSettings {
  return {
    lists,
    guard: GUARD_FILES,
    entriesMax: 2_000_000,
    queryCounts: [],
    blastRadius: { sharePercent: 1, queriesMin: 1000 },
    ...more,
  };
}

export interface TestLedger {
  readonly store: LedgerStore;
  readonly folder: string;
  nowSeconds: number;
  /** Pushes; fails the test where it is refused. */
  push(add: readonly (string | ProposedEntry)[], more?: PushMore): Promise<ChangeDone>;
  tryPush(add: readonly (string | ProposedEntry)[], more?: PushMore): Promise<ChangeDone | LedgerRefusal>;
}

export interface PushMore {
  readonly remove?: readonly (string | ProposedRemoval)[];
  readonly list?: string;
  readonly actor?: Actor;
  readonly key?: string;
  readonly reason?: string;
}

export type LedgerOptions = Partial<LedgerStoreOptions> & {
  readonly lists?: readonly LedgerListSettings[];
  readonly settings?: Partial<LedgerSettings>;
};

const open: LedgerStore[] = [];
cleanUpAfterTest(async () => {
  for (const store of open.splice(0)) await store.close();
});

export async function openTestLedger(options: LedgerOptions = {}): Promise<TestLedger> {
  const { lists = [listSettings()], settings, ...more } = options;
  const folder = options.stateDirectory ?? temporaryFolder('ledger');
  const clock = { seconds: 1_800_000_000 };
  const store = new LedgerStore({ stateDirectory: folder, nowSeconds: () => clock.seconds, ...more });
  open.push(store);
  await store.configure(ledgerSettings(lists, settings));
  const tryPush: TestLedger['tryPush'] = (add, { remove = [], list = 'desk', actor = PUSHER, key, reason } = {}) =>
    store.change({
      list,
      actor,
      reason: reason ?? 'a test',
      idempotencyKey: key,
      add: add.map((entry) => (typeof entry === 'string' ? { name: entry } : entry)),
      remove: remove.map((removal) => (typeof removal === 'string' ? { name: removal } : removal)),
    });
  return {
    store,
    folder,
    get nowSeconds() {
      return clock.seconds;
    },
    set nowSeconds(seconds) {
      clock.seconds = seconds;
    },
    tryPush,
    push: async (add, pushMore) => isDone(await tryPush(add, pushMore)),
  };
}

export function isDone(outcome: ChangeDone | LedgerRefusal): ChangeDone {
  if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.code}: ${outcome.message}`);
  return outcome;
}

/** Every entry of a list as `scope name`. */
export async function namesOf(store: LedgerStore, list = 'desk'): Promise<string[]> {
  const entries = await store.entries(list, '', 1_000_000);
  return entries.map(({ scope, name }) => `${scope} ${name}`);
}
