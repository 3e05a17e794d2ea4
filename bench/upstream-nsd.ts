/**
 * The upstream of every server under test: NSD on loopback with one wildcard, so that every name has an answer and none
 * was asked before. Its response rate limit is off: with it, NSD drops a benchmark's queries.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram, type RunningProgram } from '../test/support/child-program.ts';
import { pinned } from './machine.ts';
import { benchPort } from './ports.ts';

export const UPSTREAM_ADDRESS = '198.51.100.7';
const UPSTREAM_TTL_SECONDS = 3_600;

export interface Upstream {
  readonly port: number;
  readonly program: RunningProgram;
}

/** @param cores processors to run on; never the one of the server under test where there are two */
export async function startUpstream(runFolder: string, cores: string): Promise<Upstream> {
  const folder = join(runFolder, 'nsd');
  mkdirSync(folder, { recursive: true });
  const port = await benchPort();
  writeFileSync(
    join(folder, 'root.zone'),
    `$ORIGIN .\n$TTL ${UPSTREAM_TTL_SECONDS}\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\nns.example. A 127.0.0.1\n*. A ${UPSTREAM_ADDRESS}\n`,
  );
  writeFileSync(
    join(folder, 'nsd.conf'),
    `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: "${folder}/nsd.pid"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  logfile: ""
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  receive-buffer-size: 4194304
  send-buffer-size: 4194304
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone"
`,
  );
  const [command, args] = pinned(cores, 'nsd', ['-d', '-c', join(folder, 'nsd.conf')]);
  const program = await startProgram(command, args, (output) => /nsd started/.test(output), {
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  return { port, program };
}
