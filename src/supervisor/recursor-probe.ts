/**
 * Asks the recursor something that it knows without the network, so that a failed link is not taken for a stuck child:
 * localhost. (RFC 6761 6.3: "Caching DNS servers SHOULD recognize localhost names as special".)
 */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { encodeQuery } from '../dns/codec.ts';
import { readUint16 } from '../dns/patch.ts';

const TYPE_A = 1;
const RESPONSE_FLAG = 0x80;
const HEADER_BYTES = 12;

/** Whether a response comes within the time. Never throws. */
export function answersLocally(port: number, timeoutMs: number): Promise<boolean> {
  const id = randomInt(0x1_0000);
  const query = encodeQuery({ id, name: 'localhost', type: TYPE_A });
  if (query === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => end(false), timeoutMs);
    function end(answers: boolean): void {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(answers);
    }
    socket.on('error', () => end(false));
    socket.on('message', (message) => {
      if (message.length < HEADER_BYTES || readUint16(message, 0) !== id) return;
      if ((message[2]! & RESPONSE_FLAG) !== 0) end(true);
    });
    socket.connect(port, '127.0.0.1', () => {
      // Why a callback: without one an earlier refusal would throw.
      socket.send(query, (error) => {
        if (error !== null) end(false);
      });
    });
  });
}
