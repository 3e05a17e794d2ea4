/**
 * The files with which a list is fetched, as text: token, authorities, client certificate and its key. For the checks of
 * a configuration, and again before each fetch, so that a file that changes counts from the next one on. What is wrong
 * is told by the file it is in: neither a token nor a key ever becomes part of a message. RFC 6750 2.1, RFC 7468.
 */
import { X509Certificate } from 'node:crypto';
import { checkCertificate } from './certificate.ts';
import type { ListConfig } from './config.ts';
import { readSmallFile } from './file-access.ts';

export const ACCESS_KEYS = ['tokenFile', 'ca', 'clientCertificate', 'clientKey', 'proxy'] as const;
export type AccessKey = (typeof ACCESS_KEYS)[number];
/** Absolute paths, or ''; `proxy` is a URL, or ''. */
export type AccessSettings = Pick<ListConfig, AccessKey>;

export const NO_ACCESS: AccessSettings = { tokenFile: '', ca: '', clientCertificate: '', clientKey: '', proxy: '' };

const TOKEN_BYTES_MAX = 4096;
/** The authorities of a whole system fit in. */
const PEM_BYTES_MAX = 1024 * 1024;

/** Each undefined where it is not configured. */
export interface AccessFiles {
  readonly token: string | undefined;
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export type AccessOutcome =
  | { readonly kind: 'ok'; readonly files: AccessFiles }
  | { readonly kind: 'bad'; readonly key: AccessKey; readonly message: string };

/** Reads the files and says what is wrong with the first that is. Never throws for what they hold. */
export function readAccessFiles(settings: AccessSettings): AccessOutcome {
  const texts = new Map<AccessKey, string>();
  for (const key of ['tokenFile', 'ca', 'clientCertificate', 'clientKey'] as const) {
    if (settings[key] === '') continue;
    const read = readSmallFile(settings[key], key === 'tokenFile' ? TOKEN_BYTES_MAX : PEM_BYTES_MAX);
    if (read.kind === 'bad') return { kind: 'bad', key, message: read.message };
    texts.set(key, read.text);
  }
  const [token, ca] = [texts.get('tokenFile')?.trim(), texts.get('ca')];
  const [certificate, key] = [texts.get('clientCertificate'), texts.get('clientKey')];
  if (token !== undefined && !isToken(token)) return bad(settings, 'tokenFile', 'has no token in it');
  if (ca !== undefined && !holdsCertificates(ca)) return bad(settings, 'ca', 'holds no certificates in PEM');
  if (certificate !== undefined && key === undefined) {
    return { kind: 'bad', key: 'clientKey', message: 'is needed beside clientCertificate' };
  }
  if (key !== undefined && certificate === undefined) {
    return { kind: 'bad', key: 'clientCertificate', message: 'is needed beside clientKey' };
  }
  if (certificate !== undefined && key !== undefined) {
    const outcome = checkCertificate(certificate, key);
    const blamed = outcome.kind === 'bad' && outcome.file === 'key' ? 'clientKey' : 'clientCertificate';
    if (outcome.kind === 'bad') return bad(settings, blamed, outcome.message);
  }
  return { kind: 'ok', files: { token, ca, certificate, key } };
}

function bad(settings: AccessSettings, key: AccessKey, message: string): AccessOutcome {
  return { kind: 'bad', key, message: `${settings[key]} ${message}` };
}

/** One word of visible ASCII: what else a header field would refuse with a message that shows it. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

function holdsCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).raw.length > 0);
  } catch {
    return false;
  }
}
