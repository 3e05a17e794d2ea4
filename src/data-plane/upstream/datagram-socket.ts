/**
 * The connected UDP socket that udp-transport.ts needs, on node:dgram. Connected, so that the kernel drops what comes
 * from anyone but the upstream and tells us when its port is closed; bound by the kernel to a random port. Another
 * implementation (one that sends and receives in batches) only has to satisfy OpenDatagramSocket.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface DatagramSocket {
  /** Sends, or queues until the end of this turn. `bytes` may be overwritten once it returns. Failures go to onError. */
  send(bytes: Uint8Array, end: number): void;
  close(): void;
}

/** Never called from within open or send, nor after close. */
export interface DatagramSocketHandler {
  onOpen(): void;
  /** `bytes` is valid until it returns, unless `isOwned`: then it is the receiver's. */
  onDatagram(bytes: Uint8Array, start: number, end: number, isOwned: boolean): void;
  /** Before onOpen: the socket is of no use. After: something sent has not arrived. */
  onError(code: string): void;
}

export type OpenDatagramSocket = (host: string, port: number, handler: DatagramSocketHandler) => DatagramSocket;

export const openDgramSocket: OpenDatagramSocket = (host, port, handler) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let isClosed = false;
  socket.on('message', (message) => {
    handler.onDatagram(message, 0, message.length, true);
  });
  const onError = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null && !isClosed) handler.onError(error.code ?? 'unknown');
  };
  socket.on('error', onError);
  // Why unlike 'message', 'connect' can come after close(): it follows a lookup of its own.
  socket.on('connect', () => {
    if (!isClosed) handler.onOpen();
  });
  socket.connect(port, host);
  return {
    // Why the caller may overwrite: libuv sends at once unless the kernel's buffer is full; then the datagram that goes
    // out later carries another id, nobody waits for its response, and the query is tried again.
    // Why a callback: without one dgram says nothing of an error that send itself meets, such as an earlier refusal.
    send: (bytes, end) => socket.send(bytes, 0, end, onError),
    close: () => {
      isClosed = true;
      socket.close();
    },
  };
};
