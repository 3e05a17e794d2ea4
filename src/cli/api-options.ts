/**
 * Which Weir a maintainer's command talks to, and as whom: options, environment, configuration, in this order. A token is
 * never an argument (other users of the machine see those), and never travels in the clear beyond this machine.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { isLoopback, isWildcard } from '../config/address.ts';
import type { SocketAddress } from '../config/config.ts';
import { describeProblems } from '../config/config-error.ts';
import { describeReadError } from '../config/file-access.ts';
import { loadConfig } from '../config/load-config.ts';
import { ApiClient } from './api-client.ts';
import { DEFAULT_CONFIG } from './default-config.ts';
import { ExitCode } from './exit-code.ts';

const OTHERS_MODE = 0o077;
const TOKEN = /^[\x21-\x7e]{1,512}$/;

export interface ApiFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly config: string;
  readonly json?: true;
}

export type OpenedApi =
  | { readonly kind: 'client'; readonly client: ApiClient }
  /** What to say, and the exit code. */
  | { readonly kind: 'bad'; readonly message: string; readonly exitCode: number };

export function withApiOptions(command: Command): Command {
  return command
    .option('--url <url>', "where Weir's admin listener is (WEIR_URL; the configuration's listen.admin)")
    .option('--token-file <file>', 'file with the token (the environment variable WEIR_TOKEN)')
    .option('--ca <file>', 'PEM file of the authorities trusted for an https:// address')
    .option('--config <file>', 'configuration to take the address from', DEFAULT_CONFIG)
    .option('--json', 'the answer as JSON');
}

/** The client of the admin API; where there is none, it has been said why, and what the exit code is. */
export function openApiOrSay(flags: ApiFlags): ApiClient | number {
  const api = openApi(flags);
  if (api.kind === 'client') return api.client;
  process.stderr.write(`weir: ${api.message}\n`);
  return api.exitCode;
}

/** Warnings go to standard error. */
export function openApi(flags: ApiFlags, env: NodeJS.ProcessEnv = process.env): OpenedApi {
  const address = flags.url ?? (env['WEIR_URL'] === '' ? undefined : env['WEIR_URL']);
  const url = address === undefined ? configuredUrl(flags.config) : givenUrl(address);
  if ('kind' in url) return url;
  const token = readToken(flags.tokenFile, env['WEIR_TOKEN']);
  if (typeof token !== 'string') return token;
  let ca: string | undefined;
  try {
    ca = flags.ca === undefined ? undefined : readFileSync(flags.ca, 'utf8');
  } catch (error) {
    return bad(`cannot read ${flags.ca}: ${describeReadError(error)}`, ExitCode.failure);
  }
  return { kind: 'client', client: new ApiClient({ url, token, ca }) };
}

function bad(message: string, exitCode: number = ExitCode.usage): Extract<OpenedApi, { kind: 'bad' }> {
  return { kind: 'bad', message, exitCode };
}

function givenUrl(text: string): URL | Extract<OpenedApi, { kind: 'bad' }> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return bad(`"${text}" is no address of Weir: http://127.0.0.1:9153`);
  if (url.username !== '' || url.password !== '') return bad('an address with a user name or password is not accepted');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:' && !isLoopback(host) && !/(^|\.)localhost$/.test(host)) {
    return bad(`the token would travel to ${host} for everybody to read; use https://, or a tunnel to its loopback`);
  }
  return url;
}

function configuredUrl(configFile: string): URL | Extract<OpenedApi, { kind: 'bad' }> {
  const outcome = loadConfig(configFile);
  if (outcome.kind === 'invalid') return bad(describeProblems(configFile, outcome.problems), ExitCode.configuration);
  const { admin } = outcome.config.listen;
  if (admin === undefined || admin.port === 0) return bad(`${configFile} has no listen.admin; say --url, or WEIR_URL`);
  return new URL(urlOf(admin));
}

function urlOf({ host, port }: SocketAddress): string {
  const own = isWildcard(host) ? (host.includes(':') ? '::1' : '127.0.0.1') : host;
  return `${isLoopback(host) ? 'http' : 'https'}://${own.includes(':') ? `[${own}]` : own}:${port}/`;
}

function readToken(
  file: string | undefined,
  fromEnv: string | undefined,
): string | Extract<OpenedApi, { kind: 'bad' }> {
  if (file === undefined) {
    if (fromEnv === undefined || fromEnv === '') return bad('say where the token is: --token-file FILE, or WEIR_TOKEN');
    return TOKEN.test(fromEnv) ? fromEnv : bad('WEIR_TOKEN holds no token');
  }
  try {
    const mode = statSync(file).mode & 0o777;
    const token = readFileSync(file, 'utf8').trim();
    if (!TOKEN.test(token)) return bad(`${file} holds no token: one line, as weir token create printed it`);
    if ((mode & OTHERS_MODE) !== 0) {
      process.stderr.write(`warning: ${file} is open to other users (mode ${mode.toString(8)}); chmod 600 ${file}\n`);
    }
    return token;
  } catch (error) {
    return bad(`cannot read ${file}: ${describeReadError(error)}`, ExitCode.failure);
  }
}
