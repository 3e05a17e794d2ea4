/**
 * The secret key of a feed and its password, each from a file: for `weir feed` and for a node that publishes. A password
 * is never an argument (other users see those). Nothing of either file is ever in a message.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describeReadError } from '../../config/file-access.ts';
import { PASSWORD_BYTES_MAX, readSecretKey, type MinisignSecretKey } from './minisign-secret-key.ts';
import type { Parsed } from './minisign.ts';

/** The first line of the file; undefined where there is none. Errors: `bad` for an unreadable, empty or overlong one. */
export function readPassword(file: string | undefined): Parsed<string | undefined> {
  if (file === undefined) return { kind: 'ok', value: undefined };
  const text = readText(file);
  if (text.kind === 'bad') return text;
  const password = text.value.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') return { kind: 'bad', message: `${file} is empty` };
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return { kind: 'bad', message: `${file} is too long` };
  return { kind: 'ok', value: password };
}

/** Errors: `bad` with a sentence that names the file. Cost: scrypt, with a password. */
export async function openSecretKey(
  file: string,
  passwordFile: string | undefined,
): Promise<Parsed<MinisignSecretKey>> {
  const password = readPassword(passwordFile);
  if (password.kind === 'bad') return password;
  const text = readText(file);
  if (text.kind === 'bad') return text;
  const key = await readSecretKey(text.value, password.value);
  return key.kind === 'ok' ? key : { kind: 'bad', message: `${file}: ${key.message}` };
}

/** Another value when the key or its password is another. Errors: none, a file that cannot be read is as good as empty. */
export function secretKeyMark(file: string, passwordFile: string): string {
  const hash = createHash('sha256');
  for (const path of [file, passwordFile]) {
    const text = path === '' ? undefined : readText(path);
    hash.update(text?.kind === 'ok' ? text.value : '').update('\0');
  }
  return hash.digest('hex');
}

export function readText(file: string): Parsed<string> {
  try {
    return { kind: 'ok', value: readFileSync(file, 'utf8') };
  } catch (error) {
    return { kind: 'bad', message: `cannot read ${file}: ${describeReadError(error)}` };
  }
}
