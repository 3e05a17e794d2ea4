/** Key and password files on the command line. A password is never an argument: other users see those. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { parsePublicKey, type MinisignPublicKey, type Parsed } from '../control-plane/feed/minisign.ts';
import {
  PASSWORD_BYTES_MAX,
  readSecretKey,
  type MinisignSecretKey,
} from '../control-plane/feed/minisign-secret-key.ts';
import { describeReadError } from '../config/file-access.ts';

/** The first line of the file. Errors: `bad` for an unreadable, empty or overlong one. */
export function readPassword(file: string | undefined): Parsed<string | undefined> {
  if (file === undefined) return { kind: 'ok', value: undefined };
  const text = readText(file);
  if (text.kind === 'bad') return text;
  const password = text.value.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') return { kind: 'bad', message: `${file} is empty` };
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return { kind: 'bad', message: `${file} is too long` };
  return { kind: 'ok', value: password };
}

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

/** For options that may be repeated: the line of base64, or a file with it. Errors: InvalidArgumentError (usage). */
export function collectKey(text: string, before: readonly MinisignPublicKey[]): readonly MinisignPublicKey[] {
  const direct = parsePublicKey(text);
  if (direct.kind === 'ok') return [...before, direct.value];
  const content = readText(text);
  const key = content.kind === 'ok' ? parsePublicKey(content.value) : direct;
  if (key.kind === 'bad') throw new InvalidArgumentError(`It is neither a minisign public key nor a file with one.`);
  return [...before, key.value];
}

function readText(file: string): Parsed<string> {
  try {
    return { kind: 'ok', value: readFileSync(file, 'utf8') };
  } catch (error) {
    return { kind: 'bad', message: `cannot read ${file}: ${describeReadError(error)}` };
  }
}
