/**
 * A program for gc-stress.test.ts, run with --expose-gc and an address: a listener in batches echoes
 * what clients send while the collector is forced again and again, between and within batches. Prints how many came
 * back, or dies of what it finds.
 */
import { createSocket } from 'node:dgram';
import { ANSWERED_LATER, type Arrival } from '../../src/data-plane/listener/arrival.ts';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { batchSupport } from '../../src/data-plane/batch/self-check.ts';
import { collect } from './forced-collection.ts';
import { listenerDependencies } from './listener-harness.ts';

const CLIENTS = 8;
const ROUNDS = 8;
const PER_ROUND = 16;

const host = process.argv[2] ?? '127.0.0.1';
if (batchSupport().kind !== 'ok') throw new Error('no batches here');

let handled = 0;
const { deps } = listenerDependencies((arrival: Arrival) => {
  handled++;
  if (handled % 64 === 0) collect();
  if (handled % 3 !== 0) return arrival.end - arrival.start;
  const reply = arrival.keepReplyPath();
  const copy = Buffer.from(arrival.bytes.subarray(arrival.start, arrival.end));
  setImmediate(() => {
    if (handled % 32 === 0) collect();
    reply.send(copy, copy.length);
  });
  return ANSWERED_LATER;
});
const listener = await LISTENERS.udp({ host, port: 0 }, deps);
const clients = Array.from({ length: CLIENTS }, () =>
  createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 }),
);
let echoed = 0;
let changed = 0;
let roundDone: () => void = () => undefined;
for (const [of, client] of clients.entries()) {
  client.on('message', (message) => {
    if (message[0] !== of || !message.subarray(2).every((octet) => octet === message[2])) changed++;
    if (++echoed % (CLIENTS * PER_ROUND) === 0) roundDone();
  });
}
for (let round = 0; round < ROUNDS; round++) {
  const done = new Promise<void>((resolve) => (roundDone = resolve));
  for (const [of, client] of clients.entries()) {
    for (let index = 0; index < PER_ROUND; index++) {
      const message = Buffer.alloc(12 + ((round * 7 + index) % 400), round & 0xff);
      message.set([of, index]);
      client.send(message, listener.port, host);
    }
  }
  await done;
  collect();
}
for (const client of clients) client.close();
await listener.close();
process.stdout.write(`${echoed} echoed, ${changed} changed\n`);
