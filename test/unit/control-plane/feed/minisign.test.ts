/** Keys and signatures as minisign has them. Against the program itself: test/interop/minisign.test.ts. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { blake2b } from '../../../../src/control-plane/feed/blake2b.ts';
import {
  KDF_DEFAULT,
  generateKey,
  readSecretKey,
  scryptParameters,
  signDetached,
} from '../../../../src/control-plane/feed/minisign-secret-key.ts';
import {
  parsePublicKey,
  parseSignature,
  publicKeyFile,
  verifySignature,
  type MinisignPublicKey,
} from '../../../../src/control-plane/feed/minisign.ts';
import { newKey } from '../../../support/feed-harness.ts';

/** Made by minisign 0.11. */
const PUBLIC_FILE = `untrusted comment: minisign public key 4AC73E7E9B633999
RWSZOWObfj7HSkLF7Mqgq+MIRtRHAsUPLXWvQyfzc+kw438wQHM+GVyj
`;
const SECRET_FILE = `untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAmTljm34+x0qR9RpKQRIR8eyEhUHCmvtZZG4m9ylosr0Urpb4WDtSOULF7Mqgq+MIRtRHAsUPLXWvQyfzc+kw438wQHM+GVyjAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
`;
/** Less than the least that libsodium takes: for tests a password must not cost a gigabyte. */
const CHEAP = { operations: 32_768, memoryBytes: 1_048_576 };

function publicKey(text: string): MinisignPublicKey {
  const parsed = parsePublicKey(text);
  if (parsed.kind === 'bad') throw new Error(parsed.message);
  return parsed.value;
}

function verified(content: string, signature: string, ...keys: MinisignPublicKey[]) {
  const parsed = parseSignature(signature);
  return parsed.kind === 'bad' ? parsed : verifySignature(Buffer.from(content), parsed.value, keys);
}

describe('BLAKE2b', () => {
  test.each([0, 1, 127, 128, 129, 256, 1000])('of %d octets is the digest that OpenSSL makes', (length) => {
    const input = Buffer.alloc(length, 7);
    expect(Buffer.from(blake2b(input, 64))).toEqual(createHash('blake2b512').update(input).digest());
  });

  test('of 32 octets is a function of its own', () => {
    expect(Buffer.from(blake2b(new Uint8Array(0), 32)).toString('hex')).toBe(
      '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8',
    );
  });
});

describe('public keys', () => {
  test('are read from the file or the line, and shown as minisign shows them', () => {
    const key = publicKey(PUBLIC_FILE);
    expect(key.id).toBe('4AC73E7E9B633999');
    expect(publicKey(key.text).id).toBe(key.id);
    expect(publicKeyFile(key)).toBe(PUBLIC_FILE);
  });

  test('whose number begins with zeros is shown without them, as by minisign', () => {
    const bytes = Buffer.from(publicKey(PUBLIC_FILE).text, 'base64');
    bytes.set([0x15, 0x00], 8);
    expect(publicKey(bytes.toString('base64')).id).toBe('153E7E9B633999');
    bytes.fill(0, 2, 10);
    expect(publicKey(bytes.toString('base64')).id).toBe('0');
  });

  test.each([
    '',
    'RW',
    PUBLIC_FILE.replace('RWS', 'RXS'),
    PUBLIC_FILE.replace('GVyj', 'GVy='),
    `${PUBLIC_FILE}more\n`,
    PUBLIC_FILE.replace('\n', '\n\n'),
    'A'.repeat(10_000),
  ])('%j is none', (text) => expect(parsePublicKey(text).kind).toBe('bad'));
});

