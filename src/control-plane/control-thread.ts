/**
 * The control thread: list-sync, the admin listener, the metrics. It may throw, run out of heap or block: the resolver
 * threads go on with the policy they have, and the supervisor replaces this thread. It never sees a query.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import { startHeartbeat } from '../telemetry/heartbeat.ts';
import { isLoopback } from '../config/address.ts';
import type { Config, SocketAddress } from '../config/config.ts';
import type { TlsMaterial } from '../config/tls-material.ts';
import { SLOT_WORDS } from '../policy/name-set.ts';
import { ClientGroups } from '../policy/client-groups.ts';
import { Policy } from '../policy/policy.ts';
import type { PublishedPolicy } from '../policy/published.ts';
import { createLog } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { adminMaterial, replaceAdminCertificate } from './admin/admin-tls.ts';
import { createAdminServer } from './admin/admin-server.ts';
import { stateOf } from './admin/lists.ts';
import { HOLD_CODES } from './list-sync/guard/guard.ts';
import { LedgerService } from './ledger-service.ts';
import { createListSync, type ListSync } from './list-sync/list-sync.ts';
import { SKIP_REASONS } from './list-sync/format/list-format.ts';
import { type ListStatus, SYNC_FAILURE_REASONS } from './list-sync/list-status.ts';
import { listenPersistently } from './listen-persistently.ts';
import { keepQueryCounts } from './query-counts.ts';
import type { ControlThreadData, FromControl, ToControl } from './messages.ts';

const data = workerData as ControlThreadData & { readonly heartbeat: SharedArrayBuffer };
const port = parentPort!;
const log = createLog({ level: data.config.log.level, name: 'control' });
const say = (message: FromControl): void => port.postMessage(message);
startHeartbeat(data.heartbeat);

let { config, listSlots, regionSlots, listening } = data;
let { publications } = data;
const waiting = new Map<number, () => void>();

const metrics = new Metrics({
  version: data.version,
  rejectReasons: SKIP_REASONS,
  syncFailureReasons: SYNC_FAILURE_REASONS,
  guards: HOLD_CODES,
});
metrics.setBatchIo(data.batchIo);
for (const block of data.counters) metrics.attach(block);
for (const [thread, count] of Object.entries(data.restarts)) {
  for (let i = 0; i < count; i++) metrics.countRestart(thread as keyof typeof data.restarts);
}
for (const result of ['ok', 'refused'] as const)
  for (let i = 0; i < data.reloads[result]; i++) metrics.countReload(result);

let tlsReloads = { ok: 0, refused: 0 };

/** Shows the certificate in force, and counts its changes. */
function describeTls(tls: TlsMaterial | undefined, reloads: typeof tlsReloads): void {
  metrics.setCertificateExpiry(tls?.expiresAtSeconds ?? 0);
  for (const result of ['ok', 'refused'] as const) {
    metrics.countCertificateReloads(result, reloads[result] - tlsReloads[result]);
  }
  tlsReloads = reloads;
}
describeTls(data.tls, data.tlsReloads);

function describeConfig(current: Config): void {
  metrics.setLists(current.lists.map(({ name, action }) => ({ name, action, counterSlot: listSlots[name] ?? 0 })));
  metrics.setRegions(regionSlots);
  metrics.setUpstreams(current.upstreams.map(({ url }) => url));
}

/** Hands a policy to the supervisor; resolves when it is in force on every thread. */
function publish(policyNow: PublishedPolicy): Promise<void> {
  const publication = ++publications;
  const { base, overlay } = policyNow;
  metrics.setIndexBytes(bytesOf(base) + (overlay === undefined ? 0 : bytesOf(overlay)));
  const next = new Policy(policyNow, new ClientGroups(config.clients.groups));
  const startedMs = monotonicMs();
  return new Promise((resolve) => {
    waiting.set(publication, () => {
      policy = next;
      log.info({ entries: base.entryCount, ms: Math.round(monotonicMs() - startedMs) }, 'a policy is in force');
      resolve();
    });
    say({ kind: 'publish', publication, policy: policyNow });
  });
}

/** In use; a buffer has room behind that, which takes no memory until a larger list needs it. */
function bytesOf({ slotCount, namesBytes, rulesWords }: PublishedPolicy['base']): number {
  return slotCount * SLOT_WORDS * 4 + namesBytes + rulesWords * 4;
}

const seen = new Map<string, ListStatus>();

/** Turns a list's new status into metrics; log lines are list-sync's own. */
function onStatus(listStatus: ListStatus): void {
  const status = ledgerService.complete(listStatus);
  const before = seen.get(status.name);
  seen.set(status.name, status);
  if (status.failure !== undefined && status.failure !== before?.failure)
    metrics.countSyncFailure(status.name, status.failure.reason);
  metrics.setListStatus({ ...status, lastSuccessMs: status.lastSuccessSeconds * 1000, holds: status.holdsByGuard });
  if (status.version === before?.version) return;
  for (const [reason, lines] of Object.entries(status.rejectedByReason))
    metrics.countRejected(status.name, reason, lines ?? 0);
  if (status.activationSeconds > 0) metrics.observeActivation(status.activationSeconds);
}

