/** dnsmasq with one address= line a name. It has one thread, whatever is asked for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SINKHOLE_TTL_SECONDS, writeDnsmasq } from '../list-files.ts';
import { findProgram, versionOf } from '../machine.ts';
import type { Peer } from './peer.ts';

/** Twice what is asked in the cached case; its manual warns that more makes it slower. */
const CACHE_NAMES = 20_000;

export const dnsmasq: Peer = {
  name: 'dnsmasq',
  title: 'dnsmasq',
  programs: ['dnsmasq'],
  isEcho: false,
  configuration: `address= for each name, cache of ${CACHE_NAMES} names`,
  version: () => versionOf('dnsmasq', ['--version'], /ersion (\S+)/),
  prepare: (setup) => {
    const list = join(setup.folder, 'list.conf');
    writeDnsmasq(list, setup.list);
    const file = join(setup.folder, 'dnsmasq.conf');
    writeFileSync(
      file,
      `port=${setup.port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-poll
server=127.0.0.1#${setup.upstreamPort}
cache-size=${CACHE_NAMES}
dns-forward-max=10000
local-ttl=${SINKHOLE_TTL_SECONDS}
user=
group=
pid-file=
conf-file=${list}
`,
    );
    return { command: findProgram('dnsmasq')!, args: ['--keep-in-foreground', '--log-facility=-', '-C', file] };
  },
};
