/** PowerDNS Recursor, forwarding to the upstream without validation, blocking by a response policy zone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRpz } from '../list-files.ts';
import { findProgram, versionOf } from '../machine.ts';
import type { Peer } from './peer.ts';

export const powerdnsRecursor: Peer = {
  name: 'pdns-recursor',
  title: 'PowerDNS Recursor (RPZ)',
  programs: ['pdns_recursor'],
  isEcho: false,
  configuration: 'a response policy zone, packet cache and record cache of 2,000,000 entries, no validation',
  version: () => versionOf('pdns_recursor', ['--version'], /Recursor (\d\S*)/),
  prepare: (setup) => {
    const list = join(setup.folder, 'list.rpz');
    writeRpz(list, setup.list);
    writeFileSync(join(setup.folder, 'policy.lua'), `rpzFile("${list}", {policyName="bench"})\n`);
    writeFileSync(
      join(setup.folder, 'recursor.conf'),
      `daemon=no
quiet=yes
loglevel=3
local-address=127.0.0.1
local-port=${setup.port}
allow-from=127.0.0.0/8
dont-query=
dont-throttle-netmasks=127.0.0.0/8
server-down-max-fails=0
forward-zones-recurse=.=127.0.0.1:${setup.upstreamPort}
dnssec=off
qname-minimization=no
lua-config-file=${join(setup.folder, 'policy.lua')}
threads=${setup.threads}
pdns-distributes-queries=no
reuseport=yes
max-mthreads=4096
max-cache-entries=2000000
max-packetcache-entries=2000000
security-poll-suffix=
socket-dir=${setup.folder}
write-pid=no
`,
    );
    return { command: findProgram('pdns_recursor')!, args: [`--config-dir=${setup.folder}`] };
  },
};
