/**
 * The kernel's drops and the buffer it grants, against real sockets whose queue is filled on purpose. Skipped where the
 * system calls cannot be had (another system, no koffi): there is nothing to ask then, and nothing is counted.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { SocketWatch } from '../../../../src/data-plane/batch/socket-watch.ts';
import { sockaddrBytes, writeSockaddr } from '../../../../src/data-plane/batch/sockaddr.ts';
import { MessageBatch } from '../../../../src/data-plane/batch/message-batch.ts';
import { SocketSideRow } from '../../../../src/telemetry/counter-labels.ts';
import { COUNTER_CELLS, Counter } from '../../../../src/telemetry/counters.ts';

const outcome = loadLibc();
const SENT = 2_000;
const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A receiver whose queue holds few datagrams, and a sender that the test awaits. */
async function receiverAndSender(receiveBufferBytes: number) {
  if (outcome.kind !== 'ok') throw new Error(outcome.reason);
  const { libc } = outcome;
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  const sockaddr = new Uint8Array(sockaddrBytes(false));
  writeSockaddr(sockaddr, 0, false, '127.0.0.1', port);
  const fd = libc.openUdp({ sockaddr, isV6: false, shared: false, receiveBufferBytes });
  open.push(() => libc.close(fd));
  const sender = createSocket('udp4');
  open.push(() => sender.close());
  const flood = async (): Promise<void> => {
    const datagram = Buffer.alloc(100);
    await Promise.all(
      Array.from(
        { length: SENT },
        () =>
          new Promise<void>((resolve, reject) =>
            sender.send(datagram, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))),
          ),
      ),
    );
  };
  const drain = (): number => {
    const batch = new MessageBatch(libc, false, 64, 512);
    let count = 0;
    for (let got = batch.receive(fd, 0); got > 0; got = batch.receive(fd, 0)) count += got;
    return count;
  };
  return { libc, fd, flood, drain };
}

test.skipIf(outcome.kind !== 'ok')('counts every datagram that found no room, and none that did', async () => {
  const { libc, fd, flood, drain } = await receiverAndSender(8_192);
  const cells = new Float64Array(COUNTER_CELLS);
  const watch = new SocketWatch(libc, cells);
  const watched = watch.watch(fd, SocketSideRow.client, false);
  await flood();
  watch.look();
  const first = drain();
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(SENT);
  expect(cells[Counter.kernelDrops + SocketSideRow.client]).toBe(SENT - first);
  await flood();
  const second = drain();
  // What was dropped since the last look is counted when the socket leaves.
  watch.unwatch(watched);
  expect(cells[Counter.kernelDrops + SocketSideRow.client]).toBe(2 * SENT - first - second);
  expect(cells[Counter.kernelDrops + SocketSideRow.upstream]).toBe(0);
  watch.unwatch(watched);
  expect(cells[Counter.kernelDrops + SocketSideRow.client]).toBe(2 * SENT - first - second);
});

test.skipIf(outcome.kind !== 'ok')('says the smallest receive buffer of each side', async () => {
  const small = await receiverAndSender(8_192);
  const large = await receiverAndSender(65_536);
  const cells = new Float64Array(COUNTER_CELLS);
  const watch = new SocketWatch(small.libc, cells);
  watch.watch(large.fd, SocketSideRow.client, false);
  const watched = watch.watch(small.fd, SocketSideRow.client, false);
  watch.look();
  const bytes = cells[Counter.receiveBufferBytes + SocketSideRow.client]!;
  expect(bytes).toBe(small.libc.socketMemory(small.fd)?.receiveBufferBytes);
  expect(bytes).toBeGreaterThanOrEqual(8_192);
  watch.unwatch(watched);
  watch.look();
  expect(cells[Counter.receiveBufferBytes + SocketSideRow.client]).toBeGreaterThan(bytes);
  expect(cells[Counter.receiveBufferBytes + SocketSideRow.upstream]).toBe(0);
});

test.skipIf(outcome.kind !== 'ok')('looks at each socket once in two ticks, and says when', async () => {
  const { libc, fd } = await receiverAndSender(8_192);
  let asked = 0;
  const counting = { ...libc, socketMemory: (of: number) => (asked++, libc.socketMemory(of)) };
  const watch = new SocketWatch(counting, new Float64Array(COUNTER_CELLS));
  watch.watch(fd, SocketSideRow.client, false);
  asked = 0;
  expect([1, 2, 3, 4, 5].map(() => watch.tick())).toEqual([true, false, true, false, true]);
  expect(asked).toBe(3);
});
