/**
 * TLS for tcp-transport.ts: a connection counts as ready when the upstream has proved to be the one configured, by a
 * certificate for its name (or address) or by a pinned public key. Sessions are resumed. Why a connection fails is said
 * once in a while, for a wrong certificate looks like a dead upstream otherwise.
 * RFC 7858 3 (port 853, ALPN), 4.2 (pinned keys); RFC 8310 8 (strict profile: no answer rather than an unproved one).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../config/config.ts';
import { Complaint } from './complaint.ts';
import type { OpenStream } from './tcp-transport.ts';

/** "dot", as registered with IANA (RFC 7858 has no ALPN; RFC 9461 does). */
const ALPN_DOT = 'dot';

export interface TlsIdentity extends Pick<UpstreamConfig, 'serverName'> {
  readonly pins: readonly string[];
}

/** In place of a certificate that is good but not the one. */
export const WRONG_KEY = 'its public key is none of those pinned';

/** What TLS needs to prove the upstream. `ca`: PEM of the authorities trusted; '': Node's own. */
export function tlsOptions(identity: TlsIdentity, host: string, ca: string): ConnectionOptions {
  const name = identity.serverName ?? host;
  return {
    host,
    // "Literal IPv4 and IPv6 addresses are not permitted" (RFC 6066 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === '' ? {} : { ca }),
    minVersion: 'TLSv1.2',
    // Why false with pins: the key is what counts, whoever signed for it; provesPin looks before anything is sent.
    rejectUnauthorized: identity.pins.length === 0,
  };
}

/** Whether the upstream's public key is one of those pinned; true without pins. */
export function provesPin(socket: TLSSocket, pins: readonly string[]): boolean {
  if (pins.length === 0) return true;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256').update(spki).digest();
  return pins.some((pin) => {
    const pinned = Buffer.from(pin, 'base64');
    return pinned.length === digest.length && timingSafeEqual(pinned, digest);
  });
}

/** Opens connections to one upstream; remembers its last session. */
export function openTls(identity: TlsIdentity, ca: string, report: (reason: string) => void): OpenStream {
  let session: Buffer | undefined;
  const complaint = new Complaint(report);
  // Why not with pins: a resumed session shows no certificate to compare.
  const mayResume = identity.pins.length === 0;
  return (host, port, onReady) => {
    const socket = connect({
      ...tlsOptions(identity, host, ca),
      port,
      ALPNProtocols: [ALPN_DOT],
      ...(session === undefined ? {} : { session }),
    });
    let isProved = false;
    socket.setNoDelay(true);
    socket.once('secureConnect', () => {
      isProved = provesPin(socket, identity.pins);
      if (isProved) return onReady();
      socket.destroy(new Error(WRONG_KEY));
    });
    socket.on('session', (ticket: Buffer) => {
      if (mayResume) session = ticket;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      session = undefined;
      if (!isProved) complaint.say(error);
    });
    return socket;
  };
}
