/**
 * Makes a server certificate for one name, signed by the authority of a managed network: ECDSA P-256 key, one day, name
 * in subjectAltName alone. Used by certificate-store.ts for names that are blocked now. RFC 5280 4.1, 4.2; RFC 5480;
 * RFC 5758 3.2.
 */
import { X509Certificate, createPrivateKey, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Tag, der, derValues, objectIdentifier, utcTime } from './der.ts';

export const LEAF_LIFE_MS = 24 * 3600 * 1000;
/** Clocks of clients may be slow. */
const BACKDATED_MS = 3600 * 1000;
const SERIAL_BYTES = 16;

const ECDSA_WITH_SHA256 = der(Tag.sequence, objectIdentifier('1.2.840.10045.4.3.2'));
const SHA256_WITH_RSA = der(Tag.sequence, objectIdentifier('1.2.840.113549.1.1.11'), der(Tag.null));
const TRUE = der(Tag.boolean, Buffer.of(0xff));
const SUBJECT_KEY_IDENTIFIER = objectIdentifier('2.5.29.14');
const VERSION_3 = der(Tag.explicit, der(Tag.integer, Buffer.of(2)));

export interface Authority {
  readonly certificatePem: string;
  readonly key: KeyObject;
  /** Its subject, as it stands in the certificate. */
  readonly subject: Buffer;
  readonly keyIdentifier: Buffer | undefined;
}

/** Reads an authority that the configuration has been checked for. Errors: throws on anything else. */
export function readAuthority(certificatePem: string, keyPem: string): Authority {
  const tbs = derValues(derValues(derValues(new X509Certificate(certificatePem).raw)[0]!.content)[0]!.content);
  // Behind the version, which is there in every certificate that says it is an authority: serial, algorithm, issuer, validity.
  const subject = tbs[5]!.whole;
  const extensions = derValues(derValues(tbs.at(-1)!.content)[0]!.content).map(({ content }) => derValues(content));
  const identifier = extensions.find(([type]) => type!.whole.equals(SUBJECT_KEY_IDENTIFIER))?.at(-1);
  return {
    certificatePem,
    key: createPrivateKey(keyPem),
    subject,
    keyIdentifier: identifier === undefined ? undefined : derValues(identifier.content)[0]!.content,
  };
}

function extension(type: string, isCritical: boolean, value: Buffer): Buffer {
  return der(Tag.sequence, objectIdentifier(type), ...(isCritical ? [TRUE] : []), der(Tag.octetString, value));
}

function extensionsFor(name: string, { keyIdentifier }: Authority): Buffer {
  const all = [
    extension('2.5.29.19', true, der(Tag.sequence)), // basicConstraints: no authority
    extension('2.5.29.15', true, der(Tag.bitString, Buffer.of(7, 0x80))), // keyUsage: digitalSignature
    extension('2.5.29.37', false, der(Tag.sequence, objectIdentifier('1.3.6.1.5.5.7.3.1'))), // serverAuth
    // "If the subject field contains an empty sequence, then ... the subjectAltName extension MUST be critical"
    // (RFC 5280 4.2.1.6).
    extension('2.5.29.17', true, der(Tag.sequence, der(Tag.implicit + 2, Buffer.from(name, 'latin1')))),
  ];
  if (keyIdentifier !== undefined) {
    all.push(extension('2.5.29.35', false, der(Tag.sequence, der(Tag.implicit, keyIdentifier))));
  }
  return der(Tag.explicit + 3, der(Tag.sequence, ...all));
}

/** A positive number that nobody can foresee (RFC 5280 4.1.2.2). */
function serial(): Buffer {
  const octets = randomBytes(SERIAL_BYTES);
  octets[0] = (octets[0]! & 0x3f) | 0x40;
  return der(Tag.integer, octets);
}

/** The certificate in PEM. `name`: A-labels. */
export function makeLeaf(authority: Authority, publicKey: KeyObject, name: string, nowMs: number): string {
  const algorithm = authority.key.asymmetricKeyType === 'rsa' ? SHA256_WITH_RSA : ECDSA_WITH_SHA256;
  const tbs = der(
    Tag.sequence,
    VERSION_3,
    serial(),
    algorithm,
    authority.subject,
    der(Tag.sequence, utcTime(nowMs - BACKDATED_MS), utcTime(nowMs + LEAF_LIFE_MS)),
    der(Tag.sequence),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensionsFor(name, authority),
  );
  const signature = der(Tag.bitString, Buffer.of(0), sign('sha256', tbs, authority.key));
  const body = der(Tag.sequence, tbs, algorithm, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${body.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}
