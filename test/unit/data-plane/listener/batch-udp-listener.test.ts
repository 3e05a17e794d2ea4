import { createSocket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { ANSWERED_LATER, type Arrival, DROPPED } from '../../../../src/data-plane/listener/arrival.ts';
import { bindUdpInBatches } from '../../../../src/data-plane/listener/batch-udp-listener.ts';
import { unwillingKernel } from '../../../support/unwilling-kernel.ts';

const libc = loadLibc();

const nothing = (): never => {
  throw new Error('not expected');
};

it.skipIf(libc.kind !== 'ok')('closes a descriptor that node:dgram does not take', async () => {
  const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
  const fd = openSync('/dev/null', 'r');
  const close = vi.fn(closeSync);
  const bound = bindUdpInBatches(
    { ...real, openUdp: () => fd, close },
    { host: '127.0.0.1', port: 0, handler: nothing, onBatchEnd: nothing, onSendFailed: nothing, onError: nothing },
  );
  await expect(bound).rejects.toMatchObject({ code: 'ERR_INVALID_FD_TYPE' });
  expect(close).toHaveBeenCalledExactlyOnceWith(fd);
});

it.skipIf(libc.kind !== 'ok').each(['127.0.0.1', '::1'])(
  'sends each response once or counts it, whatever the kernel takes, on %s (skipped where there are no batches)',
  async (host) => {
    const QUERIES = 300;
    const CLIENTS = 3;
    const kernel = unwillingKernel(libc.kind === 'ok' ? libc.libc : (undefined as never));
    let failed = 0;
    const listener = await bindUdpInBatches(kernel.libc, {
      host,
      port: 0,
      // Half at once, half later: two batches of memory.
      handler: (arrival: Arrival) => {
        const length = arrival.end - arrival.start;
        if ((arrival.bytes[arrival.start + 1]! & 1) === 0) return length;
        const reply = arrival.keepReplyPath();
        const copy = Buffer.from(arrival.bytes.subarray(arrival.start, arrival.end));
        setImmediate(() => reply.send(copy, length));
        return ANSWERED_LATER;
      },
      onBatchEnd: (receivedAtMs) => receivedAtMs,
      onSendFailed: () => failed++,
      onError: nothing,
    });
    const came = new Map<number, number>();
    const type = host === '::1' ? 'udp6' : 'udp4';
    // Why several: ways back are used again, and each must lead to its own client.
    const clients = Array.from({ length: CLIENTS }, () => createSocket({ type, recvBufferSize: 1024 * 1024 }));
    for (const [of, client] of clients.entries()) {
      client.on('message', (message) => {
        const id = message.readUInt16BE(0);
        const isOwn = id % CLIENTS === of && message.subarray(2).every((octet) => octet === (id & 0xff));
        if (isOwn) came.set(id, (came.get(id) ?? 0) + 1);
      });
    }
    for (let id = 0; id < QUERIES; id++) {
      const query = Buffer.alloc(20 + (id % 50), id & 0xff);
      query.writeUInt16BE(id);
      clients[id % CLIENTS]!.send(query, listener.port, host);
      if (id % 50 === 49) await new Promise(setImmediate);
    }
    await expect.poll(() => came.size + failed).toBe(QUERIES);
    for (const client of clients) client.close();
    await listener.close();
    expect([...came.values()].every((times) => times === 1)).toBe(true);
    expect(failed).toBe(kernel.refused);
    expect(Math.min(kernel.refused, kernel.full, kernel.cut)).toBeGreaterThan(0);
  },
);

it.skipIf(libc.kind !== 'ok')(
  'leaves a queue that never ends for the next turn of the event loop (skipped where there are no batches)',
  async () => {
    const TURN_MAX = 1_024 + 64 + 1;
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    let taken = 0;
    const receive: typeof real.receive = (_fd, _headers, count) => (taken < 10 * TURN_MAX ? count : -real.EAGAIN);
    const turns: number[] = [];
    const listener = await bindUdpInBatches(
      { ...real, receive },
      {
        host: '127.0.0.1',
        port: 0,
        handler: () => {
          if (taken++ === 0) setImmediate(() => turns.push(taken));
          return DROPPED;
        },
        onBatchEnd: (receivedAtMs) => receivedAtMs,
        onSendFailed: nothing,
        onError: nothing,
      },
    );
    const client = createSocket('udp4');
    client.send(Buffer.alloc(12), listener.port, '127.0.0.1');
    await expect.poll(() => turns.length).toBe(1);
    expect(turns[0]).toBeGreaterThan(64);
    expect(turns[0]).toBeLessThanOrEqual(TURN_MAX);
    client.close();
    await listener.close();
  },
);

it.skipIf(libc.kind !== 'ok')(
  'looks at the clock once a batch: what is taken next came when the last was answered (skipped where there are no batches)',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const counts = [2, 3];
    let answered = 0;
    const ends: number[] = [];
    const times: number[] = [];
    const listener = await bindUdpInBatches(
      { ...real, receive: () => counts.shift() ?? -real.EAGAIN },
      {
        host: '127.0.0.1',
        port: 0,
        handler: ({ receivedAtMs }) => {
          times.push(receivedAtMs);
          answered++;
          return DROPPED;
        },
        onBatchEnd: (receivedAtMs) => {
          ends.push(receivedAtMs);
          return receivedAtMs + 1_000;
        },
        onSendFailed: nothing,
        onError: nothing,
      },
    );
    const client = createSocket('udp4');
    client.send(Buffer.alloc(12), listener.port, '127.0.0.1');
    // The one that woke us, the two behind it, and three in a batch of their own.
    await expect.poll(() => answered).toBe(6);
    const [first = 0] = times;
    expect(times).toEqual([first, first, first, first + 1_000, first + 1_000, first + 1_000]);
    expect(ends).toEqual([first, first + 1_000]);
    client.close();
    await listener.close();
  },
);
