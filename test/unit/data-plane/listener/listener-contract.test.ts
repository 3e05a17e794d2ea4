import { afterEach, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../../src/clock.ts';
import { FamilyRow, TransportRow } from '../../../../src/telemetry/counter-labels.ts';
import { ANSWERED_LATER, DROPPED, type ReplyPath } from '../../../../src/data-plane/listener/arrival.ts';
import { LISTENERS } from '../../../../src/data-plane/listener/listeners.ts';
import { bindUdp } from '../../../../src/data-plane/listener/udp-listener.ts';
import { closeClients, TcpClient, UdpClient } from '../../../support/dns-client.ts';
import { DohClient } from '../../../support/doh-client.ts';
import { DotClient } from '../../../support/dot-client.ts';
import {
  answerInPlace,
  closeListeners,
  listenerDependencies,
  messageOf,
  track,
} from '../../../support/listener-harness.ts';
import { until } from '../../../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

type Bind = (typeof LISTENERS)['udp'];
const udpWithoutBatches: Bind = (address, deps) => bindUdp({ ...address, ...deps });
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const V4 = { host: '127.0.0.1', family: FamilyRow.ipv4, client: [...MAPPED, 127, 0, 0, 1] };
const V6 = { host: '::1', family: FamilyRow.ipv6, client: [...Array<number>(15).fill(0), 1] };
const kinds = [
  { name: 'udp', bind: LISTENERS.udp, transport: TransportRow.udp, client: UdpClient },
  { name: 'udp without batches', bind: udpWithoutBatches, transport: TransportRow.udp, client: UdpClient },
  { name: 'tcp', bind: LISTENERS.tcp, transport: TransportRow.tcp, client: TcpClient },
  { name: 'dot', bind: LISTENERS.dot, transport: TransportRow.dot, client: DotClient },
  { name: 'doh', bind: LISTENERS.doh, transport: TransportRow.doh, client: DohClient },
];

/** An id in the first two octets, so that a client tells responses apart. */
function message(id: number, length = 12): Uint8Array {
  const octets = new Uint8Array(length).fill(id & 0xff);
  octets.set([id >> 8, id & 0xff]);
  return octets;
}

it('every kind of listener is held to the contract', () => {
  expect(new Set(kinds.map(({ bind }) => bind))).toEqual(new Set([...Object.values(LISTENERS), udpWithoutBatches]));
});

describe.each(kinds.flatMap((kind) => [V4, V6].map((at) => ({ ...kind, at }))))(
  'a listener: $name on $at.host',
  ({ bind, transport, client: kindOfClient, at: { host, family, client: clientOctets } }) => {
    const connect = (port: number) => kindOfClient.open(port, host);

    it('hands over each message with its octets, client, transport and time', async () => {
      const seen: unknown[] = [];
      const receivedAtMs: number[] = [];
      const { deps, reports } = listenerDependencies((arrival) => {
        const { transport: row, family: of, isLate } = arrival;
        const age = monotonicMs() - arrival.receivedAtMs;
        receivedAtMs.push(arrival.receivedAtMs);
        const octets = [...messageOf(arrival)];
        seen.push({ transport: row, of, isLate, client: [...arrival.client], octets, isNow: age >= 0 && age < 60_000 });
        return answerInPlace(arrival, messageOf(arrival));
      });
      const listener = await track(bind({ host, port: 0 }, deps));
      expect(listener.port).toBeGreaterThan(0);
      expect(listener.address).toBe(host);
      await (await connect(listener.port)).exchange(message(7, 20));
      const octets = [...message(7, 20)];
      expect(seen).toEqual([{ transport, of: family, isLate: false, client: clientOctets, octets, isNow: true }]);
      expect(reports.batchEnds).toBe(1);
      expect([reports.batchReceivedAtMs]).toEqual(receivedAtMs);
    });

    it('sends what was answered in place, longer than the query or shorter', async () => {
      const { deps } = listenerDependencies((arrival) => {
        const id = messageOf(arrival)[1]!;
        expect(arrival.bytes.length - arrival.start).toBeGreaterThanOrEqual(4_096);
        return answerInPlace(arrival, message(id, id === 1 ? 1_232 : 3));
      });
      const { port } = await track(bind({ host, port: 0 }, deps));
      const client = await connect(port);
      expect(await client.exchange(message(1, 100))).toEqual(message(1, 1_232));
      expect(await client.exchange(message(2, 100))).toEqual(message(2, 3));
    });

    it('sends nothing for what is dropped, and goes on', async () => {
      const { deps, reports } = listenerDependencies((arrival) =>
        messageOf(arrival)[1] === 1 ? DROPPED : answerInPlace(arrival, messageOf(arrival)),
      );
      const { port } = await track(bind({ host, port: 0 }, deps));
      const client = await connect(port);
      client.send(message(1));
      await client.exchange(message(2));
      expect(client.received).toEqual([message(2)]);
      expect(reports.sendsFailed).toBe(0);
    });

    it('brings late answers to who asked, in any order, whatever came in between', async () => {
      const later: { reply: ReplyPath; octets: Uint8Array }[] = [];
      const { deps } = listenerDependencies((arrival) => {
        const octets = messageOf(arrival);
        if (octets[0] === 9) return answerInPlace(arrival, octets);
        later.push({ reply: arrival.keepReplyPath(), octets });
        return ANSWERED_LATER;
      });
      const { port } = await track(bind({ host, port: 0 }, deps));
      const clients = await Promise.all([1, 2, 3].map(() => connect(port)));
      for (const [index, client] of clients.entries()) {
        client.send(message(index * 2 + 1));
        client.send(message(index * 2 + 2));
      }
      await until(
        () => later.length,
        (length) => length === 6,
        'six queries',
      );
      await clients[0]!.exchange(message(0x0900));
      for (const { reply, octets } of later.toReversed()) reply.send(octets, octets.length);
      for (const [index, client] of clients.entries()) {
        const ids = [index * 2 + 1, index * 2 + 2];
        for (const id of ids) expect(await client.responseTo(message(id))).toEqual(message(id));
        expect(client.received).toHaveLength(index === 0 ? 3 : 2);
      }
    });

    it('answers hundreds that come at once, each with its own', async () => {
      const { deps, reports } = listenerDependencies((arrival) => answerInPlace(arrival, messageOf(arrival)));
      const { port } = await track(bind({ host, port: 0 }, deps));
      const client = await connect(port);
      for (let id = 0; id < 300; id++) client.send(message(id, 12 + (id % 50)));
      await until(
        () => client.received.length,
        (length) => length === 300,
        '300 answers',
      );
      const received = new Map(client.received.map((octets) => [(octets[0]! << 8) | octets[1]!, octets]));
      for (let id = 0; id < 300; id++) expect(received.get(id)).toEqual(message(id, 12 + (id % 50)));
      expect(reports.sendsFailed).toBe(0);
      expect(reports.batchEnds).toBeGreaterThan(0);
    });

    it('counts an answer that comes after the close, and survives it', async () => {
      let reply: ReplyPath | undefined;
      const { deps, reports } = listenerDependencies((arrival) => {
        reply = arrival.keepReplyPath();
        return ANSWERED_LATER;
      });
      const listener = await track(bind({ host, port: 0 }, deps));
      (await connect(listener.port)).send(message(1));
      await until(
        () => reply,
        (kept) => kept !== undefined,
        'a query',
      );
      await listener.close();
      reply?.send(message(1), 12);
      expect(reports.sendsFailed).toBe(1);
    });

    it('shares its port with another thread’s, and leaves it free when both are closed', async () => {
      const { deps } = listenerDependencies((arrival) => answerInPlace(arrival, messageOf(arrival)));
      const first = await track(bind({ host, port: 0 }, deps));
      const { port } = first;
      const second = await track(bind({ host, port }, deps));
      await first.close();
      expect(await (await connect(port)).exchange(message(1))).toEqual(message(1));
      await second.close();
      await second.close();
      const third = await track(bind({ host, port }, deps));
      expect(third.port).toBe(port);
    });

    it('says with a code why it cannot be bound', async () => {
      const { deps } = listenerDependencies(() => DROPPED);
      const foreign = host === '::1' ? '2001:db8::1' : '192.0.2.1';
      await expect(bind({ host: foreign, port: 0 }, deps)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    });
  },
);
