import { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWERED_LATER, DROPPED, type ReplyPath } from '../../../../src/data-plane/listener/arrival.ts';
import { LISTENERS } from '../../../../src/data-plane/listener/listeners.ts';
import { ConnectionCount, type ConnectionLimits } from '../../../../src/data-plane/listener/connection-count.ts';
import { closeClients, framed, TcpClient } from '../../../support/dns-client.ts';
import {
  answerInPlace,
  closeListeners,
  echo,
  listenerDependencies,
  messageOf,
  numbered as message,
  sendWithoutReading,
  TCP_LIMITS,
  track,
} from '../../../support/listener-harness.ts';
import { until } from '../../../support/weir-process.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';

/** Keeps every query whose first octet is not 9 until the test answers it; echoes the others. */
async function holding(limits: Partial<ConnectionLimits> = {}) {
  const held: { octets: Uint8Array; reply: ReplyPath }[] = [];
  const { deps, reports } = listenerDependencies((arrival) => {
    const octets = messageOf(arrival);
    if (octets[0] === 9) return answerInPlace(arrival, octets);
    held.push({ octets, reply: arrival.keepReplyPath() });
    return ANSWERED_LATER;
  }, limits);
  const listener = await track(LISTENERS.tcp({ host: HOST, port: 0 }, deps));
  const answer = (index: number) => held[index]!.reply.send(held[index]!.octets, held[index]!.octets.length);
  const untilHeld = (count: number) =>
    until(
      () => held.length,
      (length) => length === count,
      `${count} queries held`,
    );
  return { listener, held, reports, answer, untilHeld };
}

async function echoing(limits: Partial<ConnectionLimits> = {}, handler = echo) {
  const { deps, reports } = listenerDependencies(handler, limits);
  return { listener: await track(LISTENERS.tcp({ host: HOST, port: 0 }, deps)), reports };
}

describe('a pipeline', () => {
  it('takes no more than pipelineMax queries at a time, and the rest as answers go out', async () => {
    const { listener, held, answer, untilHeld } = await holding({ pipelineMax: 3 });
    const client = await TcpClient.open(listener.port);
    client.socket.write(Buffer.concat([1, 2, 3, 4, 5].map((id) => framed(message(id)))));
    await untilHeld(3);
    answer(1);
    await untilHeld(4);
    held[0]!.reply.abandon();
    await untilHeld(5);
    for (const index of [2, 3, 4]) answer(index);
    await client.responseTo(message(5));
    expect(client.received.map((octets) => octets[1])).toEqual([2, 3, 4, 5]);
  });

  it('that was full goes on reading what arrived meanwhile', async () => {
    const { listener, answer, untilHeld } = await holding({ pipelineMax: 1 });
    const client = await TcpClient.open(listener.port);
    client.send(message(1));
    await untilHeld(1);
    for (const id of [2, 3]) client.send(message(id));
    answer(0);
    await untilHeld(2);
    answer(1);
    await untilHeld(3);
    answer(2);
    expect(await client.responseTo(message(3))).toEqual(message(3));
  });

  it('full on one connection holds up no other', async () => {
    const { listener, untilHeld } = await holding({ pipelineMax: 1 });
    const stuck = await TcpClient.open(listener.port);
    stuck.socket.write(Buffer.concat([1, 2, 3].map((id) => framed(message(id)))));
    await untilHeld(1);
    expect(await (await TcpClient.open(listener.port)).exchange(message(0x0901))).toEqual(message(0x0901));
  });
});

describe('a connection', () => {
  it('takes a message in pieces of two octets', async () => {
    const { listener } = await echoing();
    const client = await TcpClient.open(listener.port);
    const frame = framed(message(1, 40));
    for (let at = 0; at < frame.length; at += 2) {
      client.socket.write(frame.subarray(at, at + 2));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.responseTo(message(1))).toEqual(message(1, 40));
  });

  it('carries 65,535 octets both ways', async () => {
    const { listener } = await echoing();
    const client = await TcpClient.open(listener.port);
    expect(await client.exchange(message(1, 65_535))).toEqual(message(1, 65_535));
  });

  it('half-closed by the client still carries every answer, and is then closed', async () => {
    const { listener, held, answer, untilHeld } = await holding();
    const client = await TcpClient.open(listener.port);
    client.socket.end(Buffer.concat([1, 2, 3].map((id) => framed(message(id)))));
    await untilHeld(3);
    answer(2);
    held[0]!.reply.abandon();
    await client.responseTo(message(3));
    expect(client.isClosed).toBe(false);
    answer(1);
    await client.responseTo(message(2));
    await client.closed();
  });

  it('half-closed with more queries than the pipeline takes carries every answer', async () => {
    const { listener, held, answer } = await holding({ pipelineMax: 2 });
    const client = await TcpClient.open(listener.port);
    client.socket.end(Buffer.concat([1, 2, 3, 4, 5].map((id) => framed(message(id)))));
    for (let index = 0; index < 5; index++) {
      await until(
        () => held.length,
        (length) => length > index,
        'the next query',
      );
      answer(index);
    }
    await client.closed();
    expect(client.received).toHaveLength(5);
  });

  it('half-closed within a message is closed', async () => {
    const { listener } = await echoing();
    const client = await TcpClient.open(listener.port);
    client.socket.end(framed(message(1)).subarray(0, 5));
    await client.closed();
    expect(client.received).toEqual([]);
  });

  it('that is idle is closed, also where the client dribbles octets of a message', async () => {
    const { listener } = await echoing({ idleTimeoutMs: 200 });
    const quiet = await TcpClient.open(listener.port);
    const slow = await TcpClient.open(listener.port);
    slow.socket.write(Uint8Array.of(0, 200));
    const dribble = setInterval(() => slow.socket.write(Uint8Array.of(1)), 20);
    await Promise.all([quiet.closed(), slow.closed()]);
    clearInterval(dribble);
  });

  it('that waits for an answer is not idle', async () => {
    const { listener, answer, untilHeld } = await holding({ idleTimeoutMs: 50 });
    const waiting = await TcpClient.open(listener.port);
    waiting.send(message(1));
    await untilHeld(1);
    const quiet = await TcpClient.open(listener.port);
    await quiet.closed();
    expect(waiting.isClosed).toBe(false);
    answer(0);
    expect(await waiting.responseTo(message(1))).toEqual(message(1));
    await waiting.closed();
  });

  it('whose client does not read is asked for nothing more, and cut when it stays so, and counted', async () => {
    const { listener, reports } = await echoing({ idleTimeoutMs: 500 });
    const client = await TcpClient.open(listener.port);
    sendWithoutReading(client);
    await until(
      () => reports.connections.length,
      (length) => length === 2,
      'the connection is cut',
    );
    expect(reports.sendsFailed).toBe(1);
  });

  it('reset by the client while its query is under way does no harm', async () => {
    const { listener, reports, answer, untilHeld } = await holding();
    const client = await TcpClient.open(listener.port);
    client.send(message(1));
    await untilHeld(1);
    client.socket.resetAndDestroy();
    await until(
      () => reports.connections.length,
      (length) => length === 2,
      'the connection is gone',
    );
    answer(0);
    expect(reports.sendsFailed).toBe(1);
    expect(await (await TcpClient.open(listener.port)).exchange(message(0x0901))).toEqual(message(0x0901));
  });
});

