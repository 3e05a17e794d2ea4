/**
 * Ports for the programs of a benchmark: free for UDP and TCP on loopback when asked, from a range below the system's
 * ephemeral ports, so that no source port of a server under test can take one.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST_PORT = 6_100;
const LAST_PORT = 6_999;
let next = FIRST_PORT;

/** Errors: rejects when the whole range is taken. */
export async function benchPort(): Promise<number> {
  while (next <= LAST_PORT) {
    const port = next++;
    if ((await canListen(port)) && (await canBind(port))) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${LAST_PORT}`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function canBind(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
