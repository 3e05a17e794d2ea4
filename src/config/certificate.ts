/**
 * Reads a certificate chain and its private key and says whether they fit each other: for the checks of a configuration,
 * and again whenever the files change. Why here what is wrong is told by the file it is in: the key's octets never
 * become part of a message. RFC 5280; PEM by RFC 7468.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readSmallFile } from './file-access.ts';

const PEM_BYTES_MAX = 256 * 1024;

export interface Certificate {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
  /** The first DNS name in it that is no wildcard; '' where it has none. */
  readonly dnsName: string;
  /** Units: seconds since 1970. */
  readonly beginsAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** Whether it names the address. */
  namesAddress(address: string): boolean;
  namesHost(name: string): boolean;
}

export type CertificateOutcome =
  | { readonly kind: 'ok'; readonly value: Certificate }
  /** `file` says which of the two is to blame. */
  | { readonly kind: 'bad'; readonly file: 'certificate' | 'key'; readonly message: string };

/** Reads both files. Never throws for what they hold. */
export function readCertificate(certificateFile: string, keyFile: string): CertificateOutcome {
  const certificate = readSmallFile(certificateFile, PEM_BYTES_MAX);
  if (certificate.kind === 'bad') return { ...certificate, file: 'certificate' };
  const key = readSmallFile(keyFile, PEM_BYTES_MAX);
  if (key.kind === 'bad') return { ...key, file: 'key' };
  return checkCertificate(certificate.text, key.text);
}

/** The same for texts that are at hand. */
export function checkCertificate(certificate: string, key: string): CertificateOutcome {
  const own = parseCertificate(certificate);
  if (own === undefined) return bad('certificate', 'is no certificate in PEM');
  const privateKey = parseKey(key);
  if (typeof privateKey === 'string') return bad('key', privateKey);
  if (!own.checkPrivateKey(privateKey)) return bad('key', 'is not the private key of the certificate');
  try {
    createSecureContext({ cert: certificate, key });
  } catch {
    return bad('certificate', 'cannot be used: what follows the first certificate is none, or the key is too weak');
  }
  return { kind: 'ok', value: describe(own, certificate, key) };
}

function describe(own: X509Certificate, certificate: string, key: string): Certificate {
  const names = [...(own.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name]) => name ?? '');
  return {
    certificate,
    key,
    dnsName: names.find((name) => !name.startsWith('*')) ?? '',
    beginsAtSeconds: own.validFromDate.getTime() / 1000,
    expiresAtSeconds: own.validToDate.getTime() / 1000,
    namesAddress: (address) => own.checkIP(address) !== undefined,
    namesHost: (name) => own.checkHost(name) !== undefined,
  };
}

function bad(file: 'certificate' | 'key', message: string): CertificateOutcome {
  return { kind: 'bad', file, message };
}

function parseCertificate(text: string): X509Certificate | undefined {
  try {
    return text.includes('-----BEGIN') ? new X509Certificate(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The key, or why it is none. Why no text of the error: it comes from the parser that saw the key. */
function parseKey(text: string): ReturnType<typeof createPrivateKey> | string {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return 'is encrypted; Weir starts without anyone to type a password: store it without one, readable by Weir alone';
  }
  try {
    return createPrivateKey(text);
  } catch {
    return 'is no private key in PEM';
  }
}
