import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fastify } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { limitBodyTime } from '../../../../src/control-plane/admin/body-timeout.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A server with the limit, and a request to it of which the body is written by the test. */
async function upload(timeoutMs: number) {
  const server = fastify({ forceCloseConnections: true });
  open.push(server);
  server.addHook('onRequest', async (request) => limitBodyTime(request, timeoutMs));
  server.post('/', async ({ body }) => ({ body }));
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1');
  const fields = 'Host: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n';
  socket.write(`POST / HTTP/1.1\r\n${fields}\r\n{"a"`);
  return socket;
}

it('a body that does not arrive in time is 408, and the connection is closed', async () => {
  const answer = await text(await upload(30));
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"code":"requestTimeout"');
});

it('one that does is answered', async () => {
  const socket = await upload(30_000);
  socket.end(':1}');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [^]*\{"body":\{"a":1\}\}/);
});
