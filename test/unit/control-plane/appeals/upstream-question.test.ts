/** Questions of the appeals desk over TLS and HTTPS: asked of who proves to be the upstream, and of nobody else. */
import { X509Certificate, createHash } from 'node:crypto';
import { createServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../../../src/config/config.ts';
import { askUpstreams } from '../../../../src/control-plane/appeals/upstream-question.ts';
import { MESSAGE_BYTES_MAX, RecordType } from '../../../../src/dns/iana.ts';
import { TEST_SERVER_NAME, startHttpsFront, startTlsFront } from '../../../support/encrypted-front.ts';
import { respond, startFakeUpstream } from '../../../support/fake-upstream.ts';
import { TestServers } from '../../../support/tls-servers.ts';
import { CA, fixture } from '../../../support/tls-fixture.ts';

const open: { stop(): Promise<unknown> }[] = [];
const servers = new TestServers();
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.stop();
  await servers.close();
});

const pinOf = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(fixture(`${certificate}.pem`)).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

async function start(protocol: 'tls' | 'https') {
  const upstream = await startFakeUpstream((query) => respond(query, { addresses: ['192.0.2.9'] }));
  open.push(upstream);
  const front = await (protocol === 'tls' ? startTlsFront : startHttpsFront)(upstream);
  open.push(front);
  const ask = (identity: Partial<UpstreamConfig> = {}, ca = CA) =>
    askUpstreams(
      { upstreams: [{ url: protocol, protocol, host: front.host, port: front.port, ...identity }], ca },
      'tea.example',
      RecordType.A,
    );
  return { upstream, front, ask };
}

describe.each(['tls', 'https'] as const)('over %s', (protocol) => {
  it.each([
    ['a certificate for its name', { serverName: TEST_SERVER_NAME }, CA],
    ['a certificate for its address', {}, CA],
    ['a pinned key, whoever signed for it', { pins: [pinOf('server-2'), pinOf('server')] }, ''],
  ])('an upstream is asked that proves itself by %s', async (_what, identity, ca) => {
    const { ask, upstream } = await start(protocol);
    expect(await ask(identity, ca)).toEqual(['192.0.2.9']);
    expect(upstream.queries.map(({ name }) => name)).toEqual(['tea.example']);
  });

  it.each([
    ['a certificate for another name', { serverName: 'other.example.test' }, CA],
    ['an authority that is not trusted', { serverName: TEST_SERVER_NAME }, ''],
    ['a key that is not the pinned one', { pins: [pinOf('server-2')] }, CA],
  ])('an upstream is not asked that has %s', async (_what, identity, ca) => {
    const { ask, upstream } = await start(protocol);
    expect(await ask(identity, ca)).toBeUndefined();
    expect(upstream.queries).toEqual([]);
  });
});

describe('over https', () => {
  it('the path is the configured one, and another status than 200 is no answer', async () => {
    const { ask, front } = await start('https');
    await ask({ path: '/of/our/own' });
    expect(front.requests).toMatchObject([{ path: '/of/our/own', contentType: 'application/dns-message' }]);
    front.answerWithStatus(503);
    expect(await ask()).toBeUndefined();
  });

  const askHttp1 = async (answer: (query: Buffer) => Uint8Array | undefined) => {
    const hosts: (string | undefined)[] = [];
    const tls = { cert: fixture('server.pem'), key: fixture('server-key.pem') };
    const port = await servers.listen(
      createServer(tls, (request, response) => {
        const pieces: Buffer[] = [];
        hosts.push(request.headers.host);
        request.on('data', (piece: Buffer) => pieces.push(piece));
        request.on('end', () => {
          const body = answer(Buffer.concat(pieces));
          if (body !== undefined) response.end(body);
        });
      }),
    );
    const upstreams = [{ url: 'https', protocol: 'https', host: '127.0.0.1', port }] as const;
    return { hosts, port, answers: await askUpstreams({ upstreams, ca: CA }, 'tea.example', RecordType.A) };
  };

  it('a server that has HTTP/1.1 alone is asked by that', async () => {
    const { hosts, port, answers } = await askHttp1((query) => {
      const answer = Buffer.from(query);
      answer[2] = 0x80;
      return answer;
    });
    expect([hosts, answers]).toEqual([[`127.0.0.1:${port}`], []]);
  });

  it('an answer longer than a message is none, and nobody waits long for one that does not come', async () => {
    expect((await askHttp1(() => new Uint8Array(MESSAGE_BYTES_MAX + 1))).answers).toBeUndefined();
    expect((await askHttp1(() => undefined)).answers).toBeUndefined();
  });
});
