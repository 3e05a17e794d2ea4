/**
 * Reads the file of cookie secrets that the nodes of an anycast set share (RFC 9018 5): one a line, 32 hexadecimal
 * digits each, the first in use, the second accepted beside it while secrets are changed. Problems are told without a
 * character of what the file holds.
 */
import { readSmallFile } from './file-access.ts';

const FILE_BYTES_MAX = 4096;
const SECRETS_MAX = 2;

export type CookieSecretsOutcome =
  { readonly kind: 'ok'; readonly secrets: readonly string[] } | { readonly kind: 'bad'; readonly message: string };

/** Lines that are empty or begin with # are skipped. */
export function readCookieSecrets(file: string): CookieSecretsOutcome {
  const read = readSmallFile(file, FILE_BYTES_MAX);
  if (read.kind === 'bad') return read;
  const secrets: string[] = [];
  for (const [index, line] of read.text.split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (!/^[0-9a-f]{32}$/i.test(text)) return bad(`line ${index + 1} is no secret: 32 hexadecimal digits`);
    secrets.push(text);
  }
  if (secrets.length === 0) return bad('there is no secret in it: a line of 32 hexadecimal digits');
  if (secrets.length > SECRETS_MAX)
    return bad(`${secrets.length} secrets; at most ${SECRETS_MAX}: the new and the old`);
  return { kind: 'ok', secrets };
}

function bad(message: string): CookieSecretsOutcome {
  return { kind: 'bad', message };
}
