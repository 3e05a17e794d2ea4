/**
 * Weir, with the configuration that ships (blocklists/weir.yaml) plus the list: only addresses, upstream, state folder
 * and, where a case asks for it, lists and threads are changed. Also what other cases need to make variants of it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { writePlain, SINKHOLE_ADDRESS, SINKHOLE_TTL_SECONDS } from '../list-files.ts';
import { benchPort } from '../ports.ts';
import type { Launch, Peer, PeerSetup } from './peer.ts';

const PROJECT_ROOT = new URL('../..', import.meta.url).pathname;
const SHIPPED = join(PROJECT_ROOT, 'blocklists/weir.yaml');

export interface ShippedConfig {
  readonly [key: string]: unknown;
  readonly lists: readonly Readonly<Record<string, unknown>>[];
  readonly allow: readonly string[];
  readonly protected: readonly string[];
}

export interface WeirLaunch extends Launch {
  readonly adminUrl: string;
  /** Of the warning page. */
  readonly pagePort: number;
}

/** What of the configuration is a case's own: more lists, and keys beside them. */
export interface OwnConfig {
  readonly lists?: readonly Readonly<Record<string, unknown>>[];
  /** Addresses beside do53, admin and page. */
  readonly listen?: Readonly<Record<string, unknown>>;
  readonly keys?: Readonly<Record<string, unknown>>;
}

/** Starts Weir with list files that are there already. */
export async function weirWithLists(
  setup: Omit<PeerSetup, 'list'>,
  listFiles: readonly string[],
  own: OwnConfig = {},
): Promise<WeirLaunch> {
  const shipped = parse(readFileSync(SHIPPED, 'utf8')) as ShippedConfig;
  const inBlocklists = (path: string): string => resolve(PROJECT_ROOT, 'blocklists', path);
  const [sample] = shipped.lists;
  const adminPort = await benchPort();
  const pagePort = await benchPort();
  const config = {
    ...shipped,
    listen: {
      do53: [`127.0.0.1:${setup.port}`],
      admin: `127.0.0.1:${adminPort}`,
      warningPageHttp: `127.0.0.1:${pagePort}`,
      ...own.listen,
    },
    workers: setup.threads,
    stateDirectory: join(setup.folder, 'state'),
    upstreams: [`udp://127.0.0.1:${setup.upstreamPort}`],
    lists: [
      { ...sample, source: inBlocklists(String(sample?.['source'])) },
      ...listFiles.map((source, index) => ({ name: `list-${index + 1}`, source, authority: 'benchmark' })),
      ...(own.lists ?? []),
    ],
    allow: shipped.allow.map(inBlocklists),
    protected: shipped.protected.map(inBlocklists),
    sinkhole: { addresses: [SINKHOLE_ADDRESS, '2001:db8::53'], ttlSeconds: SINKHOLE_TTL_SECONDS },
    ...own.keys,
  };
  const configFile = join(setup.folder, 'weir.yaml');
  writeFileSync(configFile, stringify(config));
  const args = [join(PROJECT_ROOT, 'bin/weir.js'), 'serve', '--config', configFile];
  return { command: process.execPath, args, adminUrl: `http://127.0.0.1:${adminPort}`, pagePort };
}

export const weir: Peer = {
  name: 'weir',
  title: 'Weir',
  programs: [],
  isEcho: false,
  configuration: 'the configuration that ships, plus the list, the upstream and one resolver thread',
  version: () => {
    const manifest = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string };
    return `${manifest.version} on Node ${process.version}`;
  },
  prepare: (setup) => {
    const file = join(setup.folder, 'list.txt');
    writePlain(file, setup.list);
    return weirWithLists(setup, [file]);
  },
};
