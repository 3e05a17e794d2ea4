import { createServer, type Server } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createAdminServer } from '../../../src/control-plane/admin/admin-server.ts';
import { listenPersistently } from '../../../src/control-plane/listen-persistently.ts';
import { createLog } from '../../../src/telemetry/log.ts';

const HOST = '127.0.0.1';
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

function newAdmin() {
  const admin = createAdminServer({
    metrics: { contentType: 'text/plain', render: async () => '' },
    isAlive: () => true,
    readiness: () => ({ ready: true, lists: [] }),
    log: createLog({ level: 'silent', name: 'test' }),
  });
  open.push(admin);
  return admin;
}

async function takePort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

it('says the port that it was given', async () => {
  const events = { onListening: vi.fn(), onFailure: vi.fn() };
  await listenPersistently(newAdmin(), { host: HOST, port: 0 }, events);
  expect(events.onListening).toHaveBeenCalledExactlyOnceWith({ host: HOST, port: expect.any(Number) });
  expect(events.onListening.mock.lastCall![0]).not.toMatchObject({ port: 0 });
  expect(events.onFailure).not.toHaveBeenCalled();
});

it('says once that the address is taken, and serves when it is free again', async () => {
  const { server, port } = await takePort();
  const events = { onListening: vi.fn(), onFailure: vi.fn() };
  let tries = 0;
  const admin = newAdmin();
  const counted = {
    server: admin.server,
    listen: (address: { host: string; port: number }) => {
      tries++;
      return admin.listen(address);
    },
  };
  await listenPersistently(counted, { host: HOST, port }, events, 5);
  await expect.poll(() => tries).toBeGreaterThan(2);
  expect(events.onFailure).toHaveBeenCalledExactlyOnceWith('EADDRINUSE', expect.any(String));
  expect(events.onListening).not.toHaveBeenCalled();
  await new Promise((resolve) => server.close(resolve));
  await expect.poll(() => events.onListening.mock.calls).toEqual([[{ host: HOST, port }]]);
  expect((await fetch(`http://${HOST}:${port}/healthz`)).status).toBe(200);
});
