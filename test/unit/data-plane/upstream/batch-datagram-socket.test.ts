/** What a socket in batches makes of datagrams larger than its slots: the kernel cuts them without a word. */
import { createSocket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadLibc } from '../../../../src/data-plane/batch/libc.ts';
import { openInBatches } from '../../../../src/data-plane/upstream/batch-datagram-socket.ts';
import type { DatagramSocket } from '../../../../src/data-plane/upstream/datagram-socket.ts';
import { HeaderFlag } from '../../../../src/dns/iana.ts';
import { readUint16 } from '../../../../src/dns/patch.ts';

const LARGE_BYTES = 5000;
const DATAGRAMS = 5;
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

test.skipIf(libc.kind !== 'ok')('a datagram that is cut says by TC that it is not whole', async () => {
  const server = createSocket('udp4').on('message', (_, { port, address }) => {
    for (let count = 0; count < DATAGRAMS; count++) server.send(Buffer.alloc(LARGE_BYTES), port, address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const came: { readonly isWhole: boolean; readonly isTruncated: boolean }[] = [];
  const open = openInBatches(libc.kind === 'ok' ? libc.libc : (undefined as never));
  const socket: DatagramSocket = open('127.0.0.1', server.address().port, {
    onOpen: () => socket.send(Buffer.from('hello'), 5),
    onDatagram: (bytes, start, end) => {
      const isTruncated = (readUint16(bytes, start + 2) & HeaderFlag.TC) !== 0;
      came.push({ isWhole: end - start === LARGE_BYTES, isTruncated });
    },
    onError: () => undefined,
  });
  await expect.poll(() => came.length).toBe(DATAGRAMS);
  socket.close();
  server.close();
  expect(came.some(({ isWhole }) => !isWhole)).toBe(true);
  expect(came.filter(({ isWhole, isTruncated }) => isWhole === isTruncated)).toEqual([]);
});
