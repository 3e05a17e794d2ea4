/** Minisign public keys on the command line: the key itself, or a file with it. */
import { InvalidArgumentError } from 'commander';
import { parsePublicKey, type MinisignPublicKey } from '../control-plane/feed/minisign.ts';
import { readText } from '../control-plane/feed/secret-key-file.ts';

/** For options that may be repeated: the line of base64, or a file with it. Errors: InvalidArgumentError (usage). */
export function collectKey(text: string, before: readonly MinisignPublicKey[]): readonly MinisignPublicKey[] {
  const direct = parsePublicKey(text);
  if (direct.kind === 'ok') return [...before, direct.value];
  const content = readText(text);
  const key = content.kind === 'ok' ? parsePublicKey(content.value) : direct;
  if (key.kind === 'bad') throw new InvalidArgumentError(`It is neither a minisign public key nor a file with one.`);
  return [...before, key.value];
}
