/** The webhook as it really sends: one POST over HTTPS to a server that proves its name, and nowhere else. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { postJson, WEBHOOK_TIMEOUT_MS } from '../../../../src/control-plane/appeals/appeal-webhook.ts';
import { CA } from '../../../support/tls-fixture.ts';
import { TestServers } from '../../../support/tls-servers.ts';

const BODY = JSON.stringify({ event: 'appeal.received', name: '茶.example' });

const servers = new TestServers();
const trusted = getCACertificates('default');
beforeEach(() => setDefaultCACertificates([...trusted, CA]));
afterAll(() => setDefaultCACertificates(trusted));
afterEach(async () => {
  vi.useRealTimers();
  await servers.close();
});

describe('the webhook', () => {
  it('is sent the event as JSON by one POST, and its status is the answer', async () => {
    const arrived: unknown[] = [];
    const { port } = await servers.tls((request, response) => {
      const { method, url, headers } = request;
      void text(request).then((body) => {
        arrived.push(method, url, headers['content-type'], body);
        response.writeHead(204).end();
      });
    });
    expect(await postJson(`https://localhost:${port}/hook?of=desk`, BODY)).toBe(204);
    expect(arrived).toEqual(['POST', '/hook?of=desk', 'application/json', BODY]);
  });

  it('is not followed where it sends us elsewhere', async () => {
    const elsewhere: (string | undefined)[] = [];
    const other = await servers.listen(
      createServer((request, response) => {
        elsewhere.push(request.url);
        response.end();
      }),
    );
    const { port, seen } = await servers.tls((_request, response) => {
      response.writeHead(307, { location: `http://localhost:${other}/inside` }).end();
    });
    expect(await postJson(`https://localhost:${port}/`, BODY)).toBe(307);
    expect([seen.length, elsewhere]).toEqual([1, []]);
  });

  it('is told nothing where its certificate is for another name, or of an authority that is not trusted', async () => {
    const { port, seen } = await servers.tls((_request, response) => void response.end());
    const otherName = `https://[::ffff:127.0.0.1]:${port}/`;
    await expect(postJson(otherName, BODY)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    setDefaultCACertificates(trusted);
    const told = postJson(`https://localhost:${port}/`, BODY);
    await expect(told).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(seen).toEqual([]);
  });

  it('is given up where it does not answer in time', async () => {
    const arrived = Promise.withResolvers<void>();
    const { port } = await servers.tls(() => arrived.resolve());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const told = postJson(`https://localhost:${port}/`, BODY);
    const outcome = vi.fn();
    told.catch(outcome);
    await arrived.promise;
    await vi.advanceTimersByTimeAsync(WEBHOOK_TIMEOUT_MS - 1);
    expect(outcome).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await expect(told).rejects.toThrow('late');
  });
});
