/**
 * A resolver thread: listeners, query path, cache, upstream sockets, all of its own. Started and replaced by the
 * supervisor (main.ts); takes policies and configurations as messages and answers queries whatever becomes of the
 * control plane. A bug in the query path ends here, as SERVFAIL, a count and a line in the log.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs, wallClockMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { DropRow } from '../telemetry/counter-labels.ts';
import { Counter, dropCounter } from '../telemetry/counters.ts';
import { startHeartbeat } from '../telemetry/heartbeat.ts';
import { createLog, createLogLimiter } from '../telemetry/log.ts';
import { QuerySketchWriter } from '../telemetry/query-sketch.ts';
import { ConnectionSteer } from './batch/connection-steer.ts';
import { batchSupport } from './batch/self-check.ts';
import { SocketWatch } from './batch/socket-watch.ts';
import { BlockRecorder } from './block-recorder.ts';
import { FloodGuard } from './flood-guard.ts';
import { type Arrival } from './listener/arrival.ts';
import { ListenerSet, RESCAN_INTERVAL_MS } from './listener/listeners.ts';
import { tlsDependencies } from './listener/tls-dependencies.ts';
import { TrustedProxies } from './listener/trusted-proxies.ts';
import { TlsContext } from './listener/tls-server.ts';
import type { FromResolver, ResolverThreadData, ToResolver } from './messages.ts';
import { Resolver } from './resolve.ts';
import { Respond } from './respond.ts';
import { openInBatches } from './upstream/batch-datagram-socket.ts';
import { queryEdnsOf } from './upstream/client-subnet.ts';
import { createUpstreamPool } from './upstream/upstream-pool.ts';

const TICK_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 10_000;
const DRAIN_POLL_MS = 20;
/** For connections whose handshake was under way when the process left its ports: a round trip, and one packet lost. */
const LEAVE_MS = 1_500;

const {
  config,
  policy,
  tls,
  cookieSecret,
  regionSlots,
  counters,
  chains,
  sketch,
  events,
  mayListen,
  heartbeat,
  threadName,
} = workerData as ResolverThreadData & {
  readonly heartbeat: SharedArrayBuffer;
  readonly threadName: string;
};
const port = parentPort!;
const log = createLog({ level: config.log.level, name: threadName });
const limited = createLogLimiter(log);
const logBug = limited('bug', LOG_INTERVAL_MS);
const logFlood = limited('flood', LOG_INTERVAL_MS);
const logSocket = limited('socket', LOG_INTERVAL_MS);
const cells = new Float64Array(counters);
startHeartbeat(heartbeat);
const say = (message: FromResolver): void => port.postMessage(message);

const onBug = (error: Error): void =>
  logBug('error', { err: error }, 'a query met a bug and was answered SERVFAIL where that was possible');
/** Why without an address: a log is kept for longer than who asked should be. */
const onFlood = (): void =>
  logFlood('warn', {}, 'a flood has filled a queue: most of what its senders send is now dropped by the kernel');
const recorder = new BlockRecorder(chains, events, config.eventLog.samplePercent, cells);
const respond = new Respond(config, policy, cells, onBug, recorder, cookieSecret, regionSlots);
const support = batchSupport();
const watch = support.kind === 'ok' ? new SocketWatch(support.libc, cells) : undefined;
const upstream = createUpstreamPool({
  upstreams: config.upstreams,
  settings: config.upstreamQueries,
  edns: queryEdnsOf(config.edns),
  cells,
  ...(support.kind === 'ok' ? { openSocket: openInBatches(support.libc, watch) } : {}),
  log,
});
const asked = new QuerySketchWriter(sketch);
const resolver = new Resolver(config, upstream, respond, cells, asked);
const { heavy } = resolver;
const floodGuard =
  watch === undefined || support.kind !== 'ok'
    ? undefined
    : new FloodGuard({ libc: support.libc, watch, heavy, cells, onFlood }, config);

function handle(arrival: Arrival): number {
  try {
    return resolver.resolve(arrival);
  } catch (error) {
    return resolver.recover(arrival, error as Error);
  }
}

/** Follow the configuration; read by connections already open as well. */
const tcpLimits = { ...config.tcp };
const tlsLimits = { ...config.tls, pipelineMax: config.tcp.pipelineMax };
const tlsContext = new TlsContext(tls);
let { shutdownTimeoutMs } = config;
/** Why remembered: a reload while the lists load must not open the door before there is a policy. */
let isListening = mayListen;

