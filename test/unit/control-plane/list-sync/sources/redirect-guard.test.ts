import { lookup, type LookupAddress } from 'node:dns';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpsSource } from '../../../../../src/control-plane/list-sync/sources/https-source.ts';
import {
  isInternalAddress,
  RedirectGuard,
  SYSTEM_NETWORK,
  type NetworkView,
} from '../../../../../src/control-plane/list-sync/sources/redirect-guard.ts';
import { HostileHttpServer } from '../../../../support/hostile-http-server.ts';

describe('an address in this network', () => {
  test.each([
    ['127.0.0.1', true],
    ['127.255.255.254', true],
    ['0.0.0.0', true],
    ['10.1.2.3', true],
    ['100.64.0.1', true],
    ['169.254.169.254', true],
    ['172.16.0.1', true],
    ['172.31.255.255', true],
    ['192.168.1.1', true],
    ['255.255.255.255', true],
    ['::1', true],
    ['::', true],
    ['fd00::1', true],
    ['fe80::1%eth0', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:a00:1', true],
    ['64:ff9b::a00:1', true],
    ['::7f00:1', true],
    ['::ffff:0:a00:1', true],
    ['2002:7f00:1::1', true],
    ['2002:a9fe:a9fe::', true],
    ['2001:0:7f00:1::', true],
    ['100::1', true],
    ['5f00:1::1', true],
    ['9.255.255.255', false],
    ['100.128.0.1', false],
    ['172.32.0.1', false],
    ['193.0.0.1', false],
    ['::1:0:0', false],
    ['2001:db8::1', false],
    ['::ffff:198.51.100.1', false],
    ['64:ff9b::c633:6401', false],
    ['2002:c633:6401::1', false],
    ['2001:4860:4860::8888', false],
  ])('%s: %s', (address, expected) => {
    expect(isInternalAddress(address)).toBe(expected);
  });
});

/** Loopback counts as the internet here, but for one address; names are as given. */
function networkOf(names: Readonly<Record<string, readonly string[]>>): NetworkView {
  return {
    isInternal: (address) => address === '127.0.0.2',
    lookup: (hostname, options, callback) => {
      const addresses = names[hostname];
      if (addresses === undefined) return lookup(hostname, options, callback);
      callback(
        null,
        addresses.map((address): LookupAddress => ({ address, family: 4 })),
      );
    },
  };
}

describe('a list whose server redirects', () => {
  let server: HostileHttpServer;

  beforeEach(async () => {
    server = await HostileHttpServer.start();
  });
  afterEach(async () => {
    await server.close();
  });

  async function failureOf(location: string, target: string, network: NetworkView): Promise<string> {
    server.handler = (_request, response) => void response.writeHead(302, { location: target }).end();
    const source = createHttpsSource(
      { location, refreshSeconds: 3600, bytesMax: 1000, fetchTimeoutMs: 10_000 },
      network,
    );
    try {
      const outcome = await source.read({ validators: undefined, force: true });
      return outcome.kind === 'failed' ? `${outcome.failure.reason}: ${outcome.failure.message}` : outcome.kind;
    } finally {
      source.close();
    }
  }

  test('to an address in this network is refused before anything is sent there', async () => {
    const failure = await failureOf(server.url(), 'https://127.0.0.2:1/', networkOf({}));
    expect(failure).toBe(
      `redirect: ${server.url()} redirects to 127.0.0.2, an address in this network; its own is not`,
    );
  });

  test('to a name with nothing but such addresses is refused', async () => {
    const network = networkOf({ 'intranet.example': ['127.0.0.2', '127.0.0.2'] });
    const failure = await failureOf(server.url(), 'https://intranet.example:1/', network);
    expect(failure).toContain('redirect: ');
    expect(failure).toContain("intranet.example is in this network, and the list's own server is not");
  });

  test('to a name with a public address as well is asked there alone', async () => {
    const network = networkOf({ 'both.example': ['127.0.0.2', '127.0.0.1'] });
    const failure = await failureOf(server.url(), 'https://both.example:1/', network);
    expect(failure).toMatch(/^network: .*127\.0\.0\.1:1/);
    expect(failure).not.toContain('127.0.0.2');
  });

  test('may do so within this network where it is itself', async () => {
    const network = { ...networkOf({}), isInternal: () => true };
    expect(await failureOf(server.url(), 'https://127.0.0.2:1/', network)).toMatch(/^network: /);
  });
});

function resolve(guard: RedirectGuard, name: string): Promise<unknown> {
  return new Promise((settle) => guard.lookup(name, { all: true }, (error, found) => settle(error ?? found)));
}

test('a source by name is in this network only where all its addresses are', async () => {
  const target = new URL('https://127.0.0.2/');
  for (const [addresses, expected] of [
    [['127.0.0.2'], true],
    [['127.0.0.2', '198.51.100.1'], false],
  ] as const) {
    const guard = new RedirectGuard('https://lists.example/', networkOf({ 'lists.example': addresses }));
    expect(guard.allows(target)).toBe(false);
    expect(await resolve(guard, 'lists.example')).toHaveLength(addresses.length);
    expect(guard.allows(target)).toBe(expected);
  }
});

test('a source by its address needs no look at a name', () => {
  expect(new RedirectGuard('https://[fd00::1]/', SYSTEM_NETWORK).allows(new URL('https://[fd00::2]/'))).toBe(true);
  expect(new RedirectGuard('https://[2001:db8::1]/').allows(new URL('https://[fd00::2]/'))).toBe(false);
});
