/**
 * Secret keys as the minisign program keeps them, with a password (scrypt) or without, and what is done with them: make,
 * read, sign. Neither a key nor a password is ever logged, shown or put into a message; whoever has a MinisignSecretKey
 * must not either. Source: minisign's src/minisign.c; libsodium's pickparams for scrypt's parameters. RFC 7914.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, scrypt, sign, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { blake2b } from './blake2b.ts';
import {
  bad,
  base64,
  linesOf,
  prehash,
  publicKeyOf,
  TRUSTED_COMMENT_CHARS_MAX,
  TRUSTED_PREFIX,
  UNTRUSTED_PREFIX,
  type MinisignPublicKey,
  type Parsed,
} from './minisign.ts';

/** What minisign asks of scrypt for a new key (libsodium's SENSITIVE limits): 1 GiB for a few seconds. */
export const KDF_DEFAULT: KdfLimits = { operations: 33_554_432, memoryBytes: 1_073_741_824 };
/** More is not spent on a file that somebody else may have written. */
const KDF_MEMORY_BYTES_MAX = 1_073_741_824;
const KDF_OPERATIONS_MAX = 4 * KDF_DEFAULT.operations;
export const PASSWORD_BYTES_MAX = 1024;
const SECRET_TEXT_MAX = 4096;
/** Algorithm, KDF, checksum (2 each), salt (32), limits (8 each), then what the password hides. */
const SECRET_BYTES = 158;
const SALT_AT = 6;
const OPERATIONS_AT = 38;
const MEMORY_AT = 46;
const HIDDEN_AT = 54;
const HIDDEN_BYTES = 104;
const CHECKSUM_AT = 72;
/** DER in front of the 32 octets of an Ed25519 seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface KdfLimits {
  readonly operations: number;
  readonly memoryBytes: number;
}

export interface MinisignSecretKey {
  readonly publicKey: MinisignPublicKey;
  readonly privateKey: KeyObject;
}

export interface NewKey {
  readonly publicKey: MinisignPublicKey;
  /** The file to write, mode 0600. */
  readonly secretKeyFile: string;
}

/** Makes a key pair. Cost: with a password, what KDF_DEFAULT says. */
export async function generateKey(password: string | undefined, limits: KdfLimits = KDF_DEFAULT): Promise<NewKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const idBytes = randomBytes(8);
  const file = Buffer.alloc(SECRET_BYTES);
  file.write('Ed', 0, 'latin1');
  file.write('B2', 4, 'latin1');
  const hidden = file.subarray(HIDDEN_AT);
  idBytes.copy(hidden, 0);
  seed.copy(hidden, 8);
  point.copy(hidden, 40);
  if (password !== undefined) {
    file.write('Sc', 2, 'latin1');
    randomBytes(32).copy(file, SALT_AT);
    file.writeBigUInt64LE(BigInt(limits.operations), OPERATIONS_AT);
    file.writeBigUInt64LE(BigInt(limits.memoryBytes), MEMORY_AT);
    hidden.set(checksumOf(file), CHECKSUM_AT);
    hideOrShow(hidden, await deriveKey(password, file));
  }
  const secretKeyFile = `${UNTRUSTED_PREFIX}minisign encrypted secret key\n${file.toString('base64')}\n`;
  return { publicKey: publicKeyOf(idBytes, point), secretKeyFile };
}

/** Reads a secret key file. Errors: `bad` with a reason that says nothing of the content. Cost: scrypt, with a password. */
export async function readSecretKey(text: string, password: string | undefined): Promise<Parsed<MinisignSecretKey>> {
  const lines = text.length > SECRET_TEXT_MAX ? [] : linesOf(text);
  if (lines.length !== 2 || lines[0]?.startsWith(UNTRUSTED_PREFIX) !== true) {
    return bad('it is no secret key file of minisign');
  }
  const decoded = base64(lines[1] ?? '', SECRET_BYTES);
  if (decoded === undefined) return bad('it is no secret key file of minisign: its base64 is damaged');
  const file = Buffer.from(decoded);
  const [algorithm, kdf, checksum] = [0, 2, 4].map((at) => file.toString('latin1', at, at + 2));
  if (algorithm !== 'Ed') return bad('its algorithm is not Ed25519');
  if (checksum !== 'B2') return bad('its checksum is not BLAKE2b');
  const hidden = file.subarray(HIDDEN_AT);
  if (kdf === 'Sc') {
    if (password === undefined) return bad('it needs its password (passwordFile)');
    const limits = kdfLimitsOf(file);
    if (limits === undefined) return bad('it asks for more time or memory for its password than is accepted');
    hideOrShow(hidden, await deriveKey(password, file));
    if (!timingSafeEqual(checksumOf(file), hidden.subarray(CHECKSUM_AT))) return bad('the password is wrong');
  } else if (kdf !== '\0\0') {
    return bad('its password is derived in a way that is not known here');
  }
  return keyOf(hidden);
}

