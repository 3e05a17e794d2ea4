import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ListenerSet } from '../../../../src/data-plane/listener/listeners.ts';
import { askRaw, closeClients, TcpClient, UdpClient } from '../../../support/dns-client.ts';
import { answerInPlace, listenerDependencies, messageOf } from '../../../support/listener-harness.ts';

vi.mock(import('node:os'), async (original) => {
  const real = await original();
  return { ...real, networkInterfaces: vi.fn(real.networkInterfaces) };
});

const HOST = '127.0.0.1';
const V4 = { host: HOST, port: 0 };
const V6 = { host: '::1', port: 0 };
const QUERY = Uint8Array.from({ length: 12 }, (_, index) => index);
const sets: ListenerSet[] = [];

function openSet(limits = {}) {
  const { deps, reports } = listenerDependencies((arrival) => answerInPlace(arrival, messageOf(arrival)), limits);
  const set = new ListenerSet(deps);
  sets.push(set);
  return { set, reports };
}

afterEach(async () => {
  closeClients();
  vi.mocked(networkInterfaces).mockRestore();
  await Promise.all(sets.splice(0).map((set) => set.close()));
});

/** Whether anything listens there over TCP. */
const isServed = (port: number, host = HOST) =>
  TcpClient.open(port, host).then(
    () => true,
    () => false,
  );

describe('rebind', () => {
  it('serves UDP and TCP on the same port of every address', async () => {
    const { set } = openSet();
    expect(await set.rebind({ do53: [V4, V6] })).toEqual([]);
    const addresses = set.addresses();
    expect(addresses.map(({ host }) => host)).toEqual([HOST, '::1']);
    for (const { host, port } of addresses) {
      for (const transport of ['udp', 'tcp'] as const) {
        expect(await askRaw({ port, host, transport }, QUERY)).toEqual(QUERY);
      }
    }
  });

  it('leaves what stays untouched, binds what is new, closes what is gone', async () => {
    const { set } = openSet();
    await set.rebind({ do53: [V4] });
    const [kept] = set.addresses();
    const connected = await TcpClient.open(kept!.port);
    await set.rebind({ do53: [kept!, V6] });
    expect(set.addresses()[0]).toEqual(kept);
    expect(await connected.exchange(QUERY)).toEqual(QUERY);
    await set.rebind({ do53: [set.addresses()[1]!] });
    await connected.closed();
    expect(await isServed(kept!.port)).toBe(false);
    expect(set.addresses().map(({ host }) => host)).toEqual(['::1']);
  });

  it('twice at a time binds an address once', async () => {
    const { set } = openSet();
    await Promise.all([set.rebind({ do53: [V4] }), set.rebind({ do53: [V4] }), set.rebind({ do53: [V4] })]);
    const [bound, ...others] = set.addresses();
    expect(others).toEqual([]);
    await set.close();
    expect(await isServed(bound!.port)).toBe(false);
  });

  it('names what cannot be bound and serves the rest', async () => {
    const { set } = openSet();
    const failures = await set.rebind({ do53: [{ host: '192.0.2.1', port: 0 }, V4] });
    expect(failures).toMatchObject([
      { key: 'listen.do53', address: { host: '192.0.2.1', port: 0 }, code: 'EADDRNOTAVAIL' },
    ]);
    expect(set.addresses()).toHaveLength(1);
  });

  it('goes on after a failure', async () => {
    const { set } = openSet();
    await set.rebind({ do53: [{ host: '192.0.2.1', port: 0 }] });
    expect(await set.rebind({ do53: [V4] })).toEqual([]);
  });
});

const wildcard = { host: '0.0.0.0', port: 0 };
const interfaceWith = (...addresses: string[]) =>
  vi.mocked(networkInterfaces).mockReturnValue({
    lo: addresses.map((address) => ({
      address,
      family: 'IPv4' as const,
      netmask: '255.0.0.0',
      mac: '00:00:00:00:00:00',
      internal: true,
      cidr: `${address}/8`,
    })),
  });

describe('a wildcard address', () => {
  it('is served on each local address, and answers from the address that was asked', async () => {
    interfaceWith(HOST, '127.0.0.2');
    const { set } = openSet();
    await set.rebind({ do53: [wildcard] });
    const { port } = set.addresses()[0]!;
    for (const host of [HOST, '127.0.0.2']) {
      // A connected socket takes responses from that address alone.
      expect(await (await UdpClient.open(port, host)).exchange(QUERY)).toEqual(QUERY);
    }
  });

  it('follows the interfaces: new addresses are served after the next look', async () => {
    interfaceWith(HOST);
    const { set } = openSet();
    await set.rebind({ do53: [wildcard] });
    const { port } = set.addresses()[0]!;
    interfaceWith(HOST, '127.0.0.3');
    await set.rescan();
    expect(await (await UdpClient.open(port, '127.0.0.3')).exchange(QUERY)).toEqual(QUERY);
  });

  it('is served where it can be when one of its addresses is not usable yet', async () => {
    interfaceWith('192.0.2.1', HOST);
    const { set, reports } = openSet();
    expect(await set.rebind({ do53: [wildcard] })).toEqual([]);
    const { port } = set.addresses()[0]!;
    expect(await (await UdpClient.open(port)).exchange(QUERY)).toEqual(QUERY);
    await set.rescan();
    expect(reports.errors).toEqual([]);
  });
});

describe('limits on connections', () => {
  it('hold for all addresses of a thread together', async () => {
    const { set, reports } = openSet({ connectionsMax: 1 });
    await set.rebind({ do53: [V4, V6] });
    const [first, second] = set.addresses();
    await (await TcpClient.open(first!.port)).exchange(QUERY);
    await (await TcpClient.open(second!.port, second!.host)).closed();
    expect(reports.rejected).toBe(1);
  });
});

describe('close', () => {
  it('leaves nothing bound', async () => {
    const { set } = openSet();
    await set.rebind({ do53: [V4, V6] });
    const before = set.addresses();
    await set.close();
    expect(set.addresses()).toEqual([]);
    for (const { host, port } of before) expect(await isServed(port, host)).toBe(false);
  });
});
