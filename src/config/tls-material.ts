/**
 * What a listener needs to speak TLS, as the supervisor hands it to every thread that has one: PEM texts that were found
 * to fit each other, and the keys that let a client resume with one thread what it began with another. Type only.
 */

export interface TlsMaterial {
  /** The chain, the server's own certificate first. PEM. */
  readonly certificate: string;
  /** PEM, not encrypted. Never logged. */
  readonly key: string;
  /** 48 octets that encrypt session tickets (RFC 5077 4); never logged. */
  readonly ticketKeys: Uint8Array;
  /** What clients know the server by: tls.name, or the certificate's first DNS name; '' where there is neither. */
  readonly name: string;
  /** When the certificate ends. Units: seconds since 1970. */
  readonly expiresAtSeconds: number;
}
