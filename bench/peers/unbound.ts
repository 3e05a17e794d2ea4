/**
 * Unbound, forwarding to the upstream without validation (Weir does not validate either), in the two ways it blocks a
 * list: local zones that redirect to the sinkhole, and a response policy zone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRpz, writeUnboundZones } from '../list-files.ts';
import { findProgram, versionOf } from '../machine.ts';
import type { Launch, Peer, PeerSetup } from './peer.ts';

function configure(setup: PeerSetup, modules: string, list: string): Launch {
  const file = join(setup.folder, 'unbound.conf');
  writeFileSync(
    file,
    `server:
  interface: 127.0.0.1@${setup.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  logfile: ""
  verbosity: 0
  username: ""
  chroot: ""
  directory: "${setup.folder}"
  pidfile: "${setup.folder}/unbound.pid"
  module-config: "${modules}"
  num-threads: ${setup.threads}
  so-reuseport: yes
  so-rcvbuf: 4m
  so-sndbuf: 4m
  outgoing-range: 8192
  num-queries-per-thread: 4096
  msg-cache-size: 512m
  rrset-cache-size: 1g
  infra-cache-numhosts: 1000
  qname-minimisation: no
  minimal-responses: yes
  ip-ratelimit: 0
  ratelimit: 0
  statistics-interval: 0
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${setup.upstreamPort}
${list}
`,
  );
  return { command: findProgram('unbound')!, args: ['-d', '-c', file] };
}

const common = {
  programs: ['unbound'],
  isEcho: false,
  version: () => versionOf('unbound', ['-V'], /^Version (\S+)/m),
};

export const unboundLocalZone: Peer = {
  ...common,
  name: 'unbound',
  title: 'Unbound (local-zone)',
  configuration: 'a local-zone of type redirect for each name, caches of 1.5 GB, no validator',
  prepare: (setup) => {
    const list = join(setup.folder, 'zones.conf');
    writeUnboundZones(list, setup.list);
    return configure(setup, 'iterator', `include: "${list}"`);
  },
};

export const unboundRpz: Peer = {
  ...common,
  name: 'unbound-rpz',
  title: 'Unbound (RPZ)',
  configuration: 'a response policy zone, caches of 1.5 GB, no validator',
  prepare: (setup) => {
    const list = join(setup.folder, 'list.rpz');
    writeRpz(list, setup.list);
    return configure(setup, 'respip iterator', `rpz:\n  name: "bench.rpz"\n  zonefile: "${list}"`);
  },
};