/** Of what is published now: for questions of people. */
let policy: Policy | undefined;

const ledgerService = new LedgerService({
  config,
  version: data.version,
  metrics,
  log,
  listSync: () => listSync,
  policy: () => policy,
  queryCounts: data.sketches,
  onStatus: (name) => {
    const status = listSync.readiness().lists.find((list) => list.name === name);
    if (status !== undefined) onStatus(status);
  },
  onDeath: () => metrics.countRestart('ledger'),
});

const listSync: ListSync = createListSync({
  config,
  ledger: ledgerService.ledger,
  onGuardFiles: (files) => ledgerService.configure(config, files),
  version: data.version,
  isPolicyInForce: data.isPolicyInForce,
  publish,
  onStatus,
  counterSlotOf: (name) => listSlots[name] ?? 0,
  sketches: data.sketches,
  approvals: (list) => ledgerService.pulledHolds.approvals(list),
  onHolds: (report) => void ledgerService.pulledHolds.take(report),
  onCompileThreadDeath: () => metrics.countRestart('compile'),
  log,
});

const endQueryCounts = keepQueryCounts(config.stateDirectory, data.sketches, log);

const admin = createAdminServer({
  metrics,
  isAlive: () => true,
  readiness: () => {
    const { ready, lists } = listSync.readiness();
    return {
      // Why also without lists of its own yet: where this thread is a replacement, the data plane has its policy.
      ready: (ready || data.isPolicyInForce) && listening.length > 0,
      lists: lists
        .map((status) => ledgerService.complete(status))
        .map(({ name, version, entries, attempted, failure }) => ({
          name,
          version,
          entries,
          state: stateOf(version, failure !== undefined, attempted),
          ...(failure === undefined ? {} : { detail: failure.message }),
        })),
    };
  },
  log,
  api: ledgerService.api,
  tls: adminMaterial(config.listen.admin, data.tls),
});

async function listenAdmin(address: SocketAddress | undefined): Promise<void> {
  if (address === undefined) return say({ kind: 'adminListening', address });
  // Why refused and not in the clear: tokens pass there.
  if (!isLoopback(address.host) && data.tls === undefined) {
    const message = 'there is no certificate to show there';
    return say({ kind: 'cannotListen', failure: { key: 'listen.admin', address, code: '', message } });
  }
  await listenPersistently(admin, address, {
    onListening: (bound) => say({ kind: 'adminListening', address: bound }),
    onFailure: (code, message) =>
      say({ kind: 'cannotListen', failure: { key: 'listen.admin', address, code, message } }),
  });
}

port.on('message', (message: ToControl) => {
  switch (message.kind) {
    case 'inForce':
      waiting.get(message.publication)?.();
      waiting.delete(message.publication);
      break;
    case 'listening':
      listening = message.addresses;
      break;
    case 'batchIo':
      metrics.setBatchIo(message.mode);
      break;
    case 'restarted':
      metrics.countRestart(message.thread);
      break;
    case 'appealAsked':
      void ledgerService.desk
        .answer(message.question)
        .then((reply) => say({ kind: 'appealReplied', id: message.id, reply }));
      break;
    case 'referenceAsked':
      void ledgerService.references
        .answer(message.question)
        .then((answer) => say({ kind: 'referenceReplied', id: message.id, answer }));
      break;
    case 'reloadRefused':
      metrics.countReload('refused');
      break;
    case 'tls':
      describeTls(message.tls, message.reloads);
      replaceAdminCertificate(admin.server, message.tls);
      break;
    case 'configure':
      ({ config, listSlots, regionSlots } = message);
      log.level = config.log.level;
      describeConfig(config);
      if (policy !== undefined) policy = new Policy(policy.published, new ClientGroups(config.clients.groups));
      metrics.countReload('ok');
      void listSync.reload(config).then(() => ledgerService.start());
      break;
    case 'begin':
      if (!data.mayBegin) void start();
      break;
    case 'stop':
      endQueryCounts();
      void Promise.allSettled([ledgerService.close(), listSync.close(), admin.close()]).then(() => {
        say({ kind: 'stopped' });
        port.close();
      });
      break;
  }
});

async function start(): Promise<void> {
  ledgerService.configure(config, listSync.guardFiles());
  await listenAdmin(config.listen.admin);
  await ledgerService.prepare();
  await ledgerService.tellAudience();
  await listSync.start();
  void ledgerService.start();
  say({
    kind: 'started',
    lists: listSync
      .readiness()
      .lists.map(({ name, entries, failure }) => ({ name, entries, failure: failure?.message })),
  });
}

describeConfig(config);
// Why not awaited at top level: told to stop meanwhile, the thread ends before this does, and Node would warn of it.
if (data.mayBegin) void start();
else say({ kind: 'loaded' });
