import { createSocket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { type Libc, loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { ANSWERED_LATER, type Arrival, DROPPED } from '../../../../src/data-plane/listener/arrival.ts';
import { bindUdpInBatches } from '../../../../src/data-plane/listener/batch-udp-listener.ts';
import { unwillingKernel } from '../../../support/unwilling-kernel.ts';

const libc = loadLibc();

const SLOTS = 64;
const SLOT_BYTES = 4_096;
const NAME_BYTES = 32;
/** The low octet of the port in a sockaddr. */
const PORT_OFFSET = 3;
const EAGAIN = 11;

const nothing = (): never => {
  throw new Error('not expected');
};

/** The real calls, but what comes is the test's: `receive` says how many, and each slot has come from port `portOf`. */
function receiving(receive: (room: number) => number, portOf: (slot: number) => number = () => 53): Libc {
  const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
  // The memory that the kernel would write addresses into: the batches ask where it lies.
  const names: Uint8Array[] = [];
  return {
    ...real,
    addressOf: (buffer) => {
      if (buffer.length === SLOTS * NAME_BYTES) names.push(buffer);
      return real.addressOf(buffer);
    },
    receive: (_fd, _headers, room) => {
      for (const memory of names) {
        for (let slot = 0; slot < SLOTS; slot++) memory[slot * NAME_BYTES + PORT_OFFSET] = portOf(slot);
      }
      return receive(room);
    },
  };
}

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
    let taken = 0;
    const turns: number[] = [];
    const listener = await bindUdpInBatches(
      receiving((room) => (taken < 10 * TURN_MAX ? room : -EAGAIN)),
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
    const counts = [2, 3];
    let answered = 0;
    const ends: number[] = [];
    const times: number[] = [];
    const listener = await bindUdpInBatches(
      receiving(() => counts.shift() ?? -EAGAIN),
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

it.skipIf(libc.kind !== 'ok').each(['127.0.0.1', '::1'])(
  'does not look at what says it came from port 0, on %s (skipped where there are no batches)',
  async (host) => {
    const ports = [53, 0, 53, 0];
    const counts = [ports.length - 1];
    const slots: number[] = [];
    let ended = 0;
    const listener = await bindUdpInBatches(
      receiving(
        () => counts.shift() ?? -EAGAIN,
        (slot) => ports[slot] ?? 53,
      ),
      {
        host,
        port: 0,
        handler: ({ start }) => {
          slots.push(start / SLOT_BYTES);
          return DROPPED;
        },
        onBatchEnd: (receivedAtMs) => {
          ended++;
          return receivedAtMs;
        },
        onSendFailed: nothing,
        onError: nothing,
      },
    );
    const client = createSocket(host === '::1' ? 'udp6' : 'udp4');
    client.send(Buffer.alloc(12), listener.port, host);
    await expect.poll(() => ended).toBe(1);
    // The one that woke us, and the second of the three behind it.
    expect(slots).toEqual([0, 2]);
    client.close();
    await listener.close();
  },
);
