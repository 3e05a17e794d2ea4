/** RFC 9210, DNS Transport over TCP - Operational Requirements, on the listeners for TCP and for TLS. */
import { afterEach, describe, expect, it } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { closeClients, query, TcpClient } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { closeListeners, echo, listenerDependencies, track } from '../support/listener-harness.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';

describe.each([
  ['TCP', LISTENERS.tcp, TcpClient],
  ['TLS', LISTENERS.dot, DotClient],
] as const)('RFC 9210 over %s', (_, bind, client) => {
  async function listening(limits = {}) {
    const { deps, reports } = listenerDependencies(echo, limits);
    return { port: (await track(bind({ host: HOST, port: 0 }, deps))).port, reports };
  }

  it('4.2 "DNS server software SHOULD provide a configurable limit on the total number of established TCP connections"', async () => {
    const { port, reports } = await listening({ connectionsMax: 1 });
    await (await client.open(port)).exchange(query('a.example'));
    await client.open(port).then(
      async (refused) => refused.closed(),
      () => undefined,
    );
    expect(reports.rejected).toBe(1);
  });

  it('4.2 "DNS server software MAY provide a configurable limit on the number of established connections per source IP address or subnet"', async () => {
    const { port, reports } = await listening({ connectionsPerClientMax: 1 });
    const kept = await client.open(port);
    await kept.exchange(query('a.example'));
    await client.open(port).then(
      async (refused) => refused.closed(),
      () => undefined,
    );
    expect(reports.rejected).toBe(1);
    const message = query('b.example');
    expect(await kept.exchange(message)).toEqual(message);
  });

  it('4.2 "DNS server software SHOULD provide a configurable timeout for idle TCP connections"', async () => {
    const { port } = await listening({ idleTimeoutMs: 100 });
    const idle = await client.open(port);
    await idle.closed();
    expect(idle.received).toEqual([]);
  });
});
