/**
 * `weir feed keygen --out PREFIX`: a minisign key pair, PREFIX.key (secret, mode 0600) and PREFIX.pub. Prints the line for
 * `feedKeys`. Never overwrites: a lost secret key cannot be made again.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { generateKey } from '../control-plane/feed/minisign-secret-key.ts';
import { publicKeyFile } from '../control-plane/feed/minisign.ts';
import { readPassword } from '../control-plane/feed/secret-key-file.ts';
import { ExitCode } from './exit-code.ts';

interface KeygenOptions {
  readonly out: string;
  readonly passwordFile?: string;
}

export function feedKeygenCommand(): Command {
  return new Command('keygen')
    .description('make a key pair that the minisign program can use too')
    .requiredOption('--out <prefix>', 'writes PREFIX.key (secret) and PREFIX.pub')
    .option('--password-file <file>', 'protects the secret key; takes 1 GiB of memory for a moment, as minisign does')
    .action(async (options: KeygenOptions) => {
      process.exitCode = await keygen(options);
    });
}

async function keygen({ out, passwordFile }: KeygenOptions): Promise<number> {
  const secretPath = `${out}.key`;
  const publicPath = `${out}.pub`;
  const taken = [secretPath, publicPath].find((path) => existsSync(path));
  const password = readPassword(passwordFile);
  if (taken !== undefined || password.kind === 'bad') {
    const why = password.kind === 'bad' ? password.message : `${taken} is there already; it is not overwritten`;
    process.stderr.write(`weir: ${why}\n`);
    return ExitCode.failure;
  }
  const { publicKey, secretKeyFile } = await generateKey(password.value);
  writeFileSync(secretPath, secretKeyFile, { mode: 0o600, flag: 'wx' });
  writeFileSync(publicPath, publicKeyFile(publicKey), { flag: 'wx' });
  process.stderr.write(`${secretPath} signs: keep it secret. ${publicPath} is for everyone; in feedKeys:\n`);
  process.stdout.write(`${publicKey.text}\n`);
  return ExitCode.ok;
}
