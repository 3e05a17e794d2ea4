/**
 * TLS of the admin listener: on loopback it speaks HTTP, for whoever is there is on this machine; elsewhere HTTPS only, for
 * tokens pass there. A new certificate is for new connections. RFC 9325.
 */
import type { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { isLoopback } from '../../config/address.ts';
import type { SocketAddress } from '../../config/config.ts';
import type { TlsMaterial } from '../../config/tls-material.ts';

const HANDSHAKE_TIMEOUT_MS = 5_000;

/** The certificate to show at `address`; undefined: HTTP. */
export function adminMaterial(
  address: SocketAddress | undefined,
  material: TlsMaterial | undefined,
): TlsMaterial | undefined {
  return address === undefined || isLoopback(address.host) ? undefined : material;
}

/** Settings for an HTTPS server. */
export function adminTlsSettings({ certificate, key }: TlsMaterial) {
  return { cert: certificate, key, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS } as const;
}

/** Shows another certificate from now on, where the server speaks HTTPS. */
export function replaceAdminCertificate(server: HttpServer | HttpsServer, material: TlsMaterial | undefined): void {
  if (server instanceof HttpsServer && material !== undefined) server.setSecureContext(adminTlsSettings(material));
}
