import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import type { FromResolver, ToResolver } from '../../../src/data-plane/messages.ts';
import { createCounters } from '../../../src/telemetry/counters.ts';
import { createHeartbeat } from '../../../src/telemetry/heartbeat.ts';
import { testConfig } from '../../support/resolver-harness.ts';

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(mayListen: boolean) {
  const config = testConfig({ listen: { do53: ['127.0.0.1:0'] }, log: { level: 'silent' } });
  const worker = new Worker(new URL('../../../src/data-plane/resolver-thread.ts', import.meta.url), {
    workerData: {
      config,
      counters: createCounters(),
      heartbeat: createHeartbeat(),
      mayListen,
      threadName: 'subject',
    },
  });
  workers.push(worker);
  const said: string[] = [];
  worker.on('message', ({ kind }: FromResolver) => void said.push(kind));
  const post = (kind: 'configure' | 'listen'): void => {
    const message: ToResolver = { kind, config };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    worker.postMessage(message);
  };
  return { said, post };
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