describe('secret keys', () => {
  test('without a password, as minisign -W writes them', async () => {
    const key = await readSecretKey(SECRET_FILE, undefined);
    expect(key).toMatchObject({ kind: 'ok', value: { publicKey: { id: '4AC73E7E9B633999' } } });
  });

  test('with one', async () => {
    const { secretKeyFile, publicKey: made } = await generateKey('open sesame', CHEAP);
    expect(await readSecretKey(secretKeyFile, 'open sesame')).toMatchObject({
      kind: 'ok',
      value: { publicKey: { id: made.id } },
    });
    expect(await readSecretKey(secretKeyFile, 'open sesam')).toEqual({ kind: 'bad', message: 'the password is wrong' });
    expect(await readSecretKey(secretKeyFile, undefined)).toMatchObject({ kind: 'bad' });
  });

  test('whose halves do not belong together are refused before they sign', async () => {
    const [comment, line] = SECRET_FILE.split('\n');
    const bytes = Buffer.from(line!, 'base64');
    bytes[54 + 8 + 40]! ^= 1;
    expect((await readSecretKey(`${comment}\n${bytes.toString('base64')}\n`, undefined)).kind).toBe('bad');
  });

  test('that ask for more memory than is given are refused', async () => {
    const { secretKeyFile } = await generateKey('x', CHEAP);
    const [comment, line] = secretKeyFile.split('\n');
    const bytes = Buffer.from(line!, 'base64');
    bytes.writeBigUInt64LE(2n ** 40n, 46);
    const read = await readSecretKey(`${comment}\n${bytes.toString('base64')}\n`, 'x');
    expect(read).toMatchObject({ kind: 'bad', message: expect.stringMatching(/more time or memory/) as string });
  });

  test('a bad file says nothing of what is in it', async () => {
    const key = await readSecretKey(SECRET_FILE.replace('RWQA', 'RWQB'), undefined);
    expect(key.kind === 'bad' && key.message).not.toMatch(/[A-Za-z0-9+/]{12,}={0,2}$/);
  });

  test('scrypt’s parameters are libsodium’s', () => {
    expect(scryptParameters(KDF_DEFAULT)).toEqual({ costLog2: 20, parallelization: 1 });
    // crypto_pwhash_scryptsalsa208sha256 OPSLIMIT_INTERACTIVE, MEMLIMIT_INTERACTIVE.
    expect(scryptParameters({ operations: 524_288, memoryBytes: 16_777_216 })).toEqual({
      costLog2: 14,
      parallelization: 1,
    });
    expect(scryptParameters({ operations: 1, memoryBytes: 2 ** 30 })).toEqual({ costLog2: 10, parallelization: 1 });
    expect(scryptParameters({ operations: 33_554_432, memoryBytes: 16_777_216 })).toEqual({
      costLog2: 14,
      parallelization: 64,
    });
  });
});

describe('signatures', () => {
  test('of ours are good, and say what was signed', async () => {
    const key = await newKey();
    const signature = signDetached(Buffer.from('content'), key, 'timestamp:1\tfile:x');
    const other = await newKey();
    expect(verified('content', signature, other.publicKey, key.publicKey)).toEqual({
      kind: 'good',
      keyId: key.publicKey.id,
      trustedComment: 'timestamp:1\tfile:x',
    });
    expect(verified('Content', signature, key.publicKey).kind).toBe('bad');
    expect(verified('content', signature, other.publicKey)).toMatchObject({ kind: 'unknownKey' });
    expect(verified('content', signature.replace('file:x', 'file:y'), key.publicKey).kind).toBe('bad');
  });

  test('a trusted comment is one line', async () => {
    const key = await newKey();
    expect(() => signDetached(Buffer.from('x'), key, 'a\nb')).toThrow(/one line/);
  });

  test('the untrusted comment does not matter', async () => {
    const key = await newKey();
    const signature = signDetached(Buffer.from('x'), key, 'c').replace(
      /^untrusted comment: .*/,
      'untrusted comment: z',
    );
    expect(verified('x', signature, key.publicKey).kind).toBe('good');
  });

  test('any bit that is changed makes it bad', async () => {
    const key = await newKey();
    const [first, line, ...rest] = signDetached(Buffer.from('x'), key, 'c').split('\n');
    const bytes = Buffer.from(line!, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      const text = [first, changed.toString('base64'), ...rest].join('\n');
      expect(verified('x', text, key.publicKey).kind).not.toBe('good');
    }
  });
});
