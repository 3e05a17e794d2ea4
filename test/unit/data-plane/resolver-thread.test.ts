import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import type { FromResolver, ToResolver } from '../../../src/data-plane/messages.ts';
import { createCounters } from '../../../src/telemetry/counters.ts';
import { createQuerySketch } from '../../../src/telemetry/query-sketch.ts';
import { createHeartbeat } from '../../../src/telemetry/heartbeat.ts';
import { Rcode } from '../../../src/dns/iana.ts';
import { closeClients, decoded, query, TcpClient, UdpClient } from '../../support/dns-client.ts';
import { startFakeUpstream } from '../../support/fake-upstream.ts';
import { closeAll, track } from '../../support/upstream-harness.ts';
import { testConfig } from '../../support/resolver-harness.ts';

const workers: Worker[] = [];
afterEach(async () => {
  closeClients();
  await closeAll();
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

const WITHOUT_KOFFI = ['--import', new URL('../../support/no-koffi.ts', import.meta.url).href];

function start(mayListen: boolean, overrides = {}, execArgv: string[] = []) {
  const config = testConfig({ listen: { do53: ['127.0.0.1:0'] }, log: { level: 'silent' }, ...overrides });
  const worker = new Worker(new URL('../../../src/data-plane/resolver-thread.ts', import.meta.url), {
    execArgv,
    workerData: {
      config,
      counters: createCounters(),
      sketch: createQuerySketch(),
      heartbeat: createHeartbeat(),
      mayListen,
      threadName: 'subject',
    },
  });
  workers.push(worker);
  const said: string[] = [];
  let port = 0;
  worker.on('message', (message: FromResolver) => {
    said.push(message.kind);
    if (message.kind === 'listening') port = message.addresses.do53[0]?.port ?? 0;
  });
  const post = (kind: 'configure' | 'listen' | 'drain'): void => {
    const message: ToResolver = kind === 'configure' ? { kind, config, regionSlots: {} } : { kind, config };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    worker.postMessage(message);
  };
  return { said, post, port: () => port };
}

it('does not listen before it may, though it is given another configuration: without lists nothing is blocked', async () => {
  const { said, post } = start(false);
  await expect.poll(() => said).toEqual(['batchIo']);
  post('configure');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(said).toEqual(['batchIo']);
  post('listen');
  await expect.poll(() => said).toEqual(['batchIo', 'listening']);
  post('configure');
  await expect.poll(() => said).toEqual(['batchIo', 'listening', 'listening']);
});

it('listens at once where it replaces one that did, and follows another configuration', async () => {
  const { said, post } = start(true);
  await expect.poll(() => said).toEqual(['batchIo', 'listening']);
  post('configure');
  await expect.poll(() => said).toEqual(['batchIo', 'listening', 'listening']);
});

it.each([
  ['udp, in batches', UdpClient, []],
  // Why: node:dgram sends what it is given a moment later, and not at all once it is closed.
  ['udp, one at a time', UdpClient, WITHOUT_KOFFI],
  ['tcp', TcpClient, []],
] as const)(
  'when it is drained, what upstreams left open is SERVFAIL before the door shuts (%s)',
  async (_, Client, execArgv) => {
    const upstream = track(await startFakeUpstream(() => undefined));
    const config = { upstreams: [upstream.url], shutdownTimeoutMs: 100 };
    const { said, post, port } = start(true, config, [...execArgv]);
    await expect.poll(() => said).toContain('listening');
    const client = await Client.open(port());
    const message = query('www.example');
    client.send(message);
    await upstream.received(1);
    post('drain');
    expect(decoded(await client.responseTo(message)).rcode).toBe(Rcode.SERVFAIL);
    await expect.poll(() => said).toContain('drained');
  },
);
