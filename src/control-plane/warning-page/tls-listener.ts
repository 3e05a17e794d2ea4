/**
 * Where HTTPS to a sinkholed name arrives. Nobody can show a page there without pretending to be the name asked for, and
 * Weir does not pretend: it reads the ClientHello, counts what was asked for and ends the connection with a TLS alert, so
 * that the browser says at once that there is no connection, or asks again by HTTP, where the page is. Only where an
 * operator of a managed network has given Weir that network's own authority is the page served, for names that are
 * blocked now. RFC 8446 6.2.
 */
import { type Server, type Socket, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { HelloRow } from '../../telemetry/counter-labels.ts';
import type { HelloOutcome } from '../../telemetry/counter-labels.ts';
import { Counter } from '../../telemetry/counters.ts';
import type { CertificateStore } from './certificate-store.ts';
import { readClientHello } from './client-hello.ts';
import { clientOctets } from '../../policy/address.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import type { HostJudge } from './host-judge.ts';
import { hostOf } from './request-view.ts';

/** For the hello to arrive, and for the handshake behind it. */
export const HELLO_TIMEOUT_MS = 3_000;
/** Pieces that a hello may arrive in. Why: it is read from the start with each. */
const PIECES_MAX = 64;
/** For the alert to reach the client, who is the one to close. */
const LINGER_MS = 500;

/**
 * Fatal, unrecognized_name: "If the server understood the ClientHello extension but does not recognize the server name,
 * the server SHOULD ... abort the handshake by sending a fatal-level unrecognized_name(112) alert" (RFC 6066 3). It is
 * true, and it is what Chromium takes best: it asks no second time, and goes on by HTTP where that was typed.
 */
export const ALERT_DESCRIPTION = 112;
const ALERT = Buffer.of(21, 3, 3, 0, 2, 2, ALERT_DESCRIPTION);

export interface TlsListenerOptions {
  readonly judge: HostJudge;
  readonly connections: ConnectionLimit;
  readonly cells: Float64Array;
  /** Undefined: no authority, so nobody is shown a certificate. */
  readonly certificates: CertificateStore | undefined;
  /** Takes a connection whose handshake is done. */
  readonly onSecure: (socket: TLSSocket) => void;
}

/** Makes the server; the caller listens and closes. */
export function createTlsListener(options: TlsListenerOptions): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (options.connections.admit(socket)) readHello(socket, options);
  });
}

function readHello(socket: Socket, options: TlsListenerOptions): void {
  let received: Buffer = Buffer.alloc(0);
  let pieces = 0;
  const timer = setTimeout(() => finish('timeout'), HELLO_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.on('data', onData);

  function onData(piece: Buffer): void {
    received = received.length === 0 ? piece : Buffer.concat([received, piece]);
    const hello = readClientHello(received);
    if (hello.kind === 'incomplete' && ++pieces < PIECES_MAX) return;
    if (hello.kind !== 'hello') return finish('malformed');
    if (hello.name === undefined) return finish('noName');
    const host = hostOf('/', { host: hello.name });
    const isBlocked = host !== undefined && options.judge(host, clientOctets(socket.remoteAddress)) !== undefined;
    finish(isBlocked ? 'blocked' : 'notBlocked', host);
  }

  function finish(outcome: HelloOutcome, host?: string): void {
    clearTimeout(timer);
    socket.off('data', onData);
    options.cells[Counter.pageHellos + HelloRow[outcome]]!++;
    const context = outcome === 'blocked' ? options.certificates?.contextFor(host!) : undefined;
    if (context === undefined) refuse(socket, outcome);
    else {
      socket.pause();
      socket.unshift(received);
      const tls = new TLSSocket(socket, { isServer: true, secureContext: context, ALPNProtocols: ['http/1.1'] });
      options.connections.secured(socket, tls);
      secure(tls, options);
    }
  }
}

/** Ends it with an alert; what was no TLS, or nothing, gets no octet. */
function refuse(socket: Socket, outcome: HelloOutcome): void {
  if (outcome === 'malformed' || outcome === 'timeout') {
    socket.destroy();
    return;
  }
  socket.end(ALERT);
  // Why read on: octets left unread when a socket is closed make the kernel send a reset, which overtakes the alert.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function secure(socket: TLSSocket, { onSecure }: TlsListenerOptions): void {
  const timer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
  socket.once('secure', () => {
    clearTimeout(timer);
    onSecure(socket);
  });
}
