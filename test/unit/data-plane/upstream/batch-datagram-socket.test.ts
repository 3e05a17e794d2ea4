/** What sockets in batches alone have to see to; datagram-socket-contract.test.ts has what all do. */
import { createSocket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { openInBatches } from '../../../../src/data-plane/upstream/batch-datagram-socket.ts';

/** UNSENT_MAX. */
const WAITING_MAX = 1_024;
const libc = loadLibc();

test.skipIf(libc.kind !== 'ok')(
  'a descriptor that node:dgram does not take is closed, and said to be of no use',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const fd = openSync('/dev/null', 'r');
    const close = vi.fn(closeSync);
    const onError = vi.fn();
    const open = openInBatches({ ...real, openUdp: () => fd, connect: () => undefined, close });
    const socket = open('127.0.0.1', 53, { onOpen: () => undefined, onDatagram: () => undefined, onError });
    expect(close).toHaveBeenCalledExactlyOnceWith(fd);
    expect(onError).not.toHaveBeenCalled();
    await expect.poll(() => onError.mock.calls).toEqual([['ERR_INVALID_FD_TYPE']]);
    socket.close();
  },
);

test.skipIf(libc.kind !== 'ok')(
  'a thousand datagrams wait for room in the kernel; one more is said to have failed (skipped where there are no batches)',
  async () => {
    const real = libc.kind === 'ok' ? libc.libc : (undefined as never);
    const server = createSocket('udp4').on('message', () => void came++);
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    let came = 0;
    let isFull = true;
    const send: typeof real.send = (...call) => (isFull ? -real.ENOBUFS : real.send(...call));
    const onError = vi.fn();
    const onOpen = vi.fn();
    const open = openInBatches({ ...real, send });
    const socket = open('127.0.0.1', server.address().port, { onOpen, onDatagram: () => undefined, onError });
    await expect.poll(() => onOpen.mock.calls.length).toBe(1);
    for (let count = 0; count < WAITING_MAX + 1; count++) socket.send(Buffer.from('hello'), 5);
    await expect.poll(() => onError.mock.calls).toEqual([['ENOBUFS']]);
    isFull = false;
    // Why not all: the server's own queue is shorter than a thousand datagrams on some machines.
    await expect.poll(() => came).toBeGreaterThan(64);
    socket.close();
    server.close();
    expect(onError).toHaveBeenCalledTimes(1);
  },
);
