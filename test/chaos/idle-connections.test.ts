/** Thousands of idle connections over TCP and TLS: they cost memory that is stated, and nobody else his answer. */
import { afterAll, expect, test } from 'vitest';
import { scaled } from '../support/chaos-scale.ts';
import { ask, closeClients, QueryLoad, TcpClient } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { residentBytes } from '../support/process-memory.ts';
import { fixture } from '../support/tls-fixture.ts';
import { startWeirProcess, stopAllWeirs } from '../support/weir-process.ts';

const EACH = scaled({ short: 1_000, long: 5_000 });
/** Connections that are opened at a time. */
const BURST = 25;
const HOST = '127.0.0.1';
/** Above what was measured (docs/reliability.md) by half. */
const BYTES_A_CONNECTION_MAX = 120_000;
const SINKHOLE = '192.0.2.53';

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
});

async function openMany<T>(open: () => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  while (opened.length < EACH) opened.push(...(await Promise.all(Array.from({ length: BURST }, open))));
  return opened;
}

test(`${EACH} idle TCP and ${EACH} idle TLS connections: queries are answered, memory is as stated`, async () => {
  const upstream = await startFakeUpstream();
  const limits = { connectionsMax: 20_000, connectionsPerClientMax: 20_000, idleTimeoutMs: 600_000 };
  const weir = await startWeirProcess({
    files: {
      'list.txt': 'listed.example\n',
      'certificate.pem': fixture('server.pem'),
      'key.pem': fixture('server-key.pem'),
    },
    config: {
      listen: { do53: [`${HOST}:0`], dot: [`${HOST}:0`], admin: `${HOST}:0`, warningPageHttp: '' },
      workers: 2,
      upstreams: [upstream.url],
      lists: [{ name: 'list', source: 'list.txt' }],
      tcp: limits,
      tls: { certificate: 'certificate.pem', key: 'key.pem', ...limits },
    },
  });
  const before = residentBytes(weir.program.pid);
  const load = await QueryLoad.start(weir.port, 2, (index) => (index % 2 ? 'listed.example' : `fresh${index}.example`));
  const plain = await openMany(() => TcpClient.open(weir.port, HOST));
  await weir.untilMetric((count) => count === EACH, 'weir_tcp_connections');
  const withPlain = residentBytes(weir.program.pid);
  const secure = await openMany(() => DotClient.open(weir.dotPort, HOST));
  await weir.untilMetric((count) => count === EACH, 'weir_tls_connections');
  const withBoth = residentBytes(weir.program.pid);
  const started = performance.now();
  for (let i = 0; i < 50; i++)
    expect((await ask({ port: weir.port }, 'listed.example')).answers[0]?.data).toBe(SINKHOLE);
  process.stdout.write(
    `${EACH} idle connections: ${Math.round((withPlain - before) / EACH)} octets each over TCP, ` +
      `${Math.round((withBoth - withPlain) / EACH)} over TLS; a query then takes ${((performance.now() - started) / 50).toFixed(1)} ms\n`,
  );
  expect((withBoth - before) / (2 * EACH)).toBeLessThan(BYTES_A_CONNECTION_MAX);
  for (const client of [...plain, ...secure]) client.close();
  await weir.untilMetric((count) => count === 0, 'weir_tcp_connections');
  await weir.untilMetric((count) => count === 0, 'weir_tls_connections');
  expect(await load.stop()).toEqual([]);
  expect([...load.rcodes.keys()]).toEqual([0]);
  expect((await weir.stop()).code).toBe(0);
  await upstream.stop();
});
