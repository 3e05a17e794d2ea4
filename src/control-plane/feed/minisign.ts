/**
 * Public keys and detached signatures as the minisign program has them: parsed strictly, verified with node:crypto.
 * Everything here may come from a hostile server; nothing throws. An untrusted comment is read over and never used; the
 * trusted one is given out only behind a good signature. RFC 8032 (Ed25519), RFC 7693 (BLAKE2b).
 * Source: https://jedisct1.github.io/minisign/ (formats).
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

export const SIGNATURE_TEXT_MAX = 16 * 1024;
const COMMENT_CHARS_MAX = 1024;
export const TRUSTED_COMMENT_CHARS_MAX = 8192;
const KEY_TEXT_MAX = 4096;
const KEY_ID_BYTES = 8;
const KEY_BYTES = 2 + KEY_ID_BYTES + 32;
const SIGNATURE_BYTES = 64;
export const UNTRUSTED_PREFIX = 'untrusted comment: ';
export const TRUSTED_PREFIX = 'trusted comment: ';
/** DER in front of the 32 octets of an Ed25519 public key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface MinisignPublicKey {
  /** As minisign shows it: 16 hexadecimal digits. */
  readonly id: string;
  /** 8 octets, as they are in the files. */
  readonly idBytes: Uint8Array;
  /** The line of base64. */
  readonly text: string;
  readonly key: KeyObject;
}

export interface MinisignSignature {
  /** Of the file itself, or of its BLAKE2b-512 digest. */
  readonly isPrehashed: boolean;
  readonly keyId: string;
  readonly signature: Uint8Array;
  readonly trustedComment: string;
  readonly globalSignature: Uint8Array;
}

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly message: string };

export type Verification =
  | { readonly kind: 'good'; readonly keyId: string; readonly trustedComment: string }
  /** None of the keys has the id that the signature names. */
  | { readonly kind: 'unknownKey'; readonly keyId: string }
  | { readonly kind: 'bad'; readonly message: string };

/** Reads a public key: the line of base64, or a whole key file of minisign. */
export function parsePublicKey(text: string): Parsed<MinisignPublicKey> {
  if (text.length > KEY_TEXT_MAX) return bad('it is too long for a minisign public key');
  const lines = linesOf(text);
  const isFile = lines[0]?.startsWith(UNTRUSTED_PREFIX) === true;
  const line = isFile ? lines[1] : lines[0];
  if (lines.length !== (isFile ? 2 : 1)) return bad('it is no minisign public key');
  const bytes = base64(line ?? '', KEY_BYTES);
  if (bytes === undefined) return bad(`a minisign public key is ${KEY_BYTES} octets in base64`);
  if (bytes[0] !== 0x45 || bytes[1] !== 0x64) return bad('its algorithm is not Ed25519');
  const idBytes = bytes.subarray(2, 2 + KEY_ID_BYTES);
  return { kind: 'ok', value: publicKeyOf(idBytes, bytes.subarray(2 + KEY_ID_BYTES)) };
}

/** @param point 32 octets. */
export function publicKeyOf(idBytes: Uint8Array, point: Uint8Array): MinisignPublicKey {
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, point]), format: 'der', type: 'spki' });
  const text = Buffer.concat([Buffer.from('Ed'), idBytes, point]).toString('base64');
  return { id: keyIdText(idBytes), idBytes: new Uint8Array(idBytes), text, key };
}

/** The id's octets as a number, least significant first, in hexadecimal and without leading zeros, as minisign prints it. */
function keyIdText(idBytes: Uint8Array): string {
  return Buffer.from(idBytes).readBigUInt64LE().toString(16).toUpperCase();
}

/** A key file as minisign writes it. */
export function publicKeyFile(key: MinisignPublicKey): string {
  return `${UNTRUSTED_PREFIX}minisign public key ${key.id}\n${key.text}\n`;
}

export function parseSignature(text: string): Parsed<MinisignSignature> {
  if (text.length > SIGNATURE_TEXT_MAX) return bad(`a signature has at most ${SIGNATURE_TEXT_MAX} characters`);
  const [untrusted, first, trusted, second, ...rest] = linesOf(text);
  if (second === undefined || rest.length > 0) return bad('a minisign signature has four lines');
  if (untrusted?.startsWith(UNTRUSTED_PREFIX) !== true) return bad('its first line is no untrusted comment');
  if (untrusted.length > UNTRUSTED_PREFIX.length + COMMENT_CHARS_MAX) return bad('its untrusted comment is too long');
  if (trusted?.startsWith(TRUSTED_PREFIX) !== true) return bad('its third line is no trusted comment');
  const trustedComment = trusted.slice(TRUSTED_PREFIX.length);
  if (trustedComment.length > TRUSTED_COMMENT_CHARS_MAX) return bad('its trusted comment is too long');
  const bytes = base64(first ?? '', 2 + KEY_ID_BYTES + SIGNATURE_BYTES);
  const globalSignature = base64(second, SIGNATURE_BYTES);
  if (bytes === undefined || globalSignature === undefined) return bad('its base64 is damaged');
  const algorithm = Buffer.from(bytes.subarray(0, 2)).toString('latin1');
  if (algorithm !== 'Ed' && algorithm !== 'ED') return bad('its algorithm is neither Ed nor ED');
  return {
    kind: 'ok',
    value: {
      isPrehashed: algorithm === 'ED',
      keyId: keyIdText(bytes.subarray(2, 2 + KEY_ID_BYTES)),
      signature: bytes.subarray(2 + KEY_ID_BYTES),
      trustedComment,
      globalSignature,
    },
  };
}

/** Verifies content and trusted comment by whichever of the keys the signature names. */
export function verifySignature(
  content: Uint8Array,
  signature: MinisignSignature,
  keys: readonly MinisignPublicKey[],
): Verification {
  const named = keys.filter(({ id }) => id === signature.keyId);
  if (named.length === 0) return { kind: 'unknownKey', keyId: signature.keyId };
  const signed = signature.isPrehashed ? prehash(content) : content;
  const key = named.find((candidate) => verify(null, signed, candidate.key, signature.signature));
  if (key === undefined) return bad(`it is not signed by the key ${signature.keyId}, or was changed since`);
  const global = Buffer.concat([signature.signature, Buffer.from(signature.trustedComment)]);
  if (!verify(null, global, key.key, signature.globalSignature)) return bad('its trusted comment was changed');
  return { kind: 'good', keyId: key.id, trustedComment: signature.trustedComment };
}

export function prehash(content: Uint8Array): Uint8Array {
  return createHash('blake2b512').update(content).digest();
}

/** Exactly so many octets, in the one way that base64 writes them; undefined if not. */
export function base64(text: string, bytes: number): Uint8Array | undefined {
  if (text.length !== Math.ceil(bytes / 3) * 4) return undefined;
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : undefined;
}

/** The lines, with LF or CRLF behind each; the last may lack it. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function bad(message: string): { readonly kind: 'bad'; readonly message: string } {
  return { kind: 'bad', message };
}
