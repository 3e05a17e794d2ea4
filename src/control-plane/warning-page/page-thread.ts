/**
 * The page thread: the warning page's server, and where it is configured the end of TLS, with the policy that the
 * resolver threads have. It may throw, run out of heap or block: names are sinkholed all the same, and the supervisor
 * replaces this thread.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config, SocketAddress } from '../../config/config.ts';
import { ClientGroups } from '../../policy/client-groups.ts';
import { Policy } from '../../policy/policy.ts';
import type { PublishedPolicy } from '../../policy/published.ts';
import { ChainTableReader } from '../../telemetry/blocked-chains.ts';
import { Counter } from '../../telemetry/counters.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { createLog } from '../../telemetry/log.ts';
import { listenPersistently } from '../listen-persistently.ts';
import type { FromPage, PageThreadData, ToPage } from '../messages.ts';
import type { AppealDesk } from './appeal-answer.ts';
import { DeskQuestions } from './ask-desk.ts';
import { CertificateStore } from './certificate-store.ts';
import { EntryReferences } from './entry-references.ts';
import { createHostJudge } from './host-judge.ts';
import { readAuthority } from './leaf-certificate.ts';
import { createWarningPage } from './page-server.ts';
import { createTlsListener } from './tls-listener.ts';

const { policy, counters, chains, heartbeat, ...data } = workerData as PageThreadData & {
  readonly heartbeat: SharedArrayBuffer;
};
const port = parentPort!;
const log = createLog({ level: data.config.log.level, name: 'page' });
const say = (message: FromPage): void => port.postMessage(message);
startHeartbeat(heartbeat);

let { config } = data;
let groups = new ClientGroups(config.clients.groups);
const policyOf = (published: PublishedPolicy): Policy => new Policy(published, groups);
let current = policy === undefined ? undefined : policyOf(policy);
const cells = new Float64Array(counters);
const chainTables = new ChainTableReader(chains);
const judge = createHostJudge({
  policy: () => current,
  targetOf: (name, sinceSeconds) => chainTables.find(name, sinceSeconds),
  sinkholeTtlSeconds: () => config.sinkhole.ttlSeconds,
});
const questions = new DeskQuestions((id, question) => say({ kind: 'appealAsked', id, question }));

const references = new EntryReferences({ send: (id, question) => say({ kind: 'referenceAsked', id, question }) });

/** Undefined where nobody answers objections. */
function deskOf({ appeals }: Config): AppealDesk | undefined {
  const { enabled, retentionDays, statusUrl } = appeals;
  return enabled ? { ask: questions.ask, retentionDays, statusUrl } : undefined;
}

const page = createWarningPage({
  config: config.warningPage,
  judge,
  log,
  cells,
  desk: deskOf(config),
  referenceOf: references.of,
  languageFor: (client) => (client === undefined ? undefined : config.clients.groups[groups.find(client)]?.language),
});

/** Undefined without an authority, and where its files have gone since the configuration was checked. */
function certificateStore({ tls }: Config['warningPage']): CertificateStore | undefined {
  if (tls.caCertificate === '') return undefined;
  try {
    const authority = readAuthority(readFileSync(tls.caCertificate, 'utf8'), readFileSync(tls.caKey, 'utf8'));
    return new CertificateStore(authority, tls.certificatesPerSecondMax, {
      onMade: () => cells[Counter.pageCertificatesMade]!++,
      onRefused: () => cells[Counter.pageCertificatesRefused]!++,
    });
  } catch {
    log.error({ file: tls.caCertificate }, 'the authority cannot be read any more; HTTPS is closed without a page');
    return undefined;
  }
}

const tls = createTlsListener({
  judge,
  connections: page.connections,
  cells,
  certificates: certificateStore(config.warningPage),
  onSecure: (socket) => page.server.server.emit('connection', socket),
});

port.on('message', (message: ToPage) => {
  switch (message.kind) {
    case 'policy':
      current = policyOf(message.policy);
      say({ kind: 'inForce', generation: message.policy.generation });
      break;
    case 'configure':
      ({ config } = message);
      log.level = config.log.level;
      groups = new ClientGroups(config.clients.groups);
      if (current !== undefined) current = policyOf(current.published);
      references.clear();
      page.configure(config.warningPage, deskOf(config));
      break;
    case 'appealReplied':
      questions.take(message.id, message.reply);
      break;
    case 'referenceReplied':
      references.take(message.id, message.answer);
      break;
  }
});

/** A server of node:net as listenPersistently wants it. */
function listenable(server: Server) {
  return {
    server,
    listen: (address: SocketAddress) =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(address, () => {
          server.off('error', reject);
          resolve();
        });
      }),
  };
}

async function listen(
  app: Parameters<typeof listenPersistently>[0],
  key: 'warningPageHttp' | 'warningPageHttps',
): Promise<void> {
  const address = config.listen[key];
  if (address === undefined) return;
  await listenPersistently(
    app,
    { ...address, reusePort: true },
    {
      onListening: (bound) => say({ kind: 'pageListening', key, address: bound }),
      onFailure: (code, message) =>
        say({ kind: 'cannotListen', failure: { key: `listen.${key}`, address, code, message } }),
    },
  );
}

await listen(page.server, 'warningPageHttp');
await listen(listenable(tls), 'warningPageHttps');
say({ kind: 'pageReady' });
