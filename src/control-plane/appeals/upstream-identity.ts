/**
 * What an encrypted upstream has to prove before the appeals desk asks it: a certificate for its name or address, or one of
 * its pinned keys. The same as the resolver threads demand of it. RFC 7858 section 4.2, RFC 8310 section 8.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../config/config.ts';

/** @param ca PEM of the authorities trusted; '': Node's own */
export function tlsOptions({ host, port, serverName, pins = [] }: UpstreamConfig, ca: string): ConnectionOptions {
  return {
    host,
    port,
    ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
    ...(ca === '' ? {} : { ca }),
    // Why: a pinned key counts instead of a certificate's authority (config: pins).
    rejectUnauthorized: pins.length === 0,
  };
}

/** Of a connection that is encrypted: whether the key is one of those pinned; true without pins. */
export function provesPin(socket: TLSSocket, { pins = [] }: UpstreamConfig): boolean {
  if (pins.length === 0) return true;
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  return key !== undefined && pins.includes(createHash('sha256').update(key).digest('base64'));
}