const proxies = new TrustedProxies(config.listen.proxyProtocol, () => cells[dropCounter(DropRow.proxyHeader)]!++);
const listeners = new ListenerSet({
  handler: handle,
  proxies,
  limits: tcpLimits,
  onConnections: (change) => {
    cells[Counter.tcpConnectionsOpen]! += change;
    if (change > 0) cells[Counter.tcpConnectionsAccepted]! += change;
  },
  onRejected: () => cells[Counter.tcpConnectionsRejected]!++,
  onSendFailed: () => cells[dropCounter(DropRow.sendFailed)]!++,
  onBatchEnd: (receivedAtMs) => respond.endBatch(receivedAtMs),
  watch,
  steer: support.kind === 'ok' ? new ConnectionSteer(support.libc, config.workers) : undefined,
  tls: tlsDependencies(tlsContext, tlsLimits, cells),
  onError: (error) => logSocket('warn', { err: error }, 'a listening socket reported an error'),
});

async function listen(current: Config): Promise<void> {
  const { do53, dot, doh } = current.listen;
  const hasTls = tlsContext.material !== undefined;
  const failures = await listeners.rebind({ do53, dot: hasTls ? dot : [], doh: hasTls ? doh : [] });
  announce();
  const addresses = {
    do53: listeners.addresses('do53'),
    dot: listeners.addresses('dot'),
    doh: listeners.addresses('doh'),
  };
  say({ kind: 'listening', addresses, failures });
}

/** Tells clients that ask (RFC 9462) which encrypted listeners there are. */
function announce(): void {
  const { material } = tlsContext;
  respond.designate(
    material === undefined
      ? undefined
      : { name: material.name, dot: listeners.addresses('dot'), doh: listeners.addresses('doh') },
  );
}

/** Another process takes what is new: what had come before is taken first, so that it is waited for as well. */
async function leave(limitMs: number): Promise<void> {
  // Why: a socket bound now would take from the other what nobody answers in the end.
  clearInterval(rescans);
  listeners.leave();
  await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
  await drain(limitMs);
}

/** Waits for what is in flight now; what arrives meanwhile is answered too, but not waited for. */
async function drain(limitMs: number): Promise<void> {
  clearInterval(rescans);
  listeners.stop();
  const startedMs = monotonicMs();
  // Why polled: what is in flight may be answered by upstreams, stale answers or the deadline; any of them counts.
  while (resolver.isAwaiting(startedMs) && monotonicMs() < startedMs + limitMs) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
  upstream.close();
  // Why: what the upstream side gave up is answered SERVFAIL before the sockets go.
  await new Promise((resolve) => setImmediate(resolve));
  await listeners.close();
  clearInterval(ticks);
  say({ kind: 'drained' });
  port.close();
}

const ticks = setInterval(() => {
  resolver.tick(respond.tick());
  asked.tick(wallClockMs() / 1000);
  if (watch?.tick() === true) floodGuard?.look();
}, TICK_INTERVAL_MS);
const rescans = setInterval(() => void listeners.rescan(), RESCAN_INTERVAL_MS);

port.on('message', (message: ToResolver) => {
  switch (message.kind) {
    case 'policy':
      respond.setPolicy(message.policy);
      say({ kind: 'inForce', generation: message.policy.generation });
      break;
    case 'configure':
      respond.configure(message.config, message.regionSlots);
      resolver.configure(message.config);
      floodGuard?.configure(message.config);
      proxies.configure(message.config.listen.proxyProtocol);
      Object.assign(tcpLimits, message.config.tcp);
      Object.assign(tlsLimits, message.config.tls, { pipelineMax: message.config.tcp.pipelineMax });
      ({ shutdownTimeoutMs } = message.config);
      upstream.reconfigure(message.config.upstreams, message.config.upstreamQueries, queryEdnsOf(message.config.edns));
      log.level = message.config.log.level;
      if (isListening) void listen(message.config);
      break;
    case 'listen':
      isListening = true;
      void listen(message.config);
      break;
    case 'tls':
      tlsContext.replace(message.tls);
      announce();
      break;
    case 'drain':
      void drain(shutdownTimeoutMs);
      break;
    case 'leave':
      void leave(shutdownTimeoutMs);
      break;
    case 'alone':
      listeners.stay();
      break;
  }
});

respond.tick();
asked.tick(wallClockMs() / 1000);
if (support.kind === 'ok') say({ kind: 'batchIo', mode: 'batch', reason: '' });
else say({ kind: 'batchIo', mode: 'dgram', reason: support.reason });
if (isListening) await listen(config);
