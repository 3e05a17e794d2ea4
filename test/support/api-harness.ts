/**
 * The admin server with its routes under /v1 over a ledger that does as it is told, for tests of the interface alone.
 * What the real ledger does is tested where it lives, and both together in test/e2e.
 */
import { createAdminServer } from '../../src/control-plane/admin/admin-server.ts';
import { apiRoutes } from '../../src/control-plane/admin/api-routes.ts';
import type { ApiServices } from '../../src/control-plane/admin/api-services.ts';
import { Authentication } from '../../src/control-plane/admin/authentication.ts';
import type { Actor, ChangeDone, ChangeRequest, Ledger, LedgerDelta } from '../../src/control-plane/ledger/ledger.ts';
import type { ListStatus } from '../../src/control-plane/list-sync/list-status.ts';
import { createLog } from '../../src/telemetry/log.ts';

export const ACTORS: Readonly<Record<string, Actor>> = {
  pusher: { id: 'aaaaaaaa', name: 'Fraud desk', lists: ['desk'], rights: ['push', 'read'] },
  proposer: { id: 'bbbbbbbb', name: 'County', lists: ['desk'], rights: ['propose'] },
  approver: { id: 'cccccccc', name: 'Province', lists: ['*'], rights: ['approve'] },
  reader: { id: 'dddddddd', name: 'Control room', lists: ['*'], rights: ['read'] },
  everything: { id: 'ffffffff', name: 'All', lists: ['*'], rights: ['propose', 'push', 'approve', 'read'] },
  ofTwo: { id: '22222222', name: 'Two lists', lists: ['desk', 'pulled'], rights: ['read'] },
  elsewhere: { id: 'eeeeeeee', name: 'Other', lists: ['other'], rights: ['propose', 'push', 'approve', 'read'] },
};

export function delta(fields: Partial<LedgerDelta> = {}): LedgerDelta {
  return { list: 'desk', fromVersion: 1, toVersion: 2, digest: 'd2', names: [], entryCount: 1, ...fields };
}

export function done(fields: Partial<ChangeDone> = {}): ChangeDone {
  return {
    kind: 'done',
    version: 2,
    accepted: 1,
    removed: 0,
    unchanged: 0,
    rejected: [],
    rejectedTotal: 0,
    held: [],
    heldTotal: 0,
    isReplay: false,
    delta: delta(),
    ...fields,
  };
}

/** Every call but those a test gives its own is a failure of the test. */
function fakeLedger(own: Partial<Ledger>): Ledger {
  const nothing = {
    authenticate: (token: string) => Promise.resolve(ACTORS[token]),
    lookUp: () => Promise.resolve([]),
    history: () => Promise.resolve([]),
    findIncident: () => Promise.resolve(undefined),
  } satisfies Partial<Ledger>;
  return new Proxy({ ...nothing, ...own } as Ledger, {
    get: (target, key) => {
      const found: unknown = Reflect.get(target, key);
      if (found === undefined) throw new Error(`the test did not expect ledger.${String(key)}`);
      return found;
    },
  });
}

export interface Staged {
  readonly head: Omit<ChangeRequest, 'add' | 'remove'>;
  readonly add: string[];
  readonly remove: string[];
  readonly chunks: number[];
  end: 'open' | 'committed' | 'abandoned';
}

/** The four calls of a bulk change, recorded. */
export function stagingLedger(answer: Partial<ChangeDone> = {}): Partial<Ledger> & { readonly staged: Staged[] } {
  const staged: Staged[] = [];
  return {
    staged,
    begin: (head) => {
      staged.push({ head, add: [], remove: [], chunks: [], end: 'open' });
      return Promise.resolve({ kind: 'begun', id: staged.length - 1 });
    },
    stage: (id, add, remove) => {
      staged[id]!.add.push(...add.map(({ name }) => name));
      staged[id]!.remove.push(...remove.map(({ name }) => name));
      staged[id]!.chunks.push(add.length + remove.length);
      return Promise.resolve();
    },
    commit: (id) => {
      staged[id]!.end = 'committed';
      return Promise.resolve(done({ accepted: staged[id]!.add.length, ...answer }));
    },
    abandon: (id) => {
      staged[id]!.end = 'abandoned';
      return Promise.resolve();
    },
  };
}

