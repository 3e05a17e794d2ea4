/**
 * Ports for programs that cannot choose one and say which: free for UDP and TCP on loopback when asked, from a range below
 * the system's ephemeral ports, which nobody who asks for port 0 is given meanwhile. Drawn at random, for tests run beside
 * each other in processes of their own.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const TRIES_MAX = 50;
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;
const handedOut = new Set<number>();

/** A port that both protocols can bind on 127.0.0.1, different from every one given before. Errors: rejects after 50 tries. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (handedOut.has(port) || !(await canListen(port)) || !(await canBindUdp(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error('no free port found');
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    const bound = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    await bound;
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function canBindUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    const bound = once(socket, 'listening');
    socket.bind(port, '127.0.0.1');
    await bound;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
