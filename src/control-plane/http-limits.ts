/** The limits of every HTTP server of the control plane, and the socket errors they lead to. */
import type { Socket } from 'node:net';
import { LogController } from 'fastify';

export const HEADER_BYTES_MAX = 16 * 1024;
const BODY_BYTES_MAX = 1024 * 1024;
export const CONNECTIONS_MAX = 512;
/** For the whole request to arrive; a client that sends an octet a second is cut off here. */
export const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** Without traffic in either direction. */
export const CONNECTION_TIMEOUT_MS = 30_000;
const REQUESTS_PER_CONNECTION_MAX = 1000;

/** Settings for fastify. */
export const HTTP_SERVER_SETTINGS = {
  bodyLimit: BODY_BYTES_MAX,
  connectionTimeout: CONNECTION_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  maxRequestsPerSocket: REQUESTS_PER_CONNECTION_MAX,
  http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS },
  forceCloseConnections: true,
  logController: new LogController({ disableRequestLogging: true }),
} as const;

/** Status for a request that node:http could not even read. */
export function statusOfClientError(code: string | undefined): 400 | 408 | 431 {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

/** Ends a connection whose request could not be read, with a short response if it can still be written. */
export function answerClientError(error: { code?: string }, socket: Socket, contentType: string, body: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusOfClientError(error.code);
  const reason =
    status === 431 ? 'Request Header Fields Too Large' : status === 408 ? 'Request Timeout' : 'Bad Request';
  const length = Buffer.byteLength(body);
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
