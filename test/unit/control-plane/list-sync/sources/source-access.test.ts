/** What a list behind https:// is fetched with: token, authorities, client certificate, proxy; and where none of it goes. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { NO_ACCESS, type AccessSettings } from '../../../../../src/config/source-access.ts';
import { createHttpsSource } from '../../../../../src/control-plane/list-sync/sources/https-source.ts';
import type { NetworkView } from '../../../../../src/control-plane/list-sync/sources/redirect-guard.ts';
import { temporaryFolder } from '../../../../support/temporary-folder.ts';
import { fixture, fixturePath, SERVER_NAME } from '../../../../support/tls-fixture.ts';
import { HERE, TestServers } from '../../../../support/tls-servers.ts';

const folder = temporaryFolder('source-access');
const tokenFile = join(folder, 'token');
const ca = fixturePath('ca.pem');
const client = { clientCertificate: fixturePath('client.pem'), clientKey: fixturePath('client-key.pem') };
const ASKS_FOR_CLIENT = { requestCert: true, ca: fixture('ca.pem') };
const servers = new TestServers();
const closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await servers.close();
});

const list: RequestListener = (_request, response) => void response.end('bad.example\n');
const locationOf = (port: number, host = SERVER_NAME): string => `https://${host}:${port}/list.txt`;

/** 'content', or the reason and the message of the failure. */
function open(location: string, access: Partial<AccessSettings>, network = HERE): () => Promise<string> {
  const settings = { location, refreshSeconds: 3600, bytesMax: 1000, fetchTimeoutMs: 10_000 };
  const source = createHttpsSource({ ...settings, access: { ...NO_ACCESS, ...access } }, network);
  closers.push(() => source.close());
  return async () => {
    const outcome = await source.read({ validators: undefined, force: true });
    return outcome.kind === 'failed' ? `${outcome.failure.reason}: ${outcome.failure.message}` : outcome.kind;
  };
}

/** A server that redirects to `host` of another server. */
async function redirecting(host = SERVER_NAME) {
  const other = await servers.tls(list, { ...ASKS_FOR_CLIENT, rejectUnauthorized: false });
  const first = await servers.tls(
    (_request, response) => void response.writeHead(302, { location: locationOf(other.port, host) }).end(),
    ASKS_FOR_CLIENT,
  );
  return { first, other };
}

describe('authorities', () => {
  test('a server of one that is trusted is believed, another gets no request', async () => {
    const { port, seen } = await servers.tls(list);
    expect(await open(locationOf(port), { ca })()).toBe('content');
    expect(await open(locationOf(port), {})()).toMatch(/^network: .*certificate/);
    expect(seen).toHaveLength(1);
  });

  test('are read again when the file changes', async () => {
    const { port } = await servers.tls(list);
    const changing = join(folder, 'ca.pem');
    copyFileSync(fixturePath('ca.pem'), changing);
    const read = open(locationOf(port), { ca: changing });
    expect(await read()).toBe('content');
    // An authority that has signed nothing here.
    copyFileSync(fixturePath('client.pem'), changing);
    expect(await read()).toMatch(/^network: /);
    writeFileSync(changing, 'in the middle of a write');
    expect(await read()).toMatch(/^credentials: .*ca: .*ca\.pem holds no certificates/);
    rmSync(changing);
    expect(await read()).toMatch(/^credentials: .*no such file/);
    copyFileSync(fixturePath('ca.pem'), changing);
    expect(await read()).toBe('content');
  });
});

