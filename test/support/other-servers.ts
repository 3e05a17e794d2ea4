/**
 * Other people's DNS servers on loopback: NSD as an authority for a zone that the test gives, Unbound as a recursor that
 * asks that NSD. Each has its files in a folder of its own and an ephemeral port, and is stopped by its process id.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram, type RunningProgram } from './child-program.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface OtherServer {
  readonly port: number;
  readonly program: RunningProgram;
}

/** Where Debian puts daemons, which is not on everybody's PATH. */
const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** NSD with one zone. Its response rate limit is off: it would drop the queries of a benchmark. */
export async function startNsd(zone: string, records: string): Promise<OtherServer> {
  const folder = temporaryFolder('nsd');
  const port = await freePort();
  const soa = `$ORIGIN ${zone}.\n$TTL 300\n@ SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 86400 60\n@ NS ns.${zone}.\nns A 127.0.0.1\n`;
  writeFileSync(join(folder, 'zone'), `${soa}${records}\n`);
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
remote-control:
  control-enable: no
zone:
  name: "${zone}"
  zonefile: "zone"
`,
  );
  const program = await startProgram(
    'nsd',
    ['-d', '-c', join(folder, 'nsd.conf')],
    (output) => /nsd started/.test(output),
    {
      env,
    },
  );
  return { port, program };
}

/** Unbound that resolves one zone by asking an authority on loopback, and knows no other part of the DNS. */
export async function startUnbound(zone: string, authorityPort: number): Promise<OtherServer> {
  const folder = temporaryFolder('unbound');
  const port = await freePort();
  writeFileSync(
    join(folder, 'unbound.conf'),
    `server:
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  logfile: ""
  verbosity: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/unbound.pid"
  module-config: "iterator"
  root-hints: ""
  ip-ratelimit: 0
  ratelimit: 0
  local-zone: "${zone}." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${authorityPort}
`,
  );
  const program = await startProgram(
    'unbound',
    ['-d', '-c', join(folder, 'unbound.conf')],
    (output) => /start of service/.test(output),
    { env },
  );
  return { port, program };
}
