import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { createAdminServer } from '../../../../src/control-plane/admin/admin-server.ts';
import type { AdminServerOptions, Readiness } from '../../../../src/control-plane/admin/admin-server.ts';
import { createLog } from '../../../../src/telemetry/log.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function createServer(options: Partial<AdminServerOptions> = {}, logged: string[] = []) {
  const server = createAdminServer({
    metrics: { contentType: 'text/plain; version=0.0.4', render: () => Promise.resolve('weir_build_info 1\n') },
    isAlive: () => true,
    readiness: () => ({ ready: true, lists: [] }),
    log: createLog({ level: 'error', name: 'control' }, { write: (line) => void logged.push(line) }),
    ...options,
  });
  open.push(server);
  return server;
}

/** Sends raw octets to a listening server and returns all that comes back. */
async function exchange(server: ReturnType<typeof createServer>, request: string): Promise<string> {
  const { port, hostname } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), hostname);
  socket.write(request);
  return text(socket);
}

describe('GET /metrics', () => {
  it('answers what the registry renders, with its content type', async () => {
    const response = await createServer().inject('/metrics');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.body).toBe('weir_build_info 1\n');
  });
});

describe('GET /healthz', () => {
  it('says whether the process lives', async () => {
    let alive = true;
    const server = createServer({ isAlive: () => alive });
    expect((await server.inject('/healthz')).statusCode).toBe(200);
    alive = false;
    const response = await server.inject('/healthz');
    expect([response.statusCode, response.json()]).toEqual([503, { status: 'failing' }]);
  });
});

describe('GET /readyz', () => {
  it('shows each list, and is 503 until all of them have been tried', async () => {
    let readiness: Readiness = {
      ready: false,
      lists: [{ name: 'sample', state: 'loading', version: 0, entries: 0 }],
    };
    const server = createServer({ readiness: () => readiness });
    const before = await server.inject('/readyz');
    expect([before.statusCode, before.json()]).toEqual([503, readiness]);
    readiness = {
      ready: true,
      lists: [{ name: 'sample', state: 'failed', version: 0, entries: 0, detail: 'no such file' }],
    };
    const after = await server.inject('/readyz');
    expect([after.statusCode, after.json()]).toEqual([200, readiness]);
  });
});

describe('GET /', () => {
  it('names the endpoints', async () => {
    expect((await createServer().inject('/')).json()).toEqual({
      service: 'weir',
      endpoints: ['/metrics', '/healthz', '/readyz'],
    });
  });
});

describe('an error is a problem document (RFC 9457) with a stable code', () => {
  it.each([
    ['GET', '/nothing', 404, 'notFound'],
    ['POST', '/nothing', 404, 'notFound'],
    ['POST', '/metrics', 405, 'methodNotAllowed'],
    ['DELETE', '/readyz?x=1', 405, 'methodNotAllowed'],
    ['GET', '/%zz', 400, 'badRequest'],
  ] as const)('%s %s is %i %s', async (method, url, status, code) => {
    const response = await createServer().inject({ method, url });
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ type: 'about:blank', status, code, title: expect.any(String) });
  });

  it('405 says which methods the path takes', async () => {
    const response = await createServer().inject({ method: 'PUT', url: '/healthz' });
    expect(response.headers['allow']).toBe('GET, HEAD');
  });

  it('a failure inside is 500, its words in the log and not in the response', async () => {
    const logged: string[] = [];
    const metrics = { contentType: 'text/plain', render: () => Promise.reject(new Error('secret words')) };
    const response = await createServer({ metrics }, logged).inject('/metrics');
    expect([response.statusCode, response.json()]).toMatchObject([500, { code: 'internalError' }]);
    expect(response.body).not.toContain('secret');
    expect(logged.join()).toContain('secret words');
  });

  it('a header beyond the limit is 431', async () => {
    const response = await exchange(createServer(), `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(response).toMatch(/^HTTP\/1\.1 431 /);
    expect(response).toContain('"code":"headerTooLarge"');
  });

  it('octets that are no HTTP are 400', async () => {
    const response = await exchange(createServer(), '\u0016\u0003\u0001 hello\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 400 .*\r\nContent-Type: application\/problem\+json\r\n/s);
    expect(response).toContain('"code":"badRequest"');
  });
});

it('HEAD is answered like GET, without a body', async () => {
  const response = await createServer().inject({ method: 'HEAD', url: '/metrics' });
  expect([response.statusCode, response.body]).toEqual([200, '']);
});
