/** What a feed is fetched with: token, authorities, client certificate, proxy; and where none of it goes. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  FeedFetch,
  type Fetched,
  type FeedFetchSettings,
} from '../../../../../src/control-plane/list-sync/sources/feed-fetch.ts';
import type { NetworkView } from '../../../../../src/control-plane/list-sync/sources/redirect-guard.ts';
import { HostileHttpServer } from '../../../../support/hostile-http-server.ts';
import { temporaryFolder } from '../../../../support/temporary-folder.ts';
import { fixture, fixturePath, SERVER_NAME } from '../../../../support/tls-fixture.ts';

const folder = temporaryFolder('feed-fetch');
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, 'weir_secret\n');
const PLAIN: Omit<FeedFetchSettings, 'source'> = {
  fetchTimeoutMs: 10_000,
  tokenFile: '',
  ca: '',
  clientCertificate: '',
  clientKey: '',
  proxy: '',
};

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Every name is here, and here is nowhere special. */
const HERE: NetworkView = {
  lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  isInternal: () => false,
};

function open(settings: Partial<FeedFetchSettings> & Pick<FeedFetchSettings, 'source'>): () => Promise<Fetched> {
  const fetch = new FeedFetch({ ...PLAIN, ...settings }, { network: HERE });
  closers.push(async () => fetch.close());
  return async () => fetch.fetch({ path: 'manifest.signed', bytesMax: 1000, onChunk: () => undefined });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function tlsFeed(options: ServerOptions = {}) {
  const seen: { request: IncomingMessage; client: string | undefined }[] = [];
  const own = { cert: fixture('server.pem'), key: fixture('server-key.pem'), ...options };
  const port = await listen(
    createTlsServer(own, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      seen.push({ request, client: subject === undefined ? undefined : String(subject.CN) });
      response.end('signed');
    }),
  );
  return { source: `feed+https://${SERVER_NAME}:${port}/feed/`, port, seen };
}

describe('over TLS', () => {
  test('a server of an authority that is trusted is believed, another is not', async () => {
    const { source, seen } = await tlsFeed();
    expect(await open({ source, ca: fixturePath('ca.pem') })()).toMatchObject({ kind: 'fetched', bytes: 6 });
    const refused = await open({ source, tokenFile })();
    expect(refused).toMatchObject({ kind: 'failed', failure: { reason: 'network' } });
    expect(seen).toHaveLength(1);
  });

  test('a server that asks for a client certificate gets it', async () => {
    const { source, seen } = await tlsFeed({ requestCert: true, ca: fixture('ca.pem') });
    const own = { clientCertificate: fixturePath('client.pem'), clientKey: fixturePath('client-key.pem') };
    expect((await open({ source, ca: fixturePath('ca.pem') })()).kind).toBe('failed');
    expect((await open({ source, ca: fixturePath('ca.pem'), ...own })()).kind).toBe('fetched');
    expect(seen.map(({ client }) => client)).toEqual([expect.stringMatching(/./)]);
  });

  test('a file that cannot be read is a failure, until it can', async () => {
    const { source } = await tlsFeed();
    const ca = join(folder, 'late.pem');
    rmSync(ca, { force: true });
    const fetch = open({ source, ca });
    expect(await fetch()).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('late.pem') } });
    copyFileSync(fixturePath('ca.pem'), ca);
    expect((await fetch()).kind).toBe('fetched');
  });

  test('a proxy is asked for a tunnel, and sees neither token nor content', async () => {
    const { source, port, seen } = await tlsFeed();
    const tunnels: IncomingMessage[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request: IncomingMessage, socket) => {
      tunnels.push(request);
      const to = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        to.pipe(socket).pipe(to);
      });
      for (const one of [socket, to]) one.on('error', () => undefined);
    });
    const at = await listen(proxy);
    const fetch = open({ source, ca: fixturePath('ca.pem'), tokenFile, proxy: `http://127.0.0.1:${at}` });
    expect((await fetch()).kind).toBe('fetched');
    expect(tunnels.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      [`${SERVER_NAME}:${port}`, undefined],
    ]);
    expect(seen[0]?.request.headers.authorization).toBe('Bearer weir_secret');
  });
});

describe('the token', () => {
  test('goes to the feed and not to where it redirects', async () => {
    const [feed, other] = [await HostileHttpServer.start(), await HostileHttpServer.start()];
    closers.push(
      () => feed.close(),
      () => other.close(),
    );
    feed.handler = (_, response) => response.writeHead(302, { location: other.url('/cdn') }).end();
    const fetch = open({ source: `feed+${feed.url('/feed/')}`, tokenFile });
    expect((await fetch()).kind).toBe('fetched');
    expect(feed.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer weir_secret']);
    expect(other.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([['/cdn', undefined]]);
  });

  test.each(['', 'two words', 'weir_\u00e9'])('is not sent where the file holds none: %j', async (text) => {
    const feed = await HostileHttpServer.start();
    closers.push(() => feed.close());
    const bad = join(folder, 'bad-token');
    writeFileSync(bad, text);
    const outcome = await open({ source: `feed+${feed.url('/feed/')}`, tokenFile: bad })();
    expect(outcome).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('no token in it') } });
    if (text !== '') expect(JSON.stringify(outcome)).not.toContain(text);
    expect(feed.requests).toEqual([]);
  });
});

describe('a server that', () => {
  test.each([
    ['0', 0],
    ['30', 30_000],
    ['86400', 3_600_000],
    ['soon', 0],
  ])('is busy and says Retry-After: %s', async (value, retryAfterMs) => {
    const feed = await HostileHttpServer.start();
    closers.push(() => feed.close());
    feed.handler = (_, response) => response.writeHead(503, { 'retry-after': value }).end();
    const outcome = await open({ source: `feed+${feed.url('/feed/')}` })();
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'httpStatus' }, retryAfterMs });
  });

  test('does not answer is given up after fetchTimeoutMs', async () => {
    const feed = await HostileHttpServer.start();
    closers.push(() => feed.close());
    feed.handler = () => undefined;
    const outcome = await open({ source: `feed+${feed.url('/feed/')}`, fetchTimeoutMs: 50 })();
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'timeout' } });
  });

  test('says less than it announced is found out', async () => {
    const feed = await HostileHttpServer.start();
    closers.push(() => feed.close());
    feed.handler = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
    };
    const outcome = await open({ source: `feed+${feed.url('/feed/')}` })();
    expect(outcome).toMatchObject({ kind: 'failed' });
  });
});
