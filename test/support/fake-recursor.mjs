#!/usr/bin/env node
/**
 * Stands in for Unbound: reads the port from the configuration that it is given (-d -c FILE) and answers every A query
 * with 192.0.2.7. A query for die.example ends it, one for hang.example makes it deaf.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[process.argv.indexOf('-c') + 1], 'utf8');
const port = Number(/interface: 127\.0\.0\.1@(\d+)/.exec(text)[1]);
const socket = createSocket('udp4');
let isDeaf = false;
socket.on('message', (query, peer) => {
  const name = query.toString('latin1', 12);
  if (name.includes('die')) process.exit(3);
  if (name.includes('hang')) isDeaf = true;
  if (isDeaf) return;
  let end = 12;
  while (query[end] !== 0) end += query[end] + 1;
  end += 5;
  const response = Buffer.concat([
    query.subarray(0, end),
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 7]),
  ]);
  response.writeUInt16BE(0x8180, 2);
  response.writeUInt16BE(1, 6);
  response.writeUInt32BE(0, 8);
  socket.send(response, peer.port, peer.address);
});
socket.bind(port, '127.0.0.1', () => process.stderr.write(`[1] fake[${process.pid}:0] info: start of service\n`));
process.on('SIGTERM', () => process.exit(0));
