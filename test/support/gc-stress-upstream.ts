/**
 * A program for gc-stress.test.ts, run with --expose-gc and an address: sockets to an upstream, in
 * batches, ask and are answered while the collector is forced between and within batches, and sockets are replaced as
 * the pool replaces them. Prints how many came back, or dies of what it finds.
 */
import { createSocket } from 'node:dgram';
import { batchSupport } from '../../src/data-plane/batch/self-check.ts';
import { collect } from './forced-collection.ts';
import { openInBatches } from '../../src/data-plane/upstream/batch-datagram-socket.ts';
import type { DatagramSocket } from '../../src/data-plane/upstream/datagram-socket.ts';

const SOCKETS = 8;
const ROUNDS = 8;
const PER_ROUND = 16;

const host = process.argv[2] ?? '127.0.0.1';
const support = batchSupport();
if (support.kind !== 'ok') throw new Error('no batches here');

const server = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 });
server.on('message', (message, { port, address }) => server.send(message, port, address));
await new Promise<void>((resolve) => server.bind(0, host, resolve));

let answered = 0;
let changed = 0;
let roundDone: () => void = () => undefined;
const open = openInBatches(support.libc);

function openSocket(of: number): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = open(host, server.address().port, {
      onOpen: () => resolve(socket),
      onDatagram: (bytes, start, end) => {
        const filler = bytes.subarray(start + 2, end);
        if (bytes[start] !== of || !filler.every((octet) => octet === filler[0])) changed++;
        if (answered % 64 === 0) collect();
        if (++answered % (SOCKETS * PER_ROUND) === 0) roundDone();
      },
      onUnsent: (id) => reject(new Error(`${id} was not sent`)),
      onError: (code) => reject(new Error(code)),
    });
  });
}

const sockets = await Promise.all(Array.from({ length: SOCKETS }, (_, of) => openSocket(of)));
for (let round = 0; round < ROUNDS; round++) {
  const done = new Promise<void>((resolve) => (roundDone = resolve));
  for (const [of, socket] of sockets.entries()) {
    for (let index = 0; index < PER_ROUND; index++) {
      const message = Buffer.alloc(12 + ((round * 7 + index) % 400), round & 0xff);
      message.set([of, index]);
      socket.send(message, message.length);
      message.fill(0);
      if (index === 7) collect();
    }
  }
  await done;
  const of = round % SOCKETS;
  sockets[of]!.close();
  sockets[of] = await openSocket(of);
  collect();
}
for (const socket of sockets) socket.close();
server.close();
process.stdout.write(`${answered} answered, ${changed} changed\n`);
