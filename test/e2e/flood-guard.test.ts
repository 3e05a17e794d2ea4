/** A flood that fills the queue of the real process: the kernel holds off who sends it, and lets go when it has ended. */
import { afterAll, expect, test } from 'vitest';
import { batchSupport } from '../../src/data-plane/batch/self-check.ts';
import { closeClients, query, UdpClient } from '../support/dns-client.ts';
import { runFlood } from '../support/udp-flood.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

const FLOODER = '127.66.0.1';
const OTHER = '127.9.0.1';
/** Several times what a queue of 4 MiB has room for. */
const PER_SECOND = 100_000;

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

test.skipIf(batchSupport().kind !== 'ok')(
  'is held off by the kernel, seen in metric and log, and let go (skipped where there are no batches)',
  async () => {
    const weir = await startWeirProcess({
      files: { 'list.txt': 'listed.example\n' },
      config: { lists: [{ name: 'list', source: 'list.txt' }], limits: { exemptLoopback: false } },
    });
    const other = await UdpClient.open(weir.port, '127.0.0.1', OTHER);
    // Why stopped: so the queue is full whatever the machine can do.
    weir.program.signal('SIGSTOP');
    try {
      await runFlood({ port: weir.port, perSecond: PER_SECOND, seconds: 1, addresses: [FLOODER] });
    } finally {
      weir.program.signal('SIGCONT');
    }
    await weir.log(({ msg }) => msg.startsWith('a flood has filled a queue'));
    await weir.untilMetric((held) => held === 0, 'weir_held_sources');
    expect(await weir.metric('weir_kernel_dropped_datagrams_total', 'side="client"')).toBeGreaterThan(0);
    for (const client of [other, await UdpClient.open(weir.port, '127.0.0.1', FLOODER)]) {
      expect((await client.exchange(query('listed.example')))[3]! & 0x0f).toBe(0);
    }
  },
);
