/**
 * DNS over HTTPS (RFC 8484): TLS sessions by tls-server.ts, then HTTP/2 or HTTP/1.1 as the client chose by ALPN. No other
 * origin's scripts are let in (no CORS fields), nothing else is served here.
 */
import { createServer as createHttp1Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Listener } from './arrival.ts';
import { closingWith, type TlsListenerOptions } from './dot-listener.ts';
import { DohArrival, type DohHandlers } from './doh-session.ts';
import { HEADER_BYTES_MAX, Http1Session } from './http1-session.ts';
import { Http2Session, http2Settings } from './http2-session.ts';
import { bindStreams, type StreamServer, type StreamServerOptions } from './stream-server.ts';
import { createTlsServer } from './tls-server.ts';

export interface DohListenerOptions extends TlsListenerOptions, StreamServerOptions, DohHandlers {}

/** Errors: rejects when the address cannot be bound (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export async function bindDoh(options: DohListenerOptions): Promise<Listener> {
  const arrival = new DohArrival();
  const http1 = http1Server(options);
  const http2 = createHttp2Server(http2Settings(options.limits.pipelineMax));
  // Why: without a listener Node throws what a session reports.
  http2.on('sessionError', () => undefined);
  const tls = createTlsServer({ ...options, protocols: ['h2', 'http/1.1'] }, (socket) => {
    if (socket.alpnProtocol === 'h2') {
      http2.once('session', (session: ServerHttp2Session) => {
        server.attend(new Http2Session(session, socket, arrival, options), socket);
      });
      http2.updateSettings(http2Settings(options.limits.pipelineMax).settings);
      http2.emit('connection', socket);
    } else {
      const session = new Http1Session(socket, arrival, options);
      server.attend(session, socket);
      http1.serve(socket, session);
    }
  });
  const server: StreamServer = await bindStreams(options, false, (socket) => tls.accept(socket));
  return closingWith(server, () => tls.close());
}

/** Reads HTTP/1.1 off connections that it is given. It binds nothing, so its own timeouts never run: sessions have theirs. */
function http1Server({ onResponse }: DohHandlers) {
  const sessions = new WeakMap<Duplex, Http1Session>();
  const server = createHttp1Server({ maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: 0 });
  server.on('request', (request, response: ServerResponse) => sessions.get(request.socket)?.take(request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
    onResponse(isTooLong ? 431 : 400);
    const status = isTooLong ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () => socket.destroy());
  });
  return {
    serve: (socket: TLSSocket, session: Http1Session) => {
      sessions.set(socket, session);
      server.emit('connection', socket);
    },
  };
}
