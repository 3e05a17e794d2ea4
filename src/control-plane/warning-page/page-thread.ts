/**
 * The page thread: the warning page's server with the policy that the resolver threads have. It may throw, run out of
 * heap or block: names are sinkholed all the same, and the supervisor replaces this thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Policy } from '../../policy/policy.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { createLog } from '../../telemetry/log.ts';
import { listenPersistently } from '../listen-persistently.ts';
import type { FromPage, PageThreadData, ToPage } from '../messages.ts';
import { createHostJudge } from './host-judge.ts';
import { createWarningPage } from './page-server.ts';

const { config, policy, counters, heartbeat } = workerData as PageThreadData & {
  readonly heartbeat: SharedArrayBuffer;
};
const port = parentPort!;
const log = createLog({ level: config.log.level, name: 'page' });
const say = (message: FromPage): void => port.postMessage(message);
startHeartbeat(heartbeat);

let current = policy === undefined ? undefined : new Policy(policy);
const page = createWarningPage({ judge: createHostJudge(() => current), log, cells: new Float64Array(counters) });

port.on('message', (message: ToPage) => {
  switch (message.kind) {
    case 'policy':
      current = new Policy(message.policy);
      say({ kind: 'inForce', generation: message.policy.generation });
      break;
    case 'configure':
      log.level = message.config.log.level;
      break;
  }
});

const address = config.listen.warningPageHttp!;
await listenPersistently(page, address, {
  onListening: (bound) => say({ kind: 'pageListening', address: bound }),
  onFailure: (code, message) =>
    say({ kind: 'cannotListen', failure: { key: 'listen.warningPageHttp', address, code, message } }),
});
