/**
 * The connected UDP socket that udp-transport.ts needs, on node:dgram. Connected, so that the kernel drops what comes
 * from anyone but the upstream and tells us when its port is closed; bound by the kernel to a random port. Another
 * implementation (one that sends and receives in batches) only has to satisfy OpenDatagramSocket.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { readUint16 } from '../../dns/patch.ts';

export interface DatagramSocket {
  /**
   * Sends, or queues until the end of this turn. `bytes`, which begin with an id of two octets, may be overwritten once it
   * returns. Failures go to onUnsent or, where they are of something sent before, to onError.
   */
  send(bytes: Uint8Array, end: number): void;
  close(): void;
}

/** Never called from within open or send, nor after close. */
export interface DatagramSocketHandler {
  onOpen(): void;
  /** `bytes` is valid until it returns, unless `isOwned`: then it is the receiver's. */
  onDatagram(bytes: Uint8Array, start: number, end: number, isOwned: boolean): void;
  /** The newest datagram that began with this id has not been sent and will not be. */
  onUnsent(id: number): void;
  /** Before onOpen: the socket is of no use. After: something sent has not arrived, and nobody says what. */
  onError(code: string): void;
}

/** Whether a failure is of what was sent before: that the upstream's port is closed, the kernel says to the next one. */
export function isOfEarlier(code: string): boolean {
  return code === 'ECONNREFUSED';
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
    // Why a callback: without one dgram says nothing of an error that send itself meets, such as an earlier refusal. Why a
    // new one: callbacks kept for reuse were no cheaper (12 to 14 us a datagram either way, nearly all of it dgram's).
    send: (bytes, end) => {
      const id = readUint16(bytes, 0);
      socket.send(bytes, 0, end, (error: NodeJS.ErrnoException | null) => {
        if (error === null || isClosed) return;
        if (isOfEarlier(error.code ?? '')) onError(error);
        else handler.onUnsent(id);
      });
    },
    close: () => {
      isClosed = true;
      socket.close();
    },
  };
};
