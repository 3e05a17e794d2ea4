/**
 * Ports for programs that cannot choose one and say which: free for UDP and TCP on loopback when asked. Between the
 * answer and its use another program may take the port; the caller sees that as a failed start.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const TRIES_MAX = 50;
const handedOut = new Set<number>();

/** A port that both protocols can bind on 127.0.0.1, different from every one given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const udpIsFree = await canBindUdp(port);
    server.close();
    await once(server, 'close');
    if (udpIsFree && !handedOut.has(port)) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error('no free port found');
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