/** The signature file of `content`, prehashed as minisign makes it. Errors: throws for a comment with a line end in it. */
export function signDetached(content: Uint8Array, key: MinisignSecretKey, trustedComment: string): string {
  if (/[\r\n]/.test(trustedComment) || trustedComment.length > TRUSTED_COMMENT_CHARS_MAX) {
    throw new Error('a trusted comment is one line');
  }
  const signature = sign(null, prehash(content), key.privateKey);
  const global = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), key.privateKey);
  const line = Buffer.concat([Buffer.from('ED'), key.publicKey.idBytes, signature]).toString('base64');
  return (
    `${UNTRUSTED_PREFIX}signature from minisign secret key ${key.publicKey.id}\n${line}\n` +
    `${TRUSTED_PREFIX}${trustedComment}\n${global.toString('base64')}\n`
  );
}

function keyOf(hidden: Buffer): Parsed<MinisignSecretKey> {
  const seed = hidden.subarray(8, 40);
  const point = hidden.subarray(40, 72);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  // Why: without a password there is no checksum, and signing with halves that do not belong together gives the key away.
  const derived = Buffer.from(privateKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  if (!timingSafeEqual(derived, point)) return bad('it is damaged: its two halves do not belong together');
  return { kind: 'ok', value: { publicKey: publicKeyOf(hidden.subarray(0, 8), point), privateKey } };
}

/** Of algorithm, key id and secret key in the clear. */
function checksumOf(file: Buffer): Uint8Array {
  const hidden = file.subarray(HIDDEN_AT);
  return blake2b(Buffer.concat([file.subarray(0, 2), hidden.subarray(0, CHECKSUM_AT)]), 32);
}

function hideOrShow(hidden: Buffer, stream: Uint8Array): void {
  for (let at = 0; at < HIDDEN_BYTES; at += 1) hidden[at] = hidden[at]! ^ stream[at]!;
}

function kdfLimitsOf(file: Buffer): KdfLimits | undefined {
  const operations = file.readBigUInt64LE(OPERATIONS_AT);
  const memoryBytes = file.readBigUInt64LE(MEMORY_AT);
  if (operations > BigInt(KDF_OPERATIONS_MAX) || memoryBytes > BigInt(KDF_MEMORY_BYTES_MAX)) return undefined;
  return { operations: Number(operations), memoryBytes: Number(memoryBytes) };
}

async function deriveKey(password: string, file: Buffer): Promise<Uint8Array> {
  const limits = kdfLimitsOf(file) ?? KDF_DEFAULT;
  const { costLog2, parallelization } = scryptParameters(limits);
  const options = {
    N: 2 ** costLog2,
    r: BLOCK_SIZE,
    p: parallelization,
    maxmem: 2 * KDF_MEMORY_BYTES_MAX,
  };
  return new Promise((resolve, reject) => {
    scrypt(password, file.subarray(SALT_AT, OPERATIONS_AT), HIDDEN_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

const BLOCK_SIZE = 8;
const OPERATIONS_MIN = 32_768;
const PARALLEL_BLOCKS_MAX = 0x3fff_ffff;

/** Source: libsodium, crypto_pwhash_scryptsalsa208sha256, pickparams. */
export function scryptParameters(limits: KdfLimits): { costLog2: number; parallelization: number } {
  const operations = Math.max(limits.operations, OPERATIONS_MIN);
  if (operations < limits.memoryBytes / 32) {
    return { costLog2: log2Below(operations / (BLOCK_SIZE * 4)), parallelization: 1 };
  }
  const costLog2 = log2Below(limits.memoryBytes / (BLOCK_SIZE * 128));
  const blocks = Math.min(Math.floor(operations / 4 / 2 ** costLog2), PARALLEL_BLOCKS_MAX);
  return { costLog2, parallelization: Math.max(1, Math.floor(blocks / BLOCK_SIZE)) };
}

/** The first power of two that is more than half of it. */
function log2Below(limit: number): number {
  const whole = Math.floor(limit);
  let log2 = 1;
  while (log2 < 63 && 2 ** log2 <= Math.floor(whole / 2)) log2 += 1;
  return log2;
}
