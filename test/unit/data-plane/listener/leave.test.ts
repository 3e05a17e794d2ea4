/** A process that leaves its ports to another one: listeners of both on one port, in one process here. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionSteer } from '../../../../src/data-plane/batch/connection-steer.ts';
import { batchSupport } from '../../../../src/data-plane/batch/self-check.ts';
import { ListenerSet } from '../../../../src/data-plane/listener/listeners.ts';
import { askRaw, closeClients, TcpClient, UdpClient } from '../../../support/dns-client.ts';
import { answerInPlace, listenerDependencies, messageOf, numbered } from '../../../support/listener-harness.ts';

const CLIENTS = 60;
/** Each listener of a pair gets some of so many: otherwise by one chance in 2^60. */
const EACH = 60;
const ROOM = { connectionsMax: 1_000, connectionsPerClientMax: 1_000 };
const support = batchSupport();
const sets: ListenerSet[] = [];

afterEach(async () => {
  closeClients();
  await Promise.all(sets.splice(0).map((set) => set.close()));
});

/** A set of listeners that says who it is in every answer: the third octet. */
function openSet(mark: number) {
  const { deps } = listenerDependencies((arrival) => {
    const answer = messageOf(arrival);
    answer[2] = mark;
    return answerInPlace(arrival, answer);
  }, ROOM);
  const steer = support.kind === 'ok' ? new ConnectionSteer(support.libc, 1) : undefined;
  const set = new ListenerSet({ ...deps, steer });
  sets.push(set);
  return set;
}

/** Two sets on one address of a host. */
async function openPair(host: string) {
  const [first, second] = [openSet(1), openSet(2)];
  await first.rebind({ do53: [{ host, port: 0 }] });
  const [address] = first.addresses();
  await second.rebind({ do53: [address!] });
  return { first, second, address: address! };
}

describe.skipIf(support.kind !== 'ok').each(['127.0.0.1', '::1'])('leaving ports of %s', (host) => {
  it('over UDP: what has come is answered here, what comes later there, and nothing is lost when this one closes', async () => {
    const { first, address } = await openPair(host);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => UdpClient.open(address.port, host)));
    // Sent before this thread can read any of it.
    for (const [id, client] of clients.entries()) client.send(numbered(id + 1));
    first.leave();
    const before = await Promise.all(clients.map(async (client, id) => (await client.responseTo(numbered(id + 1)))[2]));
    expect(new Set(before)).toEqual(new Set([1, 2]));
    const after = await Promise.all(clients.map(async (client, id) => (await client.exchange(numbered(id + 1001)))[2]));
    expect(new Set(after)).toEqual(new Set([2]));
    for (const [id, client] of clients.entries()) client.send(numbered(id + 2001));
    await first.close();
    for (const [id, client] of clients.entries()) await client.responseTo(numbered(id + 2001));
  });

  it('over TCP: connections that are open are answered here, new ones there, until this one has gone', async () => {
    const { first, second, address } = await openPair(host);
    const connections = await Promise.all(Array.from({ length: EACH }, () => TcpClient.open(address.port, host)));
    first.leave();
    const marks = await Promise.all(connections.map(async (client) => (await client.exchange(numbered(1)))[2]));
    expect(new Set(marks)).toEqual(new Set([1, 2]));
    const ask = async (): Promise<number | undefined> =>
      (await askRaw({ ...address, transport: 'tcp' }, numbered(2)))[2];
    expect(new Set(await Promise.all(Array.from({ length: EACH }, ask)))).toEqual(new Set([2]));
    first.stop();
    await first.close();
    second.stay();
    const third = openSet(3);
    await third.rebind({ do53: [address] });
    const shared = await Promise.all(Array.from({ length: EACH }, ask));
    expect(new Set(shared)).toEqual(new Set([2, 3]));
  });

  it('twice, and without anybody who comes after, does no harm', async () => {
    const alone = openSet(1);
    await alone.rebind({ do53: [{ host, port: 0 }] });
    const [address] = alone.addresses();
    alone.leave();
    alone.leave();
    const socket = connect(address!);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
  });
});
