/** `weir serve` in front of upstreams over TLS and HTTPS, alone and with a fallback. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ask, closeClients } from '../support/dns-client.ts';
import { startHttpsFront, startTlsFront, TEST_TLS, type EncryptedFront } from '../support/encrypted-front.ts';
import { startFakeUpstream, type FakeUpstream } from '../support/fake-upstream.ts';
import { newFolder, startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  closeClients();
  await stopAllWeirs();
  for (const one of running.splice(0)) await one.stop();
});

function tracked<T extends { stop(): Promise<void> }>(one: T): T {
  running.unshift(one);
  return one;
}

function start(upstreams: readonly string[]): Promise<WeirProcess> {
  const folder = newFolder();
  cpSync(join(TEST_TLS, 'ca.pem'), join(folder, 'ca.pem'));
  const listen = { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' };
  return startWeirProcess({ folder, config: { listen, upstreams, upstreamQueries: { ca: './ca.pem' } } });
}

async function frontOf(protocol: 'tls' | 'https', upstream: FakeUpstream): Promise<EncryptedFront> {
  return tracked(await (protocol === 'tls' ? startTlsFront : startHttpsFront)(upstream));
}

async function addressOf(weir: WeirProcess, name: string): Promise<string | undefined> {
  const { answers } = await ask(weir, name);
  return answers[0]?.data;
}

test.each(['tls', 'https'] as const)(
  '%s: queries are answered through it, and counted as its own',
  async (protocol) => {
    const upstream = tracked(await startFakeUpstream());
    const front = await frontOf(protocol, upstream);
    const url = `${protocol}://dns.example.test@127.0.0.1:${front.port}`;
    const weir = await start([url]);
    const names = Array.from({ length: 30 }, (_, index) => `n${index}.example.com`);
    const found = await Promise.all(names.map((name) => addressOf(weir, name)));
    expect(new Set(found)).toEqual(new Set(['192.0.2.1']));
    expect(upstream.queries).toHaveLength(30);
    expect(await weir.metric('weir_upstream_queries_total', `upstream="${url}"`, 'outcome="answered"')).toBe(30);
  },
);

test.each(['tls', 'https'] as const)(
  '%s: one that is not who it should be is told of, and another is asked',
  async (protocol) => {
    const impostor = tracked(await startFakeUpstream());
    const front = await frontOf(protocol, impostor);
    const honest = tracked(await startFakeUpstream());
    const weir = await start([`${protocol}://other.example.test@127.0.0.1:${front.port}`, honest.url]);
    for (let index = 0; index < 10; index++) expect(await addressOf(weir, `n${index}.example.com`)).toBe('192.0.2.1');
    expect(impostor.queries).toEqual([]);
    await weir.log(({ msg }) => msg === 'an encrypted upstream cannot be used');
  },
);