describe('the client certificate', () => {
  test('is shown to a server that asks, which refuses who has none', async () => {
    const { port, seen } = await servers.tls(list, ASKS_FOR_CLIENT);
    expect(await open(locationOf(port), { ca })()).toMatch(/^network: .*wants a client certificate$/);
    expect(await open(locationOf(port), { ca, ...client })()).toBe('content');
    expect(seen.map((one) => one.client)).toEqual([expect.stringMatching(/./)]);
  });

  test.each([[''], ['through a proxy']])('and the token stay with their own origin: %s', async (how) => {
    const { first, other } = await redirecting();
    writeFileSync(tokenFile, 'weir_secret\n');
    const proxy = how === '' ? '' : (await servers.proxy()).url;
    const read = open(locationOf(first.port), { ca, ...client, tokenFile, proxy });
    expect(await read()).toBe('content');
    expect(first.seen).toMatchObject([{ authorization: 'Bearer weir_secret', client: expect.stringMatching(/./) }]);
    expect(other.seen).toEqual([{ url: '/list.txt', authorization: undefined, client: undefined }]);
  });

  test('is read again when it changes', async () => {
    const { port, seen } = await servers.tls(list, { ...ASKS_FOR_CLIENT, rejectUnauthorized: false });
    const own = { clientCertificate: join(folder, 'own.pem'), clientKey: join(folder, 'own-key.pem') };
    copyFileSync(client.clientCertificate, own.clientCertificate);
    copyFileSync(client.clientKey, own.clientKey);
    const read = open(locationOf(port), { ca, ...own });
    expect(await read()).toBe('content');
    copyFileSync(fixturePath('server.pem'), own.clientCertificate);
    expect(await read()).toMatch(/^credentials: .*clientKey: .*is not the private key/);
    copyFileSync(fixturePath('server-key.pem'), own.clientKey);
    expect(await read()).toBe('content');
    const [before, after] = seen.map((one) => one.client);
    expect(before).not.toBe(after);
  });
});

describe('the token', () => {
  test('is read again when it changes, and never told', async () => {
    const { port, seen } = await servers.tls((_request, response) => void response.writeHead(403).end());
    const read = open(locationOf(port), { ca, tokenFile });
    writeFileSync(tokenFile, 'first_secret');
    expect(await read()).toMatch(/^httpStatus: .*status 403$/);
    writeFileSync(tokenFile, 'second_secret\n');
    await read();
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer first_secret', 'Bearer second_secret']);
    writeFileSync(tokenFile, 'two secrets');
    const failure = await read();
    expect(failure).toMatch(/^credentials: .*tokenFile: .*has no token in it/);
    expect(failure).not.toContain('secrets');
    expect(seen).toHaveLength(2);
  });
});

describe('the proxy', () => {
  test('is asked for a tunnel by name, and sees neither token nor path', async () => {
    const { port, seen } = await servers.tls(list);
    const proxy = await servers.proxy();
    writeFileSync(tokenFile, 'weir_secret');
    expect(await open(locationOf(port), { ca, tokenFile, proxy: proxy.url })()).toBe('content');
    expect(proxy.tunnels.map(({ url }) => url)).toEqual([`${SERVER_NAME}:${port}`]);
    expect(JSON.stringify(proxy.tunnels.map(({ rawHeaders }) => rawHeaders))).not.toMatch(/secret|list\.txt/);
    expect(seen).toMatchObject([{ authorization: 'Bearer weir_secret' }]);
  });

  test('that refuses or is not there is a failure, and nothing goes around it', async () => {
    const { port, seen } = await servers.tls(list);
    expect(await open(locationOf(port), { ca, proxy: 'http://127.0.0.1:1' })()).toMatch(/^network: /);
    const proxy = await servers.proxy();
    const nobody = open('https://dns.example.test:1/list.txt', { ca, proxy: proxy.url });
    expect(await nobody()).toMatch(/^network: /);
    expect(seen).toEqual([]);
  });

  test.each([
    ['127.0.0.2', /redirects to 127\.0\.0\.2, an address in this network/],
    ['intranet.example', /intranet\.example is in this network/],
  ])('is not asked for %s, to which a server outside redirects', async (host, message) => {
    const { first, other } = await redirecting(host);
    const proxy = await servers.proxy();
    const network: NetworkView = {
      isInternal: (address) => address === '127.0.0.2',
      lookup: (name, _options, done) =>
        done(null, [{ address: name === 'intranet.example' ? '127.0.0.2' : '127.0.0.1', family: 4 }]),
    };
    const failure = await open(locationOf(first.port), { ca, ...client, proxy: proxy.url }, network)();
    expect(failure).toMatch(/^redirect: /);
    expect(failure).toMatch(message);
    expect(proxy.tunnels).toHaveLength(1);
    expect(other.seen).toEqual([]);
  });

  test('may know names that nobody knows here', async () => {
    const { port } = await servers.tls(list);
    const { url } = await servers.proxy();
    const unknown: NetworkView = { ...HERE, lookup: (_name, _options, done) => done(new Error('ENOTFOUND'), []) };
    expect(await open(locationOf(port), { ca, proxy: url }, unknown)()).toBe('content');
    expect(await open(locationOf(port), { ca }, unknown)()).toMatch(/^network: /);
  });
});
