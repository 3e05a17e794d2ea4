/**
 * A manifest and its signature in one document, `manifest.signed`: the four lines of the minisign signature, then the
 * octets that it signs. One file cannot be half new, as manifest.json and manifest.json.minisig can be for whoever
 * fetches both while they are replaced. `tail -n +5` and `head -n 4` take it apart for the minisign program.
 */
import { SIGNED_BYTES_MAX } from './manifest.ts';
import { bad, parseSignature, SIGNATURE_TEXT_MAX, type Parsed } from './minisign.ts';

export const MANIFEST_NAME = 'manifest.json';
export const SIGNATURE_NAME = 'manifest.json.minisig';
export const SIGNED_NAME = 'manifest.signed';
const SIGNATURE_LINES = 4;
const LINE_FEED = 0x0a;

/** Nothing of it is verified. */
export interface SignedManifest {
  readonly signatureText: string;
  readonly manifest: Uint8Array;
}

export function signedBytes({ signatureText, manifest }: SignedManifest): Uint8Array {
  return Buffer.concat([Buffer.from(signatureText), manifest]);
}

export function parseSigned(bytes: Uint8Array): Parsed<SignedManifest> {
  if (bytes.length > SIGNED_BYTES_MAX) return bad(`a signed manifest has at most ${SIGNED_BYTES_MAX} bytes`);
  let end = 0;
  for (let line = 0; line < SIGNATURE_LINES; line += 1) {
    const at = bytes.indexOf(LINE_FEED, end);
    if (at < 0 || at >= SIGNATURE_TEXT_MAX) return bad('it does not begin with the four lines of a signature');
    end = at + 1;
  }
  const signatureText = Buffer.from(bytes.subarray(0, end)).toString('utf8');
  return { kind: 'ok', value: { signatureText, manifest: bytes.subarray(end) } };
}

/** The key that the signature says it is by: not verified. '' where it cannot be read. */
export function signerOf({ signatureText }: SignedManifest): string {
  const signature = parseSignature(signatureText);
  return signature.kind === 'ok' ? signature.value.keyId : '';
}
