import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { takenAddresses } from '../../../src/supervisor/port-probe.ts';

const HOST = '127.0.0.1';
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** A port that another program listens on, willing to share it as every listener of Weir is. */
async function listening(): Promise<{ host: string; port: number }> {
  const server = createServer();
  servers.push(server);
  server.listen({ host: HOST, port: 0, reusePort: true });
  await once(server, 'listening');
  return { host: HOST, port: (server.address() as AddressInfo).port };
}

describe('takenAddresses', () => {
  it.each(['do53', 'dot', 'doh'] as const)(
    'finds the TCP port of listen.%s that another program has and would share',
    async (key) => {
      const address = await listening();
      const none = { do53: [], dot: [], doh: [] };
      expect(await takenAddresses({ ...none, [key]: [address] })).toMatchObject([
        { key: `listen.${key}`, address, code: 'EADDRINUSE' },
      ]);
    },
  );

  it('finds the UDP port of listen.do53 that another program has and would share', async () => {
    const socket = createSocket({ type: 'udp4', reusePort: true });
    socket.bind({ address: HOST, port: 0 });
    await once(socket, 'listening');
    const address = { host: HOST, port: socket.address().port };
    expect(await takenAddresses({ do53: [address], dot: [], doh: [] })).toMatchObject([
      { key: 'listen.do53', address, code: 'EADDRINUSE' },
    ]);
    socket.close();
  });

  it('leaves ports free that it has looked at, and those that are to be chosen alone', async () => {
    const address = await listening();
    await new Promise((resolve) => servers.pop()!.close(resolve));
    const all = { do53: [address, { host: HOST, port: 0 }], dot: [address], doh: [{ host: HOST, port: 0 }] };
    expect(await takenAddresses(all)).toEqual([]);
    expect(await takenAddresses(all)).toEqual([]);
  });
});