export const DESK = {
  name: 'desk',
  sourceKind: 'push',
  mode: 'enforce',
  action: 'sinkhole',
  order: 'authority',
  authority: 'Fraud desk',
  category: 'fraud',
} as const;

type ServedConfig = ReturnType<ApiServices['config']>;

export function config(push: ServedConfig['push']): ServedConfig {
  const lists = [DESK, { ...DESK, name: 'other' }, { ...DESK, name: 'pulled', sourceKind: 'https' }];
  return { lists: lists as unknown as ServedConfig['lists'], push };
}

export interface ApiHarness {
  readonly server: ReturnType<typeof createAdminServer>;
  readonly services: ApiServices;
  readonly applied: LedgerDelta[];
  readonly counted: string[];
  readonly requests: string[];
  readonly logged: string[];
  readonly failures: string[];
}

const open: { close(): Promise<unknown> }[] = [];

/** For afterEach. */
export async function closeApis(): Promise<void> {
  await Promise.all(open.splice(0).map((server) => server.close()));
}

export function createApi(ledger: Partial<Ledger> = {}, own: Partial<ApiServices> = {}): ApiHarness {
  const applied: LedgerDelta[] = [];
  const counted: string[] = [];
  const requests: string[] = [];
  const logged: string[] = [];
  const failures: string[] = [];
  const log = createLog({ level: 'trace', name: 'control' }, { write: (line) => void logged.push(line) });
  const services: ApiServices = {
    ledger: fakeLedger(ledger),
    config: () => config({ entriesMax: 10_000, bodyBytesMax: 1024 * 1024 }),
    listStatus: () => [],
    apply: (one) => {
      applied.push(one);
      return Promise.resolve();
    },
    approvalsChanged: () => Promise.resolve(),
    exceptionsChanged: () => Promise.resolve(),
    policy: () => undefined,
    feeds: () => undefined,
    finder: { findEntries: () => Promise.resolve([]) },
    metrics: {
      countPush: (list, outcome) => counted.push(`${list} ${outcome}`),
      countPushedEntries: (list, entries) => counted.push(`${list} ${JSON.stringify(entries)}`),
      observePush: () => undefined,
    },
    fileAppeal: () => Promise.resolve({ kind: 'unavailable' }),
    appealDecided: ({ appeal, alsoDecided }) => counted.push([appeal.state, appeal.id, ...alsoDecided].join(' ')),
    onLedgerChanged: () => void counted.push('ledger changed'),
    log,
    ...own,
  };
  const server = createAdminServer({
    metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
    isAlive: () => true,
    readiness: () => ({ ready: true, lists: [] }),
    log,
    api: {
      routes: apiRoutes(services, '1.2.3'),
      authentication: new Authentication(services.ledger, (failure) => failures.push(failure)),
      onAnswer: (url, status) => requests.push(`${url} ${status}`),
    },
  });
  open.push(server);
  return { server, services, applied, counted, requests, logged, failures };
}

export function bearer(who: keyof typeof ACTORS): Record<string, string> {
  return { authorization: `Bearer ${who}` };
}

export function listStatus(fields: Partial<ListStatus>): ListStatus {
  return {
    name: 'desk',
    entries: 0,
    version: 0,
    sha256: '',
    format: '',
    lastSuccessSeconds: 0,
    activationSeconds: 0,
    rejectedByReason: {},
    holdsByGuard: {},
    skippedSamples: [],
    heldSamples: [],
    attempted: true,
    fromLastGoodCopy: false,
    ...fields,
  };
}