describe('connections', () => {
  it('beyond connectionsMax are refused and counted; one that closes makes room', async () => {
    const { listener, reports } = await echoing({ connectionsMax: 2 });
    const first = await TcpClient.open(listener.port);
    await first.exchange(message(1));
    await (await TcpClient.open(listener.port)).exchange(message(2));
    await (await TcpClient.open(listener.port)).closed();
    expect(reports.rejected).toBe(1);
    first.close();
    await until(
      () => reports.connections.at(-1),
      (change) => change === -1,
      'a connection closes',
    );
    expect(await (await TcpClient.open(listener.port)).exchange(message(3))).toEqual(message(3));
    expect(reports.connections).toEqual([1, 1, -1, 1]);
  });

  it('of one client beyond connectionsPerClientMax are refused', async () => {
    const { listener, reports } = await echoing({ connectionsPerClientMax: 1 });
    const first = await TcpClient.open(listener.port);
    await first.exchange(message(1));
    await (await TcpClient.open(listener.port)).closed();
    expect(reports.rejected).toBe(1);
    expect(await first.exchange(message(2))).toEqual(message(2));
  });

  it('are counted by the /64 in IPv6, which one subscriber has whole, and by the address elsewhere', () => {
    const count = new ConnectionCount();
    const limits = { ...TCP_LIMITS, connectionsPerClientMax: 2 };
    const taken = (...clients: string[]) => clients.map((client) => count.take(client, limits));
    expect(taken('2001:db8::1', '2001:db8::ffff:2', '2001:db8:0:0:1::3')).toEqual([true, true, false]);
    expect(taken('2001:db8:0:1::1', '192.0.2.1', '::ffff:192.0.2.2')).toEqual([true, true, true]);
    expect(taken('fe80::1%eth0', 'fe80::2%eth0', 'fe80::3%eth0')).toEqual([true, true, true]);
    count.giveBack('2001:db8::1');
    expect(taken('2001:db8::4', '2001:db8::5')).toEqual([true, false]);
  });
});

/** A client that does not read, and answers to it that fill the kernel's buffers and some of ours. */
async function unread() {
  const { listener, held, reports, answer, untilHeld } = await holding();
  const client = await TcpClient.open(listener.port);
  client.send(message(1, 60_000));
  await untilHeld(1);
  client.socket.pause();
  const { reply } = held[0]!;
  const socket = 'socket' in reply && reply.socket instanceof Socket ? reply.socket : undefined;
  let sent = 0;
  for (let turnsUnsent = 0; turnsUnsent < 20;) {
    if (turnsUnsent === 0) {
      answer(0);
      sent++;
    }
    await new Promise((resolve) => setImmediate(resolve));
    turnsUnsent = socket!.writableLength > 0 ? turnsUnsent + 1 : 0;
  }
  return { listener, client, reports, sent };
}

describe('close', () => {
  it('is not held up by a client that does not read', async () => {
    const { listener, reports } = await unread();
    await listener.close();
    expect(reports.connections).toEqual([1, -1]);
  });

  it('lets out what was just answered', async () => {
    const { listener, client, sent } = await unread();
    const closed = listener.close();
    client.socket.resume();
    await closed;
    await client.closed();
    expect(client.received).toHaveLength(sent);
  });

  it('after stop(), which takes no new connection and serves the old', async () => {
    const { listener } = await echoing();
    const { port } = listener;
    const client = await TcpClient.open(port);
    await client.exchange(message(1));
    listener.stop();
    expect(await client.exchange(message(2))).toEqual(message(2));
    await expect(TcpClient.open(port)).rejects.toThrow('ECONNREFUSED');
    await listener.close();
    await client.closed();
  });
});

describe('a dropped query', () => {
  it('takes no place in the pipeline', async () => {
    const { listener } = await echoing({ pipelineMax: 1 }, (arrival) =>
      messageOf(arrival)[1] === 1 ? DROPPED : echo(arrival),
    );
    const client = await TcpClient.open(listener.port);
    for (let i = 0; i < 5; i++) client.send(message(1));
    expect(await client.exchange(message(2))).toEqual(message(2));
  });
});
